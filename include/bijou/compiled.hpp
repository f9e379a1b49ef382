#pragma once
/// \file
/// What does not depend on an expression, compiled once instead of in every file: kernels, training
/// loops.
///
/// With BIJOU_COMPILED defined, <bijou/bijou.hpp> declares the instantiations below as defined
/// elsewhere, and the program links with them: the CMake target bijou::compiled does both. A file
/// that defines BIJOU_COMPILING as one of the scalar types and includes this header alone is their
/// definition for that type. (Functions that are no templates: kernels/once.hpp.) Instruction sets
/// do not mix: the names of another are other names (kernels/isa.hpp), and the linker says what is
/// missing.

#include <bijou/flow/batch_loops.hpp>
#include <bijou/kernels/outer_product.hpp>
#include <bijou/kernels/row_product.hpp>
#include <bijou/kernels/sample_sums.hpp>
#include <bijou/kernels/tile.hpp>
#include <bijou/layers/ordered_network.hpp>
#include <bijou/networks/activations.hpp>
#include <bijou/networks/masked_network.hpp>
#include <bijou/random/normal.hpp>
#include <bijou/random/uniform.hpp>
#include <bijou/training/fit_loop.hpp>
#include <bijou/training/fit_to.hpp>
#include <bijou/training/integration.hpp>

#include <cstddef>
#include <cstdint>
#include <span>

// NOLINTBEGIN(bugprone-macro-parentheses): what stands for types and keywords has none.
// Sums over the samples of a tile.
#define BIJOU_SAMPLE_SUMS(KEYWORD, T, L, ROWS)                                                     \
  KEYWORD template void add_sample_sums<T, L, ROWS>(const T*, int, const T*, int, int, T*,         \
                                                    std::ptrdiff_t);
// What networks of other activations need, too, for one tile width and for one event.
#define BIJOU_TILE_KERNELS(KEYWORD, T, L)                                                          \
  KEYWORD template void transpose_panel<T, L>(const T*, int, T*);                                  \
  KEYWORD template void add_outer_panels<T, L>(const staircase&, int, int, const T*, const T*,     \
                                               int, T*);                                           \
  BIJOU_SAMPLE_SUMS(KEYWORD, T, L, 1)                                                              \
  BIJOU_SAMPLE_SUMS(KEYWORD, T, L, 2)                                                              \
  BIJOU_SAMPLE_SUMS(KEYWORD, T, L, 4)                                                              \
  BIJOU_SAMPLE_SUMS(KEYWORD, T, L, 8)                                                              \
  BIJOU_SAMPLE_SUMS(KEYWORD, T, L, 16)                                                             \
  KEYWORD template void multiply_rows<T, L, linear_output>(                                        \
      const T*, int, int, std::span<const product_term<T>>, const product_target<T>&, int);
#define BIJOU_EVENT_KERNELS(KEYWORD, T)                                                            \
  KEYWORD template void multiply_layer<T, linear_output>(                                          \
      const T*, std::span<const product_term<T>>, const T*, int, T*, bool);
// A network, and what it is outside of its layer.
#define BIJOU_NETWORK(KEYWORD, T, A)                                                               \
  KEYWORD template class masked_network<T, wide_lanes<T>, A>;                                      \
  KEYWORD template class ordered_network<T, wide_lanes<T>, A>;
#define BIJOU_NETWORKS(KEYWORD, T)                                                                 \
  BIJOU_NETWORK(KEYWORD, T, activations::relu_t)                                                   \
  BIJOU_NETWORK(KEYWORD, T, activations::tanh_t)                                                   \
  BIJOU_NETWORK(KEYWORD, T, activations::silu_t)
// Random numbers.
#define BIJOU_NOISE(KEYWORD, T, NUMBERS)                                                           \
  KEYWORD template void fill_tile<NUMBERS, T>(const philox&, domain, std::uint64_t, int, T*,       \
                                              std::ptrdiff_t, int);                                \
  KEYWORD template void fill_event<NUMBERS, T>(const philox&, domain, std::uint64_t, std::span<T>);
// The loops behind a flow's calls, for one tile width.
#define BIJOU_BATCH_LOOPS(KEYWORD, T, L)                                                           \
  KEYWORD template void map_tiles<T, L>(const flow_frame<T>&, direction, const sample_source<T>&,  \
                                        const sample_sink<T>&, value_sink<T>, T*,                  \
                                        const context_source<T>&, chain_function<T>);              \
  KEYWORD template void score_tiles<T, L>(const flow_frame<T>&, int, const base_functions<T>&,     \
                                          const sample_source<T>&, value_sink<T>, T*,              \
                                          const context_source<T>&, chain_function<T>);            \
  KEYWORD template void sample_tiles<T, L>(                                                        \
      const flow_frame<T>&, const base_functions<T>&, const noise_source<T>&,                      \
      const sample_sink<T>&, value_sink<T>, T*, const context_source<T>&, chain_function<T>);      \
  KEYWORD template double add_score_gradient<T, L>(                                                \
      const flow_frame<T>&, const base_functions<T>&, const sample_source<T>&, const T*, double,   \
      T*, T*, const sample_sink<T>&, const sample_sink<T>&, T*, const context_source<T>&,          \
      const differentiable_chain<T>&);                                                             \
  KEYWORD template void add_function_gradient<T, L>(                                               \
      const flow_frame<T>&, const base_functions<T>&, const noise_source<T>&,                      \
      function_ref<void(const sampled_tile<T>&)>, T*, const sample_sink<T>&,                       \
      const sample_sink<T>&, T*, const context_source<T>&, const differentiable_chain<T>&,         \
      const differentiable_chain<T>*);                                                             \
  KEYWORD template void pull_back_tiles<T, L>(                                                     \
      const flow_frame<T>&, const sample_source<T>&, function_ref<void(const valued_tile<T>&)>,    \
      const sample_sink<T>&, value_sink<T>, T*, T*, const context_source<T>&,                      \
      const differentiable_chain<T>&);
// Training, whatever the flow.
#define BIJOU_TRAINING(KEYWORD, T)                                                                 \
  KEYWORD template fit_result run_fit<T>(trained_flow<T>&, const scoring_functions<T>&,            \
                                         const weighted_batch<T>&, const weighted_batch<T>*,       \
                                         const fit_options&, const processes&);                    \
  KEYWORD template fit_result run_fit<T>(trained_flow<T>&, const scoring_functions<T>&,            \
                                         const sample_source<T>&, const sample_source<T>*,         \
                                         const fit_options&, const processes&);                    \
  KEYWORD template fit_result run_fit_to<T>(trained_flow<T>&, const elbo_functions<T>&,            \
                                            const sample_source<T>&, const fit_to_options&,        \
                                            const processes&);                                     \
  KEYWORD template integral_estimate run_integration<T>(                                           \
      trained_flow<T>&, const integration_functions<T>&, const integrate_options&);
#define BIJOU_KERNELS(KEYWORD, T)                                                                  \
  BIJOU_TILE_KERNELS(KEYWORD, T, wide_lanes<T>)                                                    \
  BIJOU_EVENT_KERNELS(KEYWORD, T)                                                                  \
  BIJOU_BATCH_LOOPS(KEYWORD, T, wide_lanes<T>)                                                     \
  BIJOU_NOISE(KEYWORD, T, normal_numbers)                                                          \
  BIJOU_NOISE(KEYWORD, T, uniform_numbers)                                                         \
  BIJOU_TRAINING(KEYWORD, T)
// NOLINTEND(bugprone-macro-parentheses)

namespace bijou::inline BIJOU_ISA {

#if defined(BIJOU_COMPILING)
namespace detail {
BIJOU_KERNELS(, BIJOU_COMPILING)
} // namespace detail
BIJOU_NETWORKS(, BIJOU_COMPILING)
#else
namespace detail {
BIJOU_KERNELS(extern, float)
BIJOU_KERNELS(extern, double)
} // namespace detail
BIJOU_NETWORKS(extern, float)
BIJOU_NETWORKS(extern, double)
#endif

} // namespace bijou::inline BIJOU_ISA

#undef BIJOU_KERNELS
#undef BIJOU_TRAINING
#undef BIJOU_BATCH_LOOPS
#undef BIJOU_NOISE
#undef BIJOU_EVENT_KERNELS
#undef BIJOU_NETWORKS
#undef BIJOU_NETWORK
#undef BIJOU_TILE_KERNELS
#undef BIJOU_SAMPLE_SUMS
