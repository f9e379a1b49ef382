// Pyro's Sylvester, which is the row form of the map: with A = Q R and B = S Q^T of the same
// parameters it computes x + A^T tanh(B^T x + b), whose determinant is no product of diagonals
// (Pyro's own log-det is not that of its map). The word is the column form, x + A tanh(B x + b).
// So A and B are measured on the word, by its values alone, and put into Pyro's form.
#include <cmath>
#include <cstddef>
#include <map>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../support/numerics.hpp"
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

constexpr std::size_t D = 4;

/// A and B in x + A tanh(B x + b).
struct ridges {
  matrix a{D, D, std::vector<double>(D* D)};
  matrix b = a;
};

/// Values for some of the word's tensors.
using replacements = std::map<std::string, std::vector<double>>;

/// y - x of the word with Pyro's parameters, but for the replacements.
std::vector<double> push(const reference_case& c, const replacements& others,
                         const std::vector<double>& x) {
  auto q = make_flow<double>(normal<4> | sylvester.reflections<2>());
  install_by_name(q, c, renamed("", "layers.0."));
  auto set = named_parameters(q);
  for (const auto& [name, values] : others) values_of(set, "layers.0." + name) = values;
  set_named_parameters(q, set);
  std::vector<double> y = compared_flow<double>(std::move(q)).forward(x).values;
  for (std::size_t i = 0; i < D; ++i) y[i] -= x[i];
  return y;
}

/// Column by column: with S = 0 the word adds A tanh(b); with R = 1 it adds Q tanh(B x + b).
ridges measured(const reference_case& c) {
  const std::vector<double> zero(D), no_matrix(D * D);
  const replacements r_one{{"R_dense", no_matrix}, {"R_diag", std::vector<double>(D, 40)}};
  ridges found;
  matrix q{D, D, no_matrix};
  const auto unit = [&](std::size_t j) {
    std::vector<double> e = zero;
    e[j] = 1;
    return e;
  };
  const auto measure_a = [&](std::size_t j, replacements others, matrix& to) {
    others.insert({{"S_dense", no_matrix}, {"S_diag", zero}, {"b", unit(j)}});
    const auto column = push(c, others, zero);
    for (std::size_t i = 0; i < D; ++i) to(i, j) = column[i] / std::tanh(1.0);
  };
  for (std::size_t j = 0; j < D; ++j) {
    measure_a(j, {}, found.a);
    measure_a(j, r_one, q);
  }
  replacements without_bias = r_one;
  without_bias["b"] = zero;
  for (std::size_t j = 0; j < D; ++j) {
    const auto turned = push(c, without_bias, unit(j));
    for (std::size_t i = 0; i < D; ++i) {
      double ridge = 0;
      for (std::size_t k = 0; k < D; ++k) ridge += q(k, i) * turned[k];
      found.b(i, j) = std::atanh(ridge);
    }
  }
  return found;
}

matrix transposed(const matrix& m) {
  matrix t = m;
  for (std::size_t i = 0; i < D; ++i)
    for (std::size_t j = 0; j < D; ++j) t(i, j) = m(j, i);
  return t;
}

/// x + A tanh(B x + b) and log|det| of 1 + A diag(tanh') B, row by row.
mapped_batch<double> ridge_map(const matrix& a, const matrix& b, const std::vector<double>& bias,
                               const std::vector<double>& x) {
  mapped_batch<double> to{x, {}};
  for (std::size_t n = 0; n < x.size() / D; ++n) {
    matrix jacobian{D, D, std::vector<double>(D * D)};
    for (std::size_t i = 0; i < D; ++i) jacobian(i, i) = 1;
    for (std::size_t k = 0; k < D; ++k) {
      double height = bias[k];
      for (std::size_t j = 0; j < D; ++j) height += b(k, j) * x[n * D + j];
      const double t = std::tanh(height);
      for (std::size_t i = 0; i < D; ++i) {
        to.values[n * D + i] += a(i, k) * t;
        for (std::size_t j = 0; j < D; ++j) jacobian(i, j) += a(i, k) * (1 - t * t) * b(k, j);
      }
    }
    to.log_det.push_back(log_abs_det(jacobian));
  }
  return to;
}

} // namespace

TEST_CASE("Sylvester: Pyro's map from the word's matrices") {
  const reference_case c("Sylvester_0_d4");
  const ridges r = measured(c);
  const auto theirs =
      ridge_map(transposed(r.a), transposed(r.b), c["param.b"].values, c["x"].values);
  require_agreement(c, "y", theirs.values);
  require_agreement(c, "jac.ladj", theirs.log_det);
}

TEST_CASE("Sylvester: the word's map and its exact log-det, at Pyro's parameters") {
  const reference_case c("Sylvester_0_d4");
  const ridges r = measured(c);
  const auto exact = ridge_map(r.a, r.b, c["param.b"].values, c["x"].values);
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(normal<4> | sylvester.reflections<2>());
    install_by_name(q, c, renamed("", "layers.0."));
    const auto y = compared_flow<T>(std::move(q)).forward(c["x"].as<T>());
    const auto allowed = [](double of) {
      return std::is_same_v<T, double> ? 1e-12 : tolerance<float>(of);
    };
    const auto compare = [&](const std::vector<T>& ours, const std::vector<double>& truth) {
      REQUIRE(disagreement(ours, truth, [&](std::size_t i) { return allowed(truth[i]); }) ==
              agreed);
    };
    compare(y.values, exact.values);
    compare(y.log_det, exact.log_det);
  };
  check(double{});
  check(float{});
}
