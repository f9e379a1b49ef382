#pragma once
/// \file
/// A transformer turned round.

#include <bijou/kernels/math.hpp>
#include <bijou/transformers/transformer.hpp>

namespace bijou::inline BIJOU_ISA {

namespace detail {
/// Fixed numbers for each variable that an op wants beside its parameters.
template <class Op> constexpr int constants_of() {
  if constexpr (requires { Op::constants; })
    return Op::constants;
  else
    return 0;
}
} // namespace detail

/// A transformer turned round. Its parameters stay what they are.
template <class Tr> struct inverse_transformer {
  using bijou_tag = transformer_tag;
  static constexpr int parameters = Tr::parameters;
  static constexpr int constants = detail::constants_of<Tr>();
  static constexpr bool has_factor = false;
  [[no_unique_address]] Tr inner;

  template <class P> static P log_slope_of(const mapped<P>& m) {
    if constexpr (Tr::has_factor)
      return m.log_slope - math::log1p(m.factor);
    else
      return m.log_slope;
  }
  template <class P, class Theta> mapped<P> forward(P x, const Theta& theta) const {
    const mapped<P> m = inner.inverse(x, theta);
    return {m.value, -log_slope_of(m)};
  }
  template <class P, class Theta> mapped<P> inverse(P y, const Theta& theta) const {
    const mapped<P> m = inner.forward(y, theta);
    return {m.value, -log_slope_of(m)};
  }
  template <class P, class Theta, class Sink>
  P pull_back(P x, const Theta& theta, P gy, P gl, Sink&& g_theta) const {
    return detail::pull_back_inverse(inner, inner.inverse(x, theta).value, x, theta, gy, gl,
                                     g_theta);
  }
  /// The adjoint of the inner map forward: nothing is divided.
  template <class P, class Theta, class Sink>
  P pull_back_inverse(P, P y, const Theta& theta, P gx, P gl, Sink&& g_theta) const {
    return inner.pull_back(y, theta, gx, gl, g_theta);
  }
  template <class T>
  void identity(T* theta, int stride) const
    requires requires(T* p) { inner.identity(p, 1); }
  {
    inner.identity(theta, stride);
  }
  template <class T>
  void fill_constants(T* c, int n) const
    requires requires(T* p) { inner.fill_constants(p, 1); }
  {
    inner.fill_constants(c, n);
  }
};

} // namespace bijou::inline BIJOU_ISA
