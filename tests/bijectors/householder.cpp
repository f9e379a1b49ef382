/// \file
/// Householder words: lengths kept, log-det 0, inverse, gradients both ways, bits, zero vectors.

#include <algorithm>
#include <cmath>
#include <vector>

#include "../flow/check.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("householder: one reflection of two variables", "[bijectors]") {
  check_expression(normal<2> | householder<1> | affine);
}
TEST_CASE("householder: three reflections, turned round, permuted", "[bijectors]") {
  check_double(normal<4> | affine | flip | inverse(householder<3>) | affine);
}
TEST_CASE("householder: more variables than registers", "[bijectors]") {
  check_double(normal<19> | affine | householder<2>);
}

TEST_CASE("householder keeps lengths, and its log-det is 0", "[bijectors]") {
  const auto f = make_subject<double>(normal<5> | householder<3>, 1);
  const auto x = f.noise(20, 1);
  const auto y = f.forward(x, {});
  for (std::size_t i = 0; i < 20; ++i) {
    double before = 0, after = 0;
    for (std::size_t d = 0; d < 5; ++d) {
      before = std::hypot(before, x[i * 5 + d]);
      after = std::hypot(after, y.values[i * 5 + d]);
    }
    CHECK(near(after, before, 1e-13));
    CHECK(y.log_det[i] == 0);
  }
}

TEST_CASE("householder without a direction is the identity", "[bijectors]") {
  auto f = make_subject<float>(normal<2> | householder<1>);
  std::fill(f.parameters.begin(), f.parameters.end(), 0.0F);
  CHECK(f.forward({1, 2}, {}).values == std::vector<float>{1, 2});
  for (const float g : f.sample_gradient({1, 2}, {}, {1}).by_parameters) CHECK(g == 0);
}
