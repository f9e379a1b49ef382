#pragma once
/// \file
/// The arc tangent on packs, scalars and duals, in the manner of kernels/math.hpp.
///
/// |x| is brought to t in [-tan(pi/8), tan(pi/8)], so that one short polynomial serves all x:
///
///     atan a = pi/4 k + atan t,   t = a, (a - 1) / (a + 1), -1 / a   for k = 0, 1, 2
///
/// One division serves the three. Source: S. Moshier, Cephes, atan.c; the coefficients of
/// atan(t) = t + t z P(z), z = t^2, are minimax for the relative error, by Remez's algorithm.

#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/math.hpp>

#include <concepts>

namespace bijou::inline BIJOU_ISA::math {

namespace detail {
BIJOU_INLINE pack<float> atan_polynomial(pack<float> z) {
  return polynomial(
      z, {-0x1.55554ap-2F, 0x1.9991aep-3F, -0x1.23b6bcp-3F, 0x1.b20240p-4F, -0x1.f2568ap-5F});
}
BIJOU_INLINE pack<double> atan_polynomial(pack<double> z) {
  const pack<double> z2 = z * z;
  return polynomial(z, z2, z2 * z2,
                    {-0x1.5555555555554p-2, 0x1.9999999999659p-3, -0x1.2492492475ccep-3,
                     0x1.c71c71b775581p-4, -0x1.745d14bf6578ap-4, 0x1.3b136ea6c3ab8p-4,
                     -0x1.110c797026ad9p-4, 0x1.e1727c1c59de5p-5, -0x1.ab807ed7c6bb6p-5,
                     0x1.70f902b0b7215p-5, -0x1.1252261a7afe6p-5, 0x1.f250bf211da56p-7});
}
} // namespace detail

/// atan(x) in [-pi/2, pi/2]. Max error: 3 ulp, all x; the sign of a zero argument is kept.
template <class T> BIJOU_INLINE pack<T> atan(pack<T> x) {
  constexpr T quarter = T(0.78539816339744830962L), half = T(1.57079632679489661923L);
  const pack<T> a = abs(x), one(T(1)), zero(T(0));
  const auto high = a > pack<T>(T(2.41421356237309504880L));   // tan(3 pi / 8)
  const auto middle = a > pack<T>(T(0.41421356237309504880L)); // tan(pi / 8); where high, too
  const pack<T> above = select(high, -one, a - one), below = select(high, a, a + one);
  const pack<T> t = select(middle, above / below, a), z = t * t;
  const pack<T> offset = select(high, pack<T>(half), select(middle, pack<T>(quarter), zero));
  return copysign(offset + fma(t * z, detail::atan_polynomial(z), t), x);
}
template <std::floating_point T> inline T atan(T x) { return first(atan(pack<T>(x))); }
template <class P> BIJOU_INLINE dual<P> atan(dual<P> x) {
  return {atan(x.value), x.derivative / fma(x.value, x.value, P(1))};
}

} // namespace bijou::inline BIJOU_ISA::math
