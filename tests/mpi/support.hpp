#pragma once
/// \file
/// What the MPI tests share. All processes run the same tests: what a check says must not decide
/// whether a process takes part in the next collective call, so these tests use CHECK.

#include <bijou/bijou.hpp>
#include <bijou/mpi.hpp>

#include <algorithm>
#include <cstddef>
#include <span>
#include <vector>

#include "../support/numerics.hpp"
#include "../support/training_problems.hpp"

namespace bijou::testing {

inline constexpr auto small = normal<2> | maf<8> | flip | maf<8>;
inline constexpr auto guide = normal<2> | iaf<8> | flip | iaf<8>;
inline constexpr auto amortised = normal<2> | given<1> | iaf<8>;

/// Whether rank 0 has the same bits.
template <class T> bool same_on_all(const mpi::communicator& world, const std::vector<T>& values) {
  std::vector<T> first = values;
  world.broadcast(std::as_writable_bytes(std::span(first)));
  double differ = std::equal(first.begin(), first.end(), values.begin()) ? 0 : 1;
  world.sum(std::span(&differ, 1));
  return differ == 0;
}

/// The largest difference of two vectors, in units of the largest value.
template <class T> double distance(const std::vector<T>& a, const std::vector<T>& b) {
  double largest = 0, most = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = worse(largest, std::abs(static_cast<double>(a[i])));
    most = worse(most, std::abs(static_cast<double>(a[i]) - static_cast<double>(b[i])));
  }
  return most / largest;
}

/// Training, validation and norms of all epochs.
inline std::vector<double> numbers_of(const fit_result& r) {
  std::vector<double> v{static_cast<double>(r.best_epoch)};
  for (const fit_epoch& e : r.history) {
    v.insert(v.end(), {e.training, e.gradient_norm, e.learning_rate});
    if (e.validation == e.validation) v.push_back(e.validation);
  }
  return v;
}

} // namespace bijou::testing
