// Pyro's MatrixExponential. It takes eight terms of the series; ours is exact, so that the two
// agree up to the terms that Pyro leaves out. That these explain all of the difference is asked
// first: the eight terms in long double are Pyro's values to 1e-13.
#include <algorithm>
#include <cmath>
#include <cstddef>
#include <vector>

#include "../support/long_exponential.hpp"
#include "../support/numerics.hpp"
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

constexpr std::size_t D = 4;
constexpr int terms = 8;

/// The first terms of exp(m) v.
std::vector<long double> pyros_series(const long_matrix& m, std::vector<long double> v) {
  std::vector<long double> sum = v;
  for (int k = 1; k <= terms; ++k) {
    std::vector<long double> next(D);
    for (std::size_t i = 0; i < D; ++i)
      for (std::size_t j = 0; j < D; ++j) next[i] += m[i * D + j] * v[j] / k;
    v = next;
    for (std::size_t i = 0; i < D; ++i) sum[i] += v[i];
  }
  return sum;
}

/// Pyro's `name` for the points `of` is the series of sign M.
void require_pyros_series(const reference_case& c, const char* of, const char* name,
                          long double sign) {
  long_matrix m;
  for (const double v : c["param.weights"].values) m.push_back(sign * v);
  const auto points = c[of].values, values = c[name].values;
  for (std::size_t i = 0; i < points.size() / D; ++i) {
    const auto row = slice(points, i * D, D);
    const auto series = pyros_series(m, {row.begin(), row.end()});
    for (std::size_t d = 0; d < D; ++d)
      REQUIRE(near(values[i * D + d], static_cast<double>(series[d]), 1e-13));
  }
}

/// As require_agreement, with a part of the largest element allowed for what Pyro leaves out.
template <class T>
void require_close(const reference_case& c, const std::string& name, const std::vector<T>& ours,
                   double part) {
  const auto theirs = c[name].values;
  double largest = 1;
  for (const double v : theirs) largest = std::max(largest, std::abs(v));
  const double rounding = std::is_same_v<T, double> ? 1e-10 : 1e-5;
  CAPTURE(name);
  REQUIRE(disagreement(ours, theirs, [&](std::size_t) { return (part + rounding) * largest; }) ==
          agreed);
}

template <class T> void check_case() {
  const reference_case c("MatrixExponential_0_d4");
  require_pyros_series(c, "x", "y", 1);
  require_pyros_series(c, "inv.y", "inv.x", -1);
  // The ninth term and those after it: |M|^9 / 9! e^|M|, and its slope by M.
  long_matrix m;
  for (const double v : c["param.weights"].values) m.push_back(v);
  const auto norm = static_cast<double>(norm_of_rows(m, D));
  double rest = std::exp(norm), slope;
  for (int k = 1; k <= terms; ++k) rest *= norm / k;
  slope = rest;
  rest *= norm / (terms + 1);
  CHECK(slope < 2e-4);

  const flow_maker<T> with_base_at = [&](const std::vector<double>& mean, std::size_t) {
    auto q =
        make_flow<T>(normal<4> | standardise(mean, std::vector<double>(D, 1)) | matrix_exponential);
    install_by_name(q, c, renamed("", "layers.1."));
    return compared_flow<T>(std::move(q));
  };
  const compared_flow<T> s = with_base_at(std::vector<double>(D), 0);
  const auto weights = [&](const batch_gradient<T>& g) {
    const auto named = s.by_name(g.by_parameters);
    return values_of(named, "layers.1.weights");
  };
  const auto x = c["x"].as<T>();
  const auto y = s.forward(x);
  require_close(c, "y", y.values, rest);
  require_agreement(c, "ladj", y.log_det);
  auto forward = s.gradient_of_samples(x, c["v"].as<T>(), T(-1));
  for (std::size_t i = 0; i < x.size(); ++i) forward.by_points[i] -= x[i];
  require_close(c, "grad.x", forward.by_points, rest);
  require_close(c, "grad.weights", weights(forward), slope);

  const inverse_side<T> inverse = inverse_of(c, with_base_at, c["inv.y"].as<T>());
  require_close(c, "inv.x", inverse.back.values, rest);
  require_agreement(c, "inv.ladj", inverse.back.log_det);
  require_close(c, "inv.grad.y", inverse.gradient.by_points, slope);
  require_close(c, "inv.grad.weights", weights(inverse.gradient), slope);
}

} // namespace

TEST_CASE("MatrixExponential in double") { check_case<double>(); }
TEST_CASE("MatrixExponential in float") { check_case<float>(); }
