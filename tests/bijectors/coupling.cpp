/// \file
/// Coupling words: even and uneven splits, two variables, contexts, deep conditioners, and what a
/// coupling leaves alone.

#include <stdexcept>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;
using Catch::Matchers::Contains;

TEST_CASE("coupling of two variables", "[bijectors]") {
  check_double(normal<2> | coupling<5>(affine));
}
TEST_CASE("coupling of an odd number of variables", "[bijectors]") {
  check_double(normal<5> | coupling<5>(affine) | flip | coupling<5>(affine).split(1));
}
TEST_CASE("coupling with a context", "[bijectors]") {
  check_double(normal<3> | given<2> | coupling<5>(affine));
}
TEST_CASE("coupling of two hidden layers turned round", "[bijectors]") {
  check_double(normal<4> |
               inverse(coupling<9, 6>(gated).sigmoid_bias(1).activation(activations::silu)));
}

TEST_CASE("a coupling keeps the variables it reads, to the bit", "[bijectors]") {
  const auto f = testing::make_subject<double>(normal<5> | coupling<5>(affine).split(3));
  const auto x = f.noise(4, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((y[i] == x[i]) == (i % 5 < 3));
}

namespace {
/// Without a split the first half is kept, rounded down: of odd sizes the smaller part.
template <int D> void check_default_split() {
  CAPTURE(D);
  const auto f = testing::make_subject<double>(normal<D> | coupling<5>(affine));
  const auto x = f.noise(4, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t i = 0; i < x.size(); ++i) CHECK((y[i] == x[i]) == (i % D < D / 2));
}
} // namespace

TEST_CASE("a coupling without a split keeps the first half, rounded down", "[bijectors]") {
  check_default_split<2>();
  check_default_split<3>();
  check_default_split<4>();
  check_default_split<5>();
  check_default_split<7>();
}

TEST_CASE("a split leaves variables on both sides", "[bijectors]") {
  for (const int kept : {0, 5, -1})
    CHECK_THROWS_WITH(
        make_flow<double>(normal<5> | coupling<5>(affine).split(kept)),
        Contains("coupling: expected a split of 1 to 4 variables, got " + std::to_string(kept)));
}
