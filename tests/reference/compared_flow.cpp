/// \file
/// What of a comparison knows no flow's type, compiled once.

#include "compared_flow.hpp"

#include <algorithm>
#include <cmath>

namespace bijou::testing {

/// Calls run(first, count, part) with all samples and part = parts, which means the whole sum; and
/// for the terms with each sample by itself and each part of what is summed over it.
template <class T>
template <class Run>
batch_gradient<T> compared_flow<T>::gradient(std::size_t n, std::size_t parts, const Run& run,
                                             T* log_q) const {
  batch_gradient<T> result(n * dimension, parameters);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t part = 0; part < parts; ++part) {
      const gradients<T> share = run(i, 1, part);
      for (std::size_t j = 0; j < parameters; ++j)
        result.terms[j] += std::abs(share.by_parameters[j]);
      for (std::size_t d = 0; d < dimension; ++d)
        result.point_terms[i * dimension + d] += std::abs(static_cast<double>(share.by_inputs[d]));
    }
  gradients<T> whole = run(0, n, parts);
  result.by_points = std::move(whole.by_inputs);
  result.by_parameters = std::move(whole.by_parameters);
  if (log_q) std::copy(whole.log_prob.begin(), whole.log_prob.end(), log_q);
  return result;
}

template <class T>
batch_gradient<T> compared_flow<T>::gradient_of_samples(const values& noise, const values& v,
                                                        T by_log_q, T* log_q) const {
  // The parts of a sample's term: each of its variables, and its log q.
  const auto run = [&](std::size_t first, std::size_t n, std::size_t part) {
    const bool whole = part > dimension;
    const auto function = [&](const sampled_tile<T>& tile) {
      for (int i = 0; i < tile.count; ++i) {
        const std::size_t number = first + tile.first + static_cast<std::size_t>(i);
        for (std::size_t d = 0; d < dimension; ++d)
          tile.cotangent(static_cast<int>(d))[i] =
              whole || part == d ? v[number * dimension + d] : T(0);
        tile.log_q_cotangent[i] = whole || part == dimension ? by_log_q : T(0);
      }
    };
    const values z = slice(noise, first * dimension, n * dimension);
    return flow_.sample_gradient(z, contexts(z, first), function);
  };
  return gradient(noise.size() / dimension, dimension + 1, run, log_q);
}

template <class T>
batch_gradient<T> compared_flow<T>::gradient_of_scores(const values& data, T scale,
                                                       T* log_q) const {
  const auto run = [&](std::size_t first, std::size_t n, std::size_t) {
    const values y = slice(data, first * dimension, n * dimension);
    return flow_.log_prob_gradient(y, contexts(y, first), {}, scale);
  };
  return gradient(data.size() / dimension, 1, run, log_q);
}

template class compared_flow<float>;
template class compared_flow<double>;

} // namespace bijou::testing
