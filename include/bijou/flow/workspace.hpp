#pragma once
/// \file
/// The memory that evaluation needs, as a plain value: one for each thread, used again and again.

#include <bijou/kernels/aligned.hpp>

#include <algorithm>
#include <cstddef>

namespace bijou::inline BIJOU_ISA {

/// Rows of lanes for one tile and all layers of a flow; made by make_workspace(). Holds no results:
/// any call may use it after any other, on one thread at a time.
template <class T> struct workspace {
  aligned_vector<T> memory;
};

namespace detail {

/// Where the blocks of a workspace begin, in rows of lanes.
struct workspace_rows {
  int x, log_det, log_prob, context, scratch, g, g_log_det, g_context, tape;
  int tape_noise; ///< from the tape's begin
};

/// How a workspace is divided, in rows of L lanes: `context` holds a row for each value of the
/// samples' contexts, `folded` and `shared` what one context for all was folded into, and its
/// values. Tape and cotangents only for gradients.
template <class Program> struct workspace_plan {
  static constexpr int L = Program::lanes;
  static constexpr int x = 0;
  static constexpr int log_det = x + Program::size;
  static constexpr int log_prob = log_det + 1;
  static constexpr int context = log_prob + 1;
  static constexpr int folded = context + Program::context;
  static constexpr int shared = folded + (Program::needs::folded_size + L - 1) / L;
  static constexpr int scratch = shared + (Program::context + L - 1) / L;
  // Also room for one sample, between the layers.
  static constexpr int scratch_rows =
      std::max(Program::needs::scratch_rows, (Program::size + L - 1) / L);
  static constexpr int evaluation_rows = scratch + scratch_rows;
  static constexpr int g = evaluation_rows;
  static constexpr int g_log_det = g + Program::size;
  static constexpr int g_context = g_log_det + 1;
  static constexpr int tape = g_context + Program::context;
  static constexpr int tape_noise = Program::needs::tape_rows; // from the tape's begin
  static constexpr int gradient_rows = tape + tape_noise + Program::size;

  static constexpr workspace_rows rows{x, log_det,   log_prob,  context, scratch,
                                       g, g_log_det, g_context, tape,    tape_noise};

  static constexpr std::size_t evaluation_size = static_cast<std::size_t>(evaluation_rows) * L;
  static constexpr std::size_t gradient_size = static_cast<std::size_t>(gradient_rows) * L;
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
