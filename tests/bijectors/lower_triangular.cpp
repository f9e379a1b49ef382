/// \file
/// Lower triangular words: the formula, inverse, gradients both ways, bits, names.

#include <cmath>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("lower_triangular of one variable", "[bijectors]") {
  check_double(normal<1> | lower_triangular);
}
TEST_CASE("lower_triangular of four variables, permuted", "[bijectors]") {
  check_expression(normal<4> | lower_triangular | flip | lower_triangular);
}
TEST_CASE("lower_triangular turned round", "[bijectors]") {
  check_double(normal<3> | given<2> | flip | inverse(lower_triangular) | iaf<5>);
}
TEST_CASE("lower_triangular of more variables than registers", "[bijectors]") {
  check_double(normal<19> | lower_triangular, {.perturbation = 0.1F});
}

TEST_CASE("lower_triangular: the formula", "[bijectors]") {
  constexpr std::size_t D = 3;
  const auto f = make_subject<double>(normal<D> | lower_triangular, 1);
  const auto p = f.parameters;
  const auto x = f.noise(5, 1);
  const auto y = f.forward(x, {});
  for (std::size_t i = 0; i < 5; ++i) {
    double log_det = 0;
    for (std::size_t d = 0; d < D; ++d) {
      double sum = p[d] + std::exp(p[D + d * D + d]) * x[i * D + d];
      for (std::size_t j = 0; j < d; ++j) sum += p[D + d * D + j] * x[i * D + j];
      CHECK(near(y.values[i * D + d], sum, 1e-14));
      log_det += p[D + d * D + d];
    }
    CHECK(near(y.log_det[i], log_det, 1e-14));
  }
}

TEST_CASE("lower_triangular starts as the identity, without entries above the diagonal",
          "[bijectors]") {
  auto q = make_flow<float>(normal<3> | lower_triangular);
  CHECK(q.num_parameters() == 3 + 6);
  const auto set = named_parameters(q);
  REQUIRE(set.values.size() == 2);
  CHECK(set.values[0].name == "layers.0.loc");
  CHECK(set.values[1].name == "layers.0.log_scale_tril");
  const xt::xtensor<float, 2> x{{1, -2, 3}};
  CHECK(bool(q.forward(x).y == x));
  const std::vector<float> ones(q.parameters().size(), 1.0F);
  q.set_parameters(ones);
  CHECK(named_parameters(q).values[1].values == std::vector<float>{1, 0, 0, 1, 1, 0, 1, 1, 1});
}
