/// \file
/// What of a comparison knows no flow's type, compiled once.

#include "agreement.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "../support/numerics.hpp"

namespace bijou::testing {

template <class T>
void require_agreement(const reference_case& c, const std::string& name, const std::vector<T>& ours,
                       const std::vector<double>& terms, const std::vector<double>& slack) {
  const std::vector<double> truth = c[name].values;
  double worst_of_pyro = 0;
  if (c.contains("f32." + name)) {
    const std::vector<double> in_float = c["f32." + name].values;
    for (std::size_t i = 0; i < truth.size(); ++i)
      worst_of_pyro = worse(worst_of_pyro, std::abs(in_float[i] - truth[i]));
  }
  const auto allowed = [&](std::size_t i) {
    const double magnitude = std::max(std::abs(truth[i]), terms.empty() ? 0.0 : terms.at(i));
    // 1e-15: a log-det that is 0 comes out of a determinant with a rounding.
    if (std::is_same_v<T, double>) return std::max(1e-10 * magnitude, 1e-15);
    return std::max({tolerance<float>(magnitude), worst_of_pyro, slack.empty() ? 0 : slack.at(i)});
  };
  INFO(name << (std::is_same_v<T, float> ? " in float" : " in double"));
  REQUIRE(disagreement(ours, truth, allowed) == agreed);
}

template <class T>
void require_parameter_gradients(const reference_case& c, const std::string& prefix,
                                 const compared_flow<T>& s, const batch_gradient<T>& gradient,
                                 const pyro_layout& layout, const std::vector<T>& slack) {
  const auto values = s.by_name(gradient.by_parameters);
  const auto terms = s.by_name(gradient.terms);
  const auto slacks = s.by_name(slack.empty() ? std::vector<T>(s.parameters) : slack);
  for (const std::string& name : c.names(prefix)) {
    if (name == "x" || name == "y" || name == "data") continue; // not parameters, but points
    const counterpart place = layout(name);
    const std::vector<double> truth = c[prefix + name].values;
    const std::size_t count = truth.size();
    if (place.ours.empty()) {
      CAPTURE(name);
      REQUIRE(std::all_of(truth.begin(), truth.end(), [](double g) { return g == 0; }));
      continue;
    }
    const auto magnitudes = [&](const tensor_set<T>& set) {
      std::vector<double> m = in_pyro_order(set, place, count);
      for (double& v : m) v = std::abs(v);
      return m;
    };
    const std::vector<double> ours = in_pyro_order(values, place, count);
    require_agreement(c, prefix + name, std::vector<T>(ours.begin(), ours.end()), magnitudes(terms),
                      magnitudes(slacks));
  }
}

// Pyro has the gradient of sum(ladj) + sum(x w). Ours is of the score: with the base moved to
// x_i - w_i, -log q = |x - (x_i - w_i)|^2 / 2 + ladj, whose derivative by x at x_i is w_i.
template <class T>
inverse_side<T> inverse_of(const reference_case& c, const flow_maker<T>& with_base_at,
                           const std::vector<T>& y) {
  const std::size_t n = c.batch(), D = c.dimension();
  const std::vector<double> x = c["inv.x"].values, w = c["inv.w"].values, zero(D, 0.0);
  const compared_flow<T> s = with_base_at(zero, 0);
  inverse_side<T> result{s.inverse(y), batch_gradient<T>(n * D, s.parameters)};
  for (T& l : result.back.log_det) l = -l; // Pyro's is that of the forward map there
  batch_gradient<T>& sum = result.gradient;
  for (std::size_t i = 0; i < n; ++i) {
    const auto share_of = [&](const std::vector<double>& w_i) {
      std::vector<double> mean = w_i;
      for (std::size_t d = 0; d < D; ++d) mean[d] -= x[i * D + d];
      return with_base_at(mean, i).gradient_of_scores(slice(y, i * D, D), T(-1));
    };
    const std::vector<double> w_i = slice(w, i * D, D);
    const batch_gradient<T> whole = share_of(w_i), of_ladj = share_of(zero);
    for (std::size_t j = 0; j < s.parameters; ++j) sum.by_parameters[j] += whole.by_parameters[j];
    std::copy(whole.by_points.begin(), whole.by_points.end(),
              sum.by_points.begin() + static_cast<std::ptrdiff_t>(i * D));

    const auto add_terms = [&](const batch_gradient<T>& part, T minus) {
      for (std::size_t j = 0; j < s.parameters; ++j)
        sum.terms[j] += std::abs(part.by_parameters[j] - minus * of_ladj.by_parameters[j]);
      for (std::size_t d = 0; d < D; ++d)
        sum.point_terms[i * D + d] +=
            std::abs(static_cast<double>(part.by_points[d] - minus * of_ladj.by_points[d]));
    };
    add_terms(of_ladj, T(0));
    for (std::size_t d = 0; d < D; ++d) {
      std::vector<double> w_d = zero;
      w_d[d] = w_i[d];
      add_terms(share_of(w_d), T(1));
    }
  }
  return result;
}

inverse_side<double> change_by_rounding(const reference_case& c,
                                        const flow_maker<double>& with_base_at) {
  const std::vector<double> y = c["inv.y"].values;
  const inverse_side<double> exact = inverse_of(c, with_base_at, y);
  inverse_side<double> change = exact;
  for (auto* numbers : change.numbers()) std::fill(numbers->begin(), numbers->end(), 0.0);
  for (std::size_t d = 0; d < c.dimension(); ++d) {
    std::vector<double> moved = y;
    for (std::size_t i = d; i < y.size(); i += c.dimension())
      moved[i] *= 1 + 2 * static_cast<double>(std::numeric_limits<float>::epsilon());
    inverse_side<double> there = inverse_of(c, with_base_at, moved), here = exact;
    for (std::size_t k = 0; k < change.numbers().size(); ++k)
      for (std::size_t i = 0; i < change.numbers()[k]->size(); ++i)
        (*change.numbers()[k])[i] += std::abs((*there.numbers()[k])[i] - (*here.numbers()[k])[i]);
  }
  return change;
}

namespace {
template <class T>
void check_forward_side(const reference_case& c, const compared_flow<T>& s,
                        const parameter_comparison<T>& require_parameters,
                        const std::string& log_det, const std::string& gradient) {
  const auto x = c["x"].as<T>();
  const auto y = s.forward(x);
  require_agreement(c, "y", y.values);
  require_agreement(c, log_det, y.log_det);
  require_agreement(c, "jac.ladj", y.log_det);

  // Pyro has the gradient of sum(ladj) + sum(y v). Ours is of samples: -log q = |x|^2 / 2 + ladj,
  // so that the base adds x to the derivative by x.
  auto forward = s.gradient_of_samples(x, c["v"].as<T>(), T(-1));
  for (std::size_t i = 0; i < x.size(); ++i) forward.by_points[i] -= x[i];
  require_agreement(c, gradient + "x", forward.by_points, forward.point_terms);
  require_parameters(gradient, s, forward);
}
constexpr auto of_inverse = "inv.grad.";
} // namespace

template <class T>
void check_forward_map(const reference_case& c, const compared_flow<T>& s,
                       const pyro_layout& layout, const std::string& log_det,
                       const std::string& gradient) {
  check_forward_side<T>(
      c, s,
      [&](const std::string& prefix, const compared_flow<T>& q, const batch_gradient<T>& g) {
        require_parameter_gradients(c, prefix, q, g, layout);
      },
      log_det, gradient);
}

template <class T>
void check_map(const reference_case& c, const flow_maker<T>& with_base_at,
               const parameter_comparison<T>& require_parameters,
               const inverse_side<double>& slack) {
  const compared_flow<T> s = with_base_at(std::vector<double>(c.dimension(), 0.0), 0);
  check_forward_side<T>(c, s, require_parameters, "ladj", "grad.");

  const inverse_side<T> inverse = inverse_of(c, with_base_at, c["inv.y"].as<T>());
  const auto& gradient = inverse.gradient;
  require_agreement(c, "inv.x", inverse.back.values, {}, slack.back.values);
  require_agreement(c, "inv.ladj", inverse.back.log_det, {}, slack.back.log_det);
  require_agreement(c, "inv.grad.y", gradient.by_points, gradient.point_terms,
                    slack.gradient.by_points);
  require_parameters(of_inverse, s, gradient);
}

template <class T>
void check_map(const reference_case& c, const flow_maker<T>& with_base_at,
               const pyro_layout& layout, const inverse_side<double>& slack) {
  const auto& by_parameters = slack.gradient.by_parameters;
  check_map<T>(
      c, with_base_at,
      [&](const std::string& prefix, const compared_flow<T>& s, const batch_gradient<T>& g) {
        std::vector<T> allowed;
        if (prefix == of_inverse) allowed.assign(by_parameters.begin(), by_parameters.end());
        require_parameter_gradients(c, prefix, s, g, layout, allowed);
      },
      slack);
}

// --- compiled for -----------------------------------------------------------------------------

#define BIJOU_AGREEMENT(T)                                                                         \
  template void require_agreement<T>(const reference_case&, const std::string&,                    \
                                     const std::vector<T>&, const std::vector<double>&,            \
                                     const std::vector<double>&);                                  \
  template void require_parameter_gradients<T>(const reference_case&, const std::string&,          \
                                               const compared_flow<T>&, const batch_gradient<T>&,  \
                                               const pyro_layout&, const std::vector<T>&);         \
  template inverse_side<T> inverse_of<T>(const reference_case&, const flow_maker<T>&,              \
                                         const std::vector<T>&);                                   \
  template void check_forward_map<T>(const reference_case&, const compared_flow<T>&,               \
                                     const pyro_layout&, const std::string&, const std::string&);  \
  template void check_map<T>(const reference_case&, const flow_maker<T>&,                          \
                             const parameter_comparison<T>&, const inverse_side<double>&);         \
  template void check_map<T>(const reference_case&, const flow_maker<T>&, const pyro_layout&,      \
                             const inverse_side<double>&);
BIJOU_AGREEMENT(float)
BIJOU_AGREEMENT(double)

} // namespace bijou::testing
