#include <bijou/bijou.hpp>
#include <bijou/io/save_load.hpp>

#include <type_traits>

#include "../support/scratch_folder.hpp"
#include "transformers/check.hpp"

using namespace transformer_check;

static_assert(std::is_empty_v<diagonal_affine_t> && std::is_empty_v<fixed_t<diagonal_affine_t>>);
static_assert(transformer<diagonal_affine_t> && transformer<fixed_t<diagonal_affine_t>>);
static_assert(!keeping_transformer<diagonal_affine_t>); // its adjoint reads the parameter itself
static_assert(
    std::is_same_v<decltype(diagonal_affine.fixed().fixed()), fixed_t<diagonal_affine_t>>);

TEMPLATE_TEST_CASE("diagonal_affine: inverse undoes forward, whatever the sign of the scale",
                   "[transformers][diagonal_affine]", float, double) {
  std::mt19937 rng(71);
  for (const double scale : {0.5, 4.0, 300.0})
    for (int trial = 0; trial < 100; ++trial) {
      const single<TestType, diagonal_affine_t> t{
          diagonal_affine, random_theta<TestType>(diagonal_affine, rng, scale)};
      for (const double x : {0.0, -0.7, 1.3, 1e4, -1e4})
        check_round_trip(t, TestType(x), std::abs(double(t.theta[0])), 4);
    }
}

TEST_CASE("diagonal_affine: derivatives agree with central differences",
          "[transformers][diagonal_affine]") {
  std::mt19937 rng(72);
  for (int trial = 0; trial < 100; ++trial) {
    auto theta = random_theta<double>(diagonal_affine, rng, 2);
    theta[1] += theta[1] < 0 ? -0.2 : 0.2; // steps of a difference stay on one side of 0
    const single<double, diagonal_affine_t> t{diagonal_affine, theta};
    for (const double x : {0.0, -0.7, 1.3, 30.0}) check_derivatives(t, x, 2e-7);
  }
}

TEST_CASE("diagonal_affine: float agrees with double", "[transformers][diagonal_affine]") {
  std::mt19937 rng(73);
  for (int trial = 0; trial < 100; ++trial) {
    const auto theta = random_theta<float>(diagonal_affine, rng, 4);
    for (const float x : {0.0F, -0.7F, 1.3F, 1e4F})
      check_float(diagonal_affine, theta, x, std::abs(double(theta[0])), 4);
  }
}

TEMPLATE_TEST_CASE("diagonal_affine: y = s x + t in one rounding, and log|s|",
                   "[transformers][diagonal_affine]", float, double) {
  const double eps = std::numeric_limits<TestType>::epsilon();
  for (const double s : {-1e30, -3.0, -1e-20, 1e-30, 0.5, 1.0, 7.0, 1e20}) {
    const single<TestType, diagonal_affine_t> t{diagonal_affine, {TestType(0.25), TestType(s)}};
    const long double wide = TestType(s);
    CHECK(t.forward(TestType(1.5)).value ==
          Approx(static_cast<double>(wide * 1.5L + 0.25L)).epsilon(eps));
    CHECK(t.inverse(TestType(1.5)).value == Approx(static_cast<double>(1.25L / wide)).epsilon(eps));
    const auto log_size = Approx(static_cast<double>(std::log(std::abs(wide)))).epsilon(2 * eps);
    CHECK(t.forward(TestType(1.5)).log_slope == log_size);
    CHECK(t.inverse(TestType(1.5)).log_slope == log_size);
    CHECK(t.slope(TestType(1.5)).slope == TestType(s));
  }
  // No inverse, and a density of 0 or infinity: the number is the user's.
  const single<TestType, diagonal_affine_t> flat{diagonal_affine, {TestType(0.25), TestType(0)}};
  CHECK(flat.forward(TestType(3)).value == TestType(0.25));
  CHECK(flat.forward(TestType(3)).log_slope == -std::numeric_limits<TestType>::infinity());
  CHECK(flat.inverse(TestType(1)).value == std::numeric_limits<TestType>::infinity());
}

TEMPLATE_TEST_CASE("diagonal_affine: identity, lanes and NaN", "[transformers][diagonal_affine]",
                   float, double) {
  std::mt19937 rng(74);
  single<TestType, diagonal_affine_t> t{diagonal_affine, {7, 7}};
  diagonal_affine.identity(t.theta.data(), 1);
  CHECK(t.forward(TestType(0.3)).value == TestType(0.3));
  CHECK(t.forward(TestType(0.3)).log_slope == 0);
  check_lanes<TestType>(diagonal_affine, rng);
  check_nan<TestType>(diagonal_affine, rng);
  check_lanes<TestType>(diagonal_affine.fixed(), rng);
  check_nan<TestType>(diagonal_affine.fixed(), rng);
}

TEMPLATE_TEST_CASE("diagonal_affine.fixed(): the same map, and cotangents of 0 for its numbers",
                   "[transformers][diagonal_affine]", float, double) {
  std::mt19937 rng(75);
  for (int trial = 0; trial < 50; ++trial) {
    const auto theta = random_theta<TestType>(diagonal_affine, rng, 4);
    const single<TestType, diagonal_affine_t> trained{diagonal_affine, theta};
    const single<TestType, fixed_t<diagonal_affine_t>> fixed{diagonal_affine.fixed(), theta};
    const auto x = TestType(0.7), gy = TestType(0.75), gl = TestType(-1.25), none = TestType(0);
    CHECK(fixed.forward(x).value == trained.forward(x).value);
    CHECK(fixed.inverse(x).value == trained.inverse(x).value);
    CHECK(fixed.pull_back(x, gy, gl) ==
          std::vector{none, none, trained.pull_back(x, gy, gl).back()});
    CHECK(fixed.pull_back_inverse(x, gy, gl) ==
          std::vector{none, none, trained.pull_back_inverse(x, gy, gl).back()});
  }
}

TEST_CASE("fixed numbers are not trained, and go into files and out of them",
          "[transformers][diagonal_affine]") {
  auto q = make_flow<double>(normal<2> | affine | diagonal_affine.fixed() | additive.fixed(), 3);
  auto set = named_parameters(q);
  const std::vector<double> numbers{1, -2, 0.5, -4}, shifts{7, 8};
  for (auto& tensor : set.values) {
    if (tensor.name == "layers.1.theta") tensor.values = numbers; // t of both variables, then s
    if (tensor.name == "layers.2.theta") tensor.values = shifts;
  }
  set_named_parameters(q, set);
  philox stream{5};
  const xt::xtensor<double, 2> data = 3 * q.sample(stream, 200) + 1; // other data than its own
  const auto before = named_parameters(q).at("layers.0.theta", {2, 2});
  fit(q, data, {.epochs = 2, .batch_size = 50});
  CHECK(named_parameters(q).at("layers.0.theta", {2, 2}) != before);
  CHECK(named_parameters(q).at("layers.1.theta", {2, 2}) == numbers);
  CHECK(named_parameters(q).at("layers.2.theta", {1, 2}) == shifts);

  const testing::scratch_folder folder;
  save(q, folder / "q.safetensors");
  auto again =
      make_flow<double>(normal<2> | affine | diagonal_affine.fixed() | additive.fixed(), 4);
  load(again, folder / "q.safetensors");
  CHECK(named_parameters(again).at("layers.1.theta", {2, 2}) == numbers);
  // Whether they are trained is part of what a file is checked against.
  auto trained = make_flow<double>(normal<2> | affine | diagonal_affine | additive, 4);
  CHECK_THROWS_WITH(load(trained, folder / "q.safetensors"),
                    Catch::Contains("diagonal_affine.fixed()"));
}
