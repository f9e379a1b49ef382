#pragma once
/// \file
/// `integrate(flow, integrand, options)`: an integral by importance sampling, with a flow that
/// learns the integrand from the very samples that estimate it.
///
///     constexpr auto bend = autoregressive<32>(rational_quadratic<16>.unit_box());
///     auto q = make_flow<float>(uniform<4> | bend);
///     const auto i = integrate(q, f, {.evaluations = 1'000'000});
///     // i.value +- i.standard_error
///
/// Sources: Müller, McWilliams, Rousselle, Gross & Novák, "Neural importance sampling", ACM
/// Transactions on Graphics 38 (2019), 1808.03856, for the objectives; Lepage, "A new algorithm for
/// adaptive multidimensional integration", Journal of Computational Physics 27 (1978), for
/// iterations whose estimates are combined and compared.

#include <bijou/flow/calls.hpp>
#include <bijou/grammar/kind.hpp>
#include <bijou/training/integrate_options.hpp>
#include <bijou/training/integration.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

/// The integral of f over the unit box [0, 1]^D. Other domains: change variables in f.
///
/// Each iteration draws samples of q, whose mean f / q is an estimate without bias, and then trains
/// q on the samples of the latest iterations: by the cross entropy (forward_kl) at first, by the
/// variance of f / q (variance_loss) once 0.3 of the samples are effective. The result weighs each
/// iteration's value by the inverse variance of the iteration *before* it, known before its samples
/// are drawn. f may change its sign: q is drawn towards |f| / integral |f| then.
///
/// An estimate knows only what q has met: a peak between all samples is missed without a word, by
/// this as by every Monte Carlo method. 0 +- 0 says that f was 0 at all samples.
///
/// f is called inside the box alone, where its ends may be singular: a coordinate that rounding has
/// put on an end (exactly 1 occurs) is taken half an epsilon inside, and in float the bits of x
/// that float does not have are drawn at random. The scale of f does not matter: moments are taken
/// in units of the largest |f| / q.
///
/// The same seed gives the same bits, whatever the number of threads, if f does. Memory: D + 6
/// numbers for each remembered sample, six vectors of the parameters' length, one more for each 256
/// samples of a batch, a workspace for each thread. Cost: a sampling for each evaluation, about
/// five and a half passes for each sample of a step.
/// \param integrand f(x) of one sample, a std::array<double, D>; called by several threads at once
/// if so asked
/// \throws std::invalid_argument if options do not fit, or f is NaN or infinite; training_error
/// if a gradient becomes so. q keeps the parameters of the last step
template <class Flow, class Integrand>
integral_estimate integrate(Flow& q, const Integrand& integrand,
                            const integrate_options& options = {}) {
  constexpr bool conditional = Flow::conditional;
  static_assert(!conditional, "bijou: integrate takes flows without given<C>");
  constexpr bool in_box =
      std::ranges::all_of(Flow::program_type::support, [](kind k) { return k == kind::unit; });
  static_assert(in_box, "bijou: integrate takes flows on the unit box, as in "
                        "uniform<D> | autoregressive<32>(rational_quadratic<8>.unit_box())");
  using point = std::array<double, static_cast<std::size_t>(Flow::size)>;
  constexpr bool callable = std::is_invocable_r_v<double, const Integrand&, const point&>;
  static_assert(callable, "bijou: integrate calls the integrand with a std::array<double, D>, and "
                          "expects a number");
  if constexpr (!conditional && in_box && callable && detail::check_inverse<Flow>())
    return detail::integrate_flow(q, integrand, options);
  else
    return {};
}

} // namespace bijou::inline BIJOU_ISA
