#pragma once
/// \file
/// `scalar_target(f)`: a target that knows one sample at a time, in double, as simulators do.
///
///     const auto log_p = [](std::span<const double> x, std::span<double> gradient) {
///       gradient[0] = -x[0];
///       gradient[1] = -4 * x[1];
///       return -0.5 * x[0] * x[0] - 2 * x[1] * x[1];
///     };
///     fit_to(q, scalar_target(log_p), {.threads = 4});
///
/// f is one of
///
///     double f(std::span<const double> x, std::span<double> gradient)  // fills the gradient
///     double f(std::span<const double> x)                              // has none
///
/// and, for flows with given<C>, may take std::span<const double> context behind x. Where f has no
/// gradient, it is taken by central differences: 2 D + 1 calls of f for each sample.
///
/// f may keep memory and change it: each thread calls a copy of its own, and copies f when it first
/// needs one. What cannot be copied (a simulation's context, say) is made instead: `scalar_target`
/// of a function without arguments, whose results are such f, calls it once for each thread.

#include <bijou/training/target.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <concepts>
#include <cstddef>
#include <limits>
#include <memory>
#include <mutex>
#include <span>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

using scalar_in = std::span<const double>;
using scalar_out = std::span<double>;

template <class F, class... A>
inline constexpr bool gives_double = std::is_invocable_r_v<double, F&, A...>;

/// Of a formula of `auto` nothing can be asked that it does not compile with.
template <class F>
concept has_one_signature =
    std::is_function_v<std::remove_pointer_t<F>> || requires { &F::operator(); };

/// f(x, context): its second argument may be constant, which a gradient is not.
template <class F>
concept takes_context = has_one_signature<F> && gives_double<F, scalar_in, scalar_in>;
/// f(x, gradient), f(x), f(x, context, gradient)
template <class F>
concept fills_gradient = gives_double<F, scalar_in, scalar_out> && !takes_context<F>;
template <class F>
concept gives_value = gives_double<F, scalar_in>;
template <class F>
concept fills_gradient_by_context = gives_double<F, scalar_in, scalar_in, scalar_out>;

template <class F>
concept scalar_function =
    fills_gradient_by_context<F> || fills_gradient<F> || gives_value<F> || takes_context<F>;

template <class F> struct made_by {
  using type = void;
};
template <std::invocable F> struct made_by<F> {
  using type = std::remove_cvref_t<std::invoke_result_t<F&>>;
};
/// Makes functions of one sample.
template <class F>
concept scalar_factory = std::invocable<F&> && scalar_function<typename made_by<F>::type>;

/// Copies of a function, or what a factory makes: each is lent to one caller at a time.
template <class F> class scalar_functions {
 public:
  static constexpr bool makes = scalar_factory<F>;
  using function = typename std::conditional_t<makes, made_by<F>, std::type_identity<F>>::type;

  explicit scalar_functions(F f) : source_(std::move(f)) {}

  /// Calls use(function).
  template <class Use> void lend(Use&& use) {
    std::unique_ptr<function> own = take();
    // NOLINTNEXTLINE(cppcoreguidelines-special-member-functions): it stays where it is
    const struct giver { // gives it back where use throws, too
      scalar_functions& home;
      std::unique_ptr<function>& own;
      ~giver() {
        const std::scoped_lock lock(home.mutex_);
        home.idle_.push_back(std::move(own)); // never grows here: see take()
      }
    } back{*this, own};
    use(*own);
  }

 private:
  std::unique_ptr<function> take() {
    const std::scoped_lock lock(mutex_);
    if (!idle_.empty()) {
      auto last = std::move(idle_.back());
      idle_.pop_back();
      return last;
    }
    idle_.reserve(++made_);
    if constexpr (makes)
      return std::unique_ptr<function>(new function(source_()));
    else
      return std::make_unique<function>(source_);
  }

  F source_;
  std::mutex mutex_;
  std::size_t made_ = 0;
  std::vector<std::unique_ptr<function>> idle_;
};

} // namespace detail

/// What scalar_target() gives. A regular value whose copies share the functions.
template <class F> class scalar_target_t {
  using functions = detail::scalar_functions<F>;
  using function = typename functions::function;
  using in = detail::scalar_in;
  using out = detail::scalar_out;

 public:
  /// What scalar_target() calls.
  explicit scalar_target_t(F f) : functions_(std::make_shared<functions>(std::move(f))) {}

  /// The lanes one after another.
  template <class P, std::size_t D>
    requires(detail::fills_gradient<function> || detail::gives_value<function>)
  P value_and_grad(const std::array<P, D>& x, sample_numbers n, std::array<P, D>& gradient) const {
    return for_each_lane(x, std::array<P, 0>{}, n, gradient);
  }
  template <class P, std::size_t D, std::size_t C>
    requires(C > 0)
  P value_and_grad(const std::array<P, D>& x, const std::array<P, C>& context, sample_numbers n,
                   std::array<P, D>& gradient) const {
    return for_each_lane(x, context, n, gradient);
  }

 private:
  template <class P, std::size_t D, std::size_t C>
  P for_each_lane(const std::array<P, D>& x, const std::array<P, C>& context, sample_numbers n,
                  std::array<P, D>& gradient) const {
    using T = typename P::value_type;
    constexpr auto lanes = static_cast<std::size_t>(P::size);
    alignas(64) std::array<T, lanes> row{}, values{};
    std::array<std::array<double, D>, lanes> points;
    std::array<std::array<double, C>, lanes> contexts;
    std::array<std::array<T, D>, lanes> slopes{};
    for (std::size_t d = 0; d < D; ++d) {
      x[d].store(row.data());
      for (std::size_t i = 0; i < lanes; ++i) points[i][d] = static_cast<double>(row[i]);
    }
    if constexpr (C > 0)
      for (std::size_t k = 0; k < C; ++k) {
        context[k].store(row.data());
        for (std::size_t i = 0; i < lanes; ++i) contexts[i][k] = static_cast<double>(row[i]);
      }
    functions_->lend([&](function& f) {
      for (std::size_t i = 0; i < static_cast<std::size_t>(n.count); ++i) {
        // A function that does not fill its gradient is found out by the next check.
        std::array<double, D> g;
        g.fill(std::numeric_limits<double>::quiet_NaN());
        values[i] = static_cast<T>(call<C>(f, points[i], contexts[i], g));
        for (std::size_t d = 0; d < D; ++d) slopes[i][d] = static_cast<T>(g[d]);
      }
    });
    for (std::size_t d = 0; d < D; ++d) {
      for (std::size_t i = 0; i < lanes; ++i) row[i] = slopes[i][d];
      gradient[d] = P::load(row.data());
    }
    return P::load(values.data());
  }

  template <std::size_t C, std::size_t D>
  static double call(function& f, std::array<double, D>& x,
                     [[maybe_unused]] const std::array<double, C>& context,
                     std::array<double, D>& gradient) {
    if constexpr (C > 0 && detail::fills_gradient_by_context<function>)
      return f(in(x), in(context), out(gradient));
    else if constexpr (C > 0 && detail::takes_context<function>)
      return differences([&]() -> double { return f(in(x), in(context)); }, x, gradient);
    else if constexpr (detail::fills_gradient<function>)
      return f(in(x), out(gradient));
    else
      return differences([&]() -> double { return f(in(x)); }, x, gradient);
  }

  /// Value at x, and central differences; one-sided ones at an edge of the support. The step is
  /// where rounding and curvature err alike: about ten digits of the gradient are right.
  template <class Value, std::size_t D>
  static double differences(const Value& value_at, std::array<double, D>& x,
                            std::array<double, D>& gradient) {
    const double value = value_at();
    for (std::size_t d = 0; d < D; ++d) {
      const double middle = x[d], step = 6e-6 * std::max(1.0, std::abs(middle));
      const double high = middle + step, low = middle - step;
      x[d] = high;
      const double above = value_at();
      x[d] = low;
      const double below = value_at();
      x[d] = middle;
      gradient[d] = !std::isfinite(above)   ? (value - below) / (middle - low)
                    : !std::isfinite(below) ? (above - value) / (high - middle)
                                            : (above - below) / (high - low);
    }
    return value;
  }

  std::shared_ptr<functions> functions_;
};

/// A target from a function of one sample: see above. Cost: that of f, one sample after another,
/// and tens of nanoseconds.
template <class F> auto scalar_target(F f) {
  constexpr bool makes = detail::scalar_factory<F>;
  constexpr bool fits = makes || detail::scalar_function<F>;
  static_assert(fits,
                "bijou: scalar_target(f) calls f(std::span<const double> x, std::span<double> "
                "gradient), which fills the gradient and returns log p, a double; or f(x); or "
                "f() to make such a function for each thread");
  constexpr bool copies = makes || !fits || std::copy_constructible<F>;
  static_assert(copies, "bijou: scalar_target(f) copies f for each thread, and this f has no copy: "
                        "pass a function that makes one, as in scalar_target([] { return "
                        "simulator(); })");
  if constexpr (fits && copies)
    return scalar_target_t<F>(std::move(f));
  else
    return [](const auto& x) { return x[0]; }; // the sentence is error enough
}

} // namespace bijou::inline BIJOU_ISA
