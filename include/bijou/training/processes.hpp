#pragma once
/// \file
/// The processes that share a training run: what the loops ask of them, and how they fail together.
///
/// A group of processes runs the same program with the same arguments, each on its part of every
/// batch. `one_process` is the group of a run that is not shared; bijou/mpi.hpp has another.

#include <bijou/kernels/function_ref.hpp>
#include <bijou/training/fit_result.hpp>

#include <array>
#include <concepts>
#include <cstddef>
#include <exception>
#include <span>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Processes with ranks 0 .. size() - 1, and two collective calls: all processes make them in the
/// same order. After `sum` all have the same bits: the sums over processes in the numbers' places.
/// `broadcast` gives all the bytes of `root`.
template <class P>
concept process_group = requires(const P& processes, std::span<float> floats,
                                 std::span<double> doubles, std::span<std::byte> bytes, int root) {
  { processes.rank() } -> std::same_as<int>;
  { processes.size() } -> std::same_as<int>;
  processes.sum(floats);
  processes.sum(doubles);
  processes.broadcast(bytes, root);
};

/// A run of this process alone.
struct one_process {
  static constexpr int rank() { return 0; }
  static constexpr int size() { return 1; }
  template <class T> static void sum(std::span<T>) {}
  static void broadcast(std::span<std::byte>, int) {}
};

namespace detail {

/// A group of processes behind virtual calls: what uses it is compiled once for all groups.
class processes {
 public:
  virtual int rank() const = 0;
  virtual int size() const = 0;
  virtual void sum(std::span<float> values) const = 0;
  virtual void sum(std::span<double> values) const = 0;
  virtual void broadcast(std::span<std::byte> bytes, int root) const = 0;

 protected:
  processes() = default;
  processes(const processes&) = default;
  processes& operator=(const processes&) = default;
  ~processes() = default; // nobody owns one by this type
};
/// Refers to a group of a user's type.
template <process_group Group> class processes_of final : public processes {
 public:
  explicit processes_of(const Group& group) : group_(group) {}
  int rank() const override { return group_.rank(); }
  int size() const override { return group_.size(); }
  void sum(std::span<float> values) const override { group_.sum(values); }
  void sum(std::span<double> values) const override { group_.sum(values); }
  void broadcast(std::span<std::byte> bytes, int root) const override {
    group_.broadcast(bytes, root);
  }

 private:
  const Group& group_;
};

/// A run that is not shared.
inline const processes& this_process() {
  static constexpr one_process alone{};
  static const processes_of<one_process> result(alone);
  return result;
}

/// What a process has to say, and its rank.
struct statement {
  int rank;
  std::string text;
};

/// The words of the lowest rank that has any, in all processes. Collective.
inline statement first_statement(const processes& all, std::string mine) {
  std::vector<double> lengths(static_cast<std::size_t>(all.size()));
  lengths[static_cast<std::size_t>(all.rank())] = static_cast<double>(mine.size());
  all.sum(std::span<double>(lengths));
  for (int rank = 0; rank < all.size(); ++rank)
    if (const double length = lengths[static_cast<std::size_t>(rank)]; length > 0) {
      mine.resize(static_cast<std::size_t>(length));
      all.broadcast(std::as_writable_bytes(std::span(mine)), rank);
      return {rank, std::move(mine)};
    }
  return {0, ""};
}

/// Ends the run in all processes, at least one of which has an exception: that one's goes on there,
/// and the others say what it was. Collective.
[[noreturn]] inline void fail_together(const processes& all, const std::exception_ptr& mine) {
  std::string text;
  if (mine) {
    text = "an unknown exception";
    try {
      std::rethrow_exception(mine);
    } catch (const std::exception& e) {
      if (*e.what() != '\0') text = e.what();
    } catch (...) { // whatever it is, it goes on below
    }
  }
  const statement first = first_statement(all, std::move(text));
  if (mine) std::rethrow_exception(mine);
  throw training_error("rank " + std::to_string(first.rank) + " of " + std::to_string(all.size()) +
                           " failed: " + first.text,
                       0, 0);
}

/// The sum of f() over all processes. What it throws in one of them ends the run in all.
/// Collective.
inline double sum_of(const processes& all, function_ref<double()> f) {
  if (all.size() == 1) return f();
  double mine = 0;
  std::exception_ptr failure;
  try {
    mine = f();
  } catch (...) {
    failure = std::current_exception();
  }
  std::array<double, 2> sums{mine, failure ? 1.0 : 0.0};
  all.sum(std::span<double>(sums));
  if (sums[1] > 0) fail_together(all, failure);
  return sums[0];
}

/// f() in all processes. What it throws in one of them ends the run in all. Collective.
inline void together(const processes& all, function_ref<void()> f) {
  sum_of(all, [&] {
    f();
    return 0.0;
  });
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
