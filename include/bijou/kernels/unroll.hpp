#pragma once
/// \file
/// Loops the compiler must unroll: register blocks stay in registers only when every index is
/// known.

#include <bijou/kernels/simd.hpp>

#include <cstddef>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

/// f(0), f(1), ... f(N - 1), each index an integral constant: for a body that needs a constant, or
/// that has a loop of unknown length in it, which compilers do not unroll around. Elsewhere
/// `#pragma GCC unroll` before a plain loop does the same; each lambda here is a function that the
/// compiler makes and inlines, and nested ones took half of the time of a kernel.
template <int N, class F> BIJOU_INLINE void unroll(F&& f) {
  [&]<int... I>(std::integer_sequence<int, I...>) __attribute__((always_inline)) {
    (f(std::integral_constant<int, I>{}), ...);
  }
  (std::make_integer_sequence<int, N>{});
}

/// f(0) ... f(N - 1), unrolled where N is small, so that what f indexes stays in registers. A
/// lambda over values of reverse mode is to be inlined at once, with
/// __attribute__((always_inline)): a result whose address meets a function that is inlined later
/// lies in memory for good (g++ 12: 1.5 times the time of a planar word's adjoint).
template <int N, class F> BIJOU_INLINE void for_each_variable(F&& f) {
  if constexpr (N <= 8)
    unroll<N>(f);
  else
    for (int d = 0; d < N; ++d) f(d);
}

/// N registers, and N rows of M registers: what unrolled loops index.
template <class T, int N> using registers_of = simd::pack<T>[static_cast<std::size_t>(N)];
template <class T, int N, int M>
using register_block = simd::pack<T>[static_cast<std::size_t>(N)][static_cast<std::size_t>(M)];

/// Keeps a loaded pack in its register. Compilers fold a load into each instruction that uses it;
/// a kernel that uses it four times would load four times, and run at the rate of loads (72 %).
template <class T> BIJOU_INLINE void keep_in_register(simd::pack<T>& p) {
#if defined(__AVX512F__)
  asm("" : "+v"(p.v.data));
#elif defined(__x86_64__)
  asm("" : "+x"(p.v.data));
#elif defined(__aarch64__)
  asm("" : "+w"(p.v.data));
#endif
}

/// The least multiple of m that is not below n.
constexpr int round_up(int n, int m) { return (n + m - 1) / m * m; }

/// container[i] for the signed indices that arithmetic on rows and columns uses.
template <class C> BIJOU_INLINE constexpr auto& at(C& container, int i) {
  return container[static_cast<std::size_t>(i)];
}
template <class C> BIJOU_INLINE int length(const C& container) {
  return static_cast<int>(container.size());
}

} // namespace bijou::inline BIJOU_ISA::detail
