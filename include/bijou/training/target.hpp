#pragma once
/// \file
/// Targets: unnormalised densities that flows are fitted to, and their gradients.
///
/// A target is anything that gives log p of a pack of samples, nats, up to a constant. A formula
/// written once for any number type gets its gradient from dual numbers:
///
///     const auto ring = [](const auto& x) {
///       using math::sqrt;
///       const auto r = sqrt(x[0] * x[0] + x[1] * x[1]) - 3;
///       return -2 * r * r;
///     };
///
/// x is a std::array of D numbers, each a pack<T> or a dual<pack<T>>; std::sqrt(x[0]) is the same
/// function (kernels/std_functions.hpp). Cost of the gradient: D
/// evaluations with duals, each about two of the value. A struct that knows better says so:
///
///     struct standard_normal {
///       template <class P, std::size_t D>
///       P value_and_grad(const std::array<P, D>& x, std::array<P, D>& gradient) const;
///     };
///
/// Where the flow has given<C>, a target may take the context of each sample behind x, a std::array
/// of C packs; and behind that sample_numbers, which say whose lanes they are. A target may hold
/// data; it is called by all threads of a training run at once, and must not change itself.

#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/dual.hpp>
#include <bijou/kernels/std_functions.hpp>

#include <algorithm>
#include <array>
#include <concepts>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA {

/// Lane i is sample first + i of the batch, i < count; lanes beyond are computed and ignored.
struct sample_numbers {
  std::size_t first;
  int count;
};

namespace detail {

/// The contexts of some lanes: those beyond the last sample repeat it.
template <class P, std::size_t C, class T>
std::array<P, C> context_lanes([[maybe_unused]] const sample_source<T>& context,
                               [[maybe_unused]] sample_numbers numbers) {
  std::array<P, C> result{};
  if constexpr (C > 0) {
    constexpr auto position = identity_order<static_cast<int>(C)>();
    constexpr auto width = static_cast<std::size_t>(P::size);
    alignas(64) std::array<T, C * width> rows;
    std::array<T, C> one;
    for (std::size_t i = 0; i < width; ++i) {
      const auto last = static_cast<std::size_t>(numbers.count - 1);
      context.load(numbers.first + std::min(i, last), static_cast<int>(C), one.data(),
                   position.data());
      for (std::size_t k = 0; k < C; ++k) rows[k * width + i] = one[k];
    }
    for (std::size_t k = 0; k < C; ++k) result[k] = P::load(rows.data() + k * width);
  }
  return result;
}

/// f(a...) compiles. An error inside of f is told in half as many lines as through std::invocable.
template <class F, class... A>
concept callable_with = requires(const F& f, A&&... a) { f(a...); };

/// f(x, context, numbers, rest...), without what f does not take.
template <class F, class X, class P, std::size_t C, class... Rest>
BIJOU_INLINE auto call_target(const F& f, const X& x, const std::array<P, C>& context,
                              sample_numbers numbers, Rest&... rest) {
  using all = const std::array<P, C>&;
  if constexpr (C > 0 && callable_with<F, const X&, all, sample_numbers, Rest&...>)
    return f(x, context, numbers, rest...);
  else if constexpr (C > 0 && callable_with<F, const X&, all, Rest&...>)
    return f(x, context, rest...);
  else if constexpr (C == 0 && callable_with<F, const X&, sample_numbers, Rest&...>)
    return f(x, numbers, rest...);
  else if constexpr (callable_with<F, const X&, Rest&...>)
    return f(x, rest...);
}

/// The member value_and_grad as a function.
template <class Target> struct gradient_member {
  const Target& target;
  template <class... A>
    requires requires(const Target& t, A&&... a) { t.value_and_grad(a...); }
  BIJOU_INLINE auto operator()(A&&... a) const {
    return target.value_and_grad(a...);
  }
};

template <class Target, class P, std::size_t D, std::size_t C>
concept target_with_gradient =
    requires(const gradient_member<Target>& f, const std::array<P, D>& x,
             const std::array<P, C>& context, sample_numbers n, std::array<P, D>& g) {
      { call_target(f, x, context, n, g) } -> std::convertible_to<P>;
    };

enum class target_mistake { none, not_callable, gives_no_number };

/// Whether a target suits flows of D variables and C values of context.
template <class Target, class P, std::size_t D, std::size_t C>
constexpr target_mistake find_target_mistake() {
  if constexpr (!target_with_gradient<Target, P, D, C>) { // else a call with duals may not compile
    // Void if it cannot be called.
    using result = decltype(call_target(std::declval<const Target&>(),
                                        std::declval<const std::array<dual<P>, D>&>(),
                                        std::declval<const std::array<P, C>&>(), sample_numbers{}));
    if constexpr (std::is_void_v<result>)
      return target_mistake::not_callable;
    else if constexpr (!std::convertible_to<result, dual<P>>)
      return target_mistake::gives_no_number;
  }
  return target_mistake::none;
}

/// Gradients by dual numbers, one variable after another.
template <class Target, class P, std::size_t D, std::size_t C>
BIJOU_INLINE P dual_value_and_grad(const Target& target, const std::array<P, D>& x,
                                   const std::array<P, C>& context, sample_numbers numbers,
                                   std::array<P, D>& gradient) {
  using T = typename P::value_type;
  std::array<dual<P>, D> v;
  for (std::size_t d = 0; d < D; ++d) v[d] = dual<P>(x[d]);
  P value(T(0));
  for (std::size_t d = 0; d < D; ++d) {
    v[d].derivative = P(T(1));
    const dual<P> y = call_target(target, v, context, numbers);
    v[d].derivative = P(T(0));
    gradient[d] = y.derivative;
    value = y.value;
  }
  return value;
}

/// log p of the lanes, and its gradient by each variable.
template <class Target, class P, std::size_t D, std::size_t C>
BIJOU_INLINE P target_value_and_grad(const Target& target, const std::array<P, D>& x,
                                     const std::array<P, C>& context, sample_numbers numbers,
                                     std::array<P, D>& gradient) {
  if constexpr (target_with_gradient<Target, P, D, C>) {
    return call_target(gradient_member<Target>{target}, x, context, numbers, gradient);
  } else {
    return dual_value_and_grad(target, x, context, numbers, gradient);
  }
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
