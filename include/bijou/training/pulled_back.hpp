#pragma once
/// \file
/// `pulled_back(q, target)`: a target's density where the flow's noise is, and its gradient: what a
/// Hamiltonian sampler asks for that moves in the space of the noise.
///
/// With y = f(z) and an unnormalised density p of y,
///
///     log p_z(z) = log p(f(z)) + log|det df/dz|
///
/// whose gradient goes back through the flow once. Where q is near p, p_z is near the base, and
/// easy to walk on: Hoffman et al. 2019, "NeuTra-lizing bad geometry in Hamiltonian Monte Carlo
/// using neural transport" (1903.03704).
///
///     const auto density = pulled_back(q, target);
///     auto ws = density.make_workspace();
///     double log_p = density.value_and_grad(z, gradient, ws); // std::span<const double, D>, ...

#include <bijou/flow/condition.hpp>
#include <bijou/training/target.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>
#include <utility>

namespace bijou::inline BIJOU_ISA {

/// log p_z(z), nats, with the gradient by z.
template <class Batch, class Values> struct pulled_back_result {
  Values value;   ///< (n,); a number for one event
  Batch gradient; ///< (n, D); (D,) of one event
};

namespace detail {
struct pull_back_way {
  static constexpr const char *who = "value_and_grad", *reads = "noise", *numbers = "values";
  template <class Batch, class Values> static auto give(Batch gradient, Values value) {
    return pulled_back_result<Batch, Values>{std::move(value), std::move(gradient)};
  }
  template <class Self, class... A> static void run(const Self& q, A&&... a) { q.pull_back(a...); }
};
} // namespace detail

/// What pulled_back() gives. Refers to the flow, which may be under a fixed context.
template <class Flow, class Target> class pulled_back_target {
  using T = typename Flow::value_type;
  using samples = detail::sample_source<T>;
  using contexts = detail::context_source<T>;

 public:
  using value_type = T;
  static constexpr int size = Flow::size;                 ///< D
  static constexpr int context_size = Flow::context_size; ///< C, 0 without given<C>

  /// What pulled_back() calls.
  pulled_back_target(const Flow& q, Target target) : flow_(&q), target_(std::move(target)) {}

  /// log p_z of each z, nats, and its gradient:
  ///
  ///     auto [value, gradient] = density.value_and_grad(z);      // or (z, context)
  ///     density.value_and_grad(z, gradient, value, workspace);   // or (z, context, gradient, ...)
  ///     T one = density.value_and_grad(z, gradient, workspace);  // one event: std::span<T, D>
  ///
  /// A target gets the context as those of elbo do. With outputs nothing is allocated. Cost: about
  /// three and a half times sampling, and the target with its gradient; one z costs as much as the
  /// lanes of a few registers.
  template <class... A> auto value_and_grad(A&&... arguments) const {
    constexpr auto found = detail::find_mistake<detail::call::value_and_grad, pulled_back_target,
                                                value_type, size, A...>();
    if constexpr (detail::accept<detail::call::value_and_grad, found>() && fits())
      return detail::complete(detail::map_call<detail::pull_back_way, pulled_back_target>{*this},
                              arguments...);
    else
      return detail::refused<pulled_back_result<detail::usual_batch, detail::usual_values>>{};
  }

  /// Memory for one thread at a time; not that of the flow.
  workspace<value_type> make_workspace() const { return flow_->make_pull_back_workspace(); }

  // What the call asks for. Every sample's context comes as it is: the target reads it too.

  contexts context() const {
    const contexts c = flow_->context();
    return {{}, c.values, nullptr};
  }
  contexts fold_context(const samples& c, workspace<T>& ws) const {
    return {flow_->repeated_context(c, ws)};
  }
  void pull_back(const samples& z, const detail::sample_sink<T>& gradient,
                 detail::value_sink<T> values, workspace<T>& ws, const contexts& context) const {
    const auto density = [&](const auto& tile) {
      for (int s = 0; s < tile.n; s += P::size) {
        const sample_numbers numbers{tile.first + static_cast<std::size_t>(s),
                                     std::min(P::size, tile.n - s)};
        const auto at = [&](std::size_t d) { return tile.position[d] * tile.lanes + s; };
        std::array<P, D> y, by_y;
        for (std::size_t d = 0; d < D; ++d) y[d] = P::load(tile.x + at(d));
        detail::target_value_and_grad(
            target_, y, detail::context_lanes<P, C, T>(context.rows, numbers), numbers, by_y)
            .store(tile.value + s);
        for (std::size_t d = 0; d < D; ++d) by_y[d].store(tile.g + at(d));
      }
    };
    flow_->pull_back(z, density, gradient, values, ws, context);
  }

 private:
  using P = simd::pack<T>;
  static constexpr auto D = static_cast<std::size_t>(size);
  static constexpr auto C = static_cast<std::size_t>(context_size);

  static constexpr bool fits() {
    constexpr auto found = detail::find_target_mistake<Target, P, D, C>();
    constexpr bool callable = found != detail::target_mistake::not_callable;
    static_assert(callable, "bijou: a target is called with an array of D numbers, packs or duals "
                            "of them, and gives log p, as in [](const auto& x) { return -x[0] * "
                            "x[0]; }; or it has value_and_grad(x, gradient)");
    constexpr bool gives_number = found != detail::target_mistake::gives_no_number;
    static_assert(gives_number, "bijou: a target gives log p as a number of the kind that it was "
                                "called with, that of x[0]");
    return callable && gives_number;
  }

  const Flow* flow_;
  Target target_;
};

/// The density of z that a target has where y = f(z), f the map of q: see the top of this file. The
/// target is one of elbo's (target.hpp).
template <class Flow, class Target>
pulled_back_target<Flow, Target> pulled_back(const Flow& q, Target target) {
  return {q, std::move(target)};
}
template <class Flow, class Target> void pulled_back(const Flow&&, Target) {
  static_assert(never<Flow>,
                "bijou: pulled_back(q, target) refers to its flow, so that a temporary "
                "would be gone: give the flow a name first");
}

} // namespace bijou::inline BIJOU_ISA
