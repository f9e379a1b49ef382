#pragma once
/// \file
/// A transformer applied to rows of a tile or values of one event: the epilogue of every
/// conditioner, one piece of code for all paths, so that they give the same bits.

#include <bijou/kernels/math.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/transformers/transformer.hpp>

#include <algorithm>
#include <array>
#include <cstddef>

namespace bijou::inline BIJOU_ISA::detail {

/// Logarithms of slopes, summed over variables in ascending order. Slopes that come as
/// log_slope - log1p(factor) share one logarithm: p <- p + e (1 + p) keeps prod (1 + e) - 1 exactly
/// where a plain product would lose small e. Each e is at most 1: 64 of them cannot overflow.
template <class P, bool HasFactor> struct slope_sum {
  P sum{typename P::value_type(0)};
  P product{typename P::value_type(0)};

  BIJOU_INLINE void add(int rank, P log_slope, P factor) {
    sum += log_slope;
    if constexpr (HasFactor) {
      product = fma(factor, P(1) + product, product);
      if (rank % 64 == 63) flush();
    }
  }
  BIJOU_INLINE P total() {
    if constexpr (HasFactor) flush();
    return sum;
  }

 private:
  BIJOU_INLINE void flush() {
    sum -= math::log1p(product);
    product = P(0);
  }
};

/// The transformer on the rows of ranks [first, last) of a tile. Row of rank r: rows[r] of x;
/// its theta: rows r * Stride ... of out. Running sums live in two rows of `sums`. Values are
/// saturated, and their samples' sums then are NaN. With Keep, `out` holds afterwards what the
/// adjoint of a keeping transformer reads.
template <direction Way, int L, int Stride, bool Keep = false, class T, class Tr>
void transform_rows(const Tr& tr, int first, int last, T* x, const int* rows, T* out, T* sums,
                    int lanes) {
  using P = simd::pack<T>;
  saturation_watch<T> watch;
  for (int s = 0; s < lanes; s += P::size) {
    slope_sum<P, Tr::has_factor> acc{P::load(sums + s), P::load(sums + L + s)};
    for (int r = first; r < last; ++r) {
      T* const row = x + rows[r] * L + s;
      T* const params = out + r * Stride * L + s;
      const mapped<P> m = [&] {
        const theta_rows<T> theta{params, L};
        if constexpr (Keep && keeping_transformer<Tr>)
          return tr.forward(P::load(row), theta, theta_sink<T>{params, L});
        else
          return run_transformer<Way>(tr, P::load(row), theta);
      }();
      m.value.store(row);
      if constexpr (Tr::support == kind::line) watch.see(m.value);
      acc.add(r, m.log_slope, m.factor);
    }
    acc.sum.store(sums + s);
    acc.product.store(sums + L + s);
  }
  if (watch.tripped()) [[unlikely]]
    saturate_rows<L>(x, rows + first, last - first, sums, lanes, saturation<T>);
}

/// Adds the sums that transform_rows left to the log-det row, with the sign of the direction.
template <direction Way, int L, class T, class Tr>
void add_slope_sums(const Tr&, const T* sums, T* log_det, int lanes) {
  using P = simd::pack<T>;
  for (int s = 0; s < lanes; s += P::size) {
    slope_sum<P, Tr::has_factor> acc{P::load(sums + s), P::load(sums + L + s)};
    const P total = acc.total();
    const P before = P::load(log_det + s);
    (Way == direction::forward ? before + total : before - total).store(log_det + s);
  }
}

/// Saturates one value of an event, and marks its sum.
template <class T, class Sum> BIJOU_INLINE void saturate(T* x, Sum& acc) {
  T mark = T(0);
  saturate_event(x, 1, &mark, saturation<T>);
  if (mark != T(0)) [[unlikely]]
    acc.sum = simd::pack<T>(mark);
}

/// The transformer on one rank of one event, the same in all lanes: nothing goes through memory on
/// the way from the network's outputs to x, for which a sweep waits. Saturates as transform_rows.
template <direction Way, int Stride, class T, class Tr>
BIJOU_INLINE void transform_one(const Tr& tr, int rank, T* x, const T* out,
                                slope_sum<simd::pack<T>, Tr::has_factor>& acc) {
  using P = simd::pack<T>;
  const mapped<P> m = run_transformer<Way>(tr, P(*x), theta_broadcast<T>{out + rank * Stride, 1});
  *x = m.value.first();
  acc.add(rank, m.log_slope, m.factor);
  if constexpr (Tr::support == kind::line) saturate(x, acc);
}

/// The transformer on all `count` ranks of one event, lanes along ranks. The theta of rank r are
/// the values r * Stride ... of out. `acc` is lane 0 of everything.
template <direction Way, int Stride, class T, class Tr>
void transform_event(const Tr& tr, int count, T* x, const int* rows, const T* out,
                     slope_sum<simd::pack<T>, Tr::has_factor>& acc) {
  using P = simd::pack<T>;
  constexpr int W = P::size;
  constexpr int arrays = 1 + Tr::parameters;
  alignas(64) std::array<T, std::size_t{W * arrays}> gathered{};
  alignas(64) std::array<T, std::size_t{W}> value, log_slope, factor;
  for (int r = 0; r < count; r += W) {
    const int n = std::min(count - r, W);
    for (int i = 0; i < n; ++i) {
      T* const lane = gathered.data() + i;
      lane[0] = x[rows[r + i]];
      for (int j = 0; j < Tr::parameters; ++j) lane[(j + 1) * W] = out[(r + i) * Stride + j];
      asm volatile("" ::: "memory"); // gather instructions take longer than the loop
    }
    const mapped<P> m =
        run_transformer<Way>(tr, P::load(gathered.data()), theta_rows<T>{gathered.data() + W, W});
    m.value.store(value.data());
    m.log_slope.store(log_slope.data());
    m.factor.store(factor.data());
    for (int i = 0; i < n; ++i) {
      const auto lane = static_cast<std::size_t>(i);
      x[rows[r + i]] = value[lane];
      acc.add(r + i, P(log_slope[lane]), P(factor[lane]));
    }
    if constexpr (Tr::support == kind::line) {
      saturation_watch<T> watch;
      watch.see(m.value);
      if (watch.tripped()) [[unlikely]]
        for (int i = 0; i < n; ++i) saturate(x + rows[r + i], acc);
    }
  }
}

/// Cotangents of the map in one direction on ranks [first, last): g becomes that of x, or of y for
/// the inverse, and g_out that of theta. `out` is what transform_rows kept. Only a transformer with
/// an adjoint of its own for the inverse looks at y.
template <direction Way, int L, int Stride, class T, class Tr>
void pull_back_rows(const Tr& tr, int first, int last, const T* x, const T* y, const int* rows,
                    const T* out, T* g, const T* g_log_det, T* g_out, int lanes) {
  using P = simd::pack<T>;
  for (int s = 0; s < lanes; s += P::size) {
    const P gl = P::load(g_log_det + s);
    for (int r = first; r < last; ++r) {
      const int at = rows[r] * L + s;
      const int params = r * Stride * L + s;
      const theta_rows<T> theta{out + params, L};
      const theta_sink<T> g_theta{g_out + params, L};
      const P from = P::load(x + at), g_to = P::load(g + at);
      const P g_from = [&] {
        if constexpr (Way == direction::inverse)
          return pull_back_inverse(tr, from, has_pull_back_inverse<Tr> ? P::load(y + at) : P(T(0)),
                                   theta, g_to, gl, g_theta);
        else if constexpr (keeping_transformer<Tr>)
          return tr.pull_back_kept(from, theta, g_to, gl, g_theta);
        else
          return tr.pull_back(from, theta, g_to, gl, g_theta);
      }();
      g_from.store(g + at);
    }
  }
}

} // namespace bijou::inline BIJOU_ISA::detail
