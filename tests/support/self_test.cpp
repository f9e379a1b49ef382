/// \file
/// The tools of the other tests, tried on what is known in closed form.

#include <cmath>
#include <cstddef>
#include <cstdlib>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <thread>
#include <vector>

#include "../catch.hpp"
#include "allocation_counter.hpp"
#include "numerics.hpp"
#include "random_parameters.hpp"
#include "reference.hpp"

using namespace bijou::testing;

namespace {

constexpr double inf = std::numeric_limits<double>::infinity();
constexpr double nan_value = std::numeric_limits<double>::quiet_NaN();

/// Keeps the compiler from removing an allocation that nobody looks at.
void* volatile sink;

} // namespace

TEST_CASE("comparison knows its tolerances, infinities and NaN", "[support]") {
  CHECK(tolerance<double>(0.5) == 1e-10);
  CHECK(tolerance<double>(-20) == Approx(2e-9));
  CHECK(tolerance<float>(20) == Approx(2e-4));
  CHECK(is_close<double>(1 + 0.9e-10, 1));
  CHECK_FALSE(is_close<double>(1 + 1.1e-10, 1));
  CHECK(is_close<double>(1e6 + 0.9e-4, 1e6));
  CHECK(is_close<double>(5e-9, 0, 100)); // a sum of terms of size 100
  CHECK_FALSE(is_close<double>(5e-9, 0));
  CHECK(is_close<float>(1.000009, 1));
  CHECK(near(inf, inf, 0));
  CHECK(near(nan_value, nan_value, 0));
  CHECK_FALSE(near(inf, -inf, inf));
  CHECK_FALSE(near(nan_value, 0, inf));
  CHECK_FALSE(near(0, nan_value, inf));
  CHECK_FALSE(near(1, inf, inf));
  CHECK(same_bits(nan_value, -nan_value));
  CHECK_FALSE(same_bits(0.0, -0.0));
  CHECK_FALSE(same_bits(1.0, nan_value));
}

TEST_CASE("the worse of two errors is NaN as soon as one is", "[support]") {
  CHECK(worse(1, 2) == 2);
  CHECK(worse(2, 1) == 2);
  CHECK(worse(2, inf) == inf);
  CHECK(std::isnan(worse(2, nan_value)));
  CHECK(std::isnan(worse(nan_value, 2)));
  CHECK(std::isnan(worse(inf, nan_value)));
}

TEST_CASE("a disagreement names the worst element", "[support]") {
  const std::vector<double> expected{1, 2, 3};
  CHECK(disagreement<double>(std::vector<float>{1, 2, 3}, expected).empty());
  CHECK(disagreement<double>(std::vector<double>{1, 2}, expected) == "2 elements, expected 3");
  CHECK(disagreement<double>(std::vector<double>{1.1, 3, 3}, expected)
            .starts_with("element 1 is 3,"));
  CHECK(disagreement<double>(std::vector<double>{1.1, nan_value, 9}, expected)
            .starts_with("element 1 is nan"));
  CHECK(disagreement<double>(std::vector<double>{nan_value, 2, 3}, expected)
            .starts_with("element 0 is nan"));
}

TEST_CASE("a numerical Jacobian of a known map", "[support]") {
  // y0 = x0 x1^2, y1 = exp(x0) + x2, y2 = sin(x2)
  const auto f = [](const auto& x) {
    return std::vector{x[0] * x[1] * x[1], std::exp(x[0]) + x[2], std::sin(x[2])};
  };
  const std::vector<double> x{0.3, -1.7, 40.0};
  const std::vector<double> exact{x[1] * x[1], 2 * x[0] * x[1], 0, std::exp(x[0]), 0, 1, 0,
                                  0,           std::cos(x[2])};
  SECTION("with Richardson's step") {
    const auto j = numerical_jacobian(f, x);
    CHECK(j.rows == 3);
    CHECK(j.columns == 3);
    // sin's step is 40 times wider, for a variable of size 40.
    CHECK(disagreement(j.values, exact, [](std::size_t i) { return i == 8 ? 1e-6 : 2e-11; }) ==
          agreed);
    CHECK(j(0, 1) == j.values[1]);
  }
  SECTION("without") {
    const auto j = numerical_jacobian(f, x, {.step = 1e-6, .richardson = false});
    CHECK(disagreement(j.values, exact, [](std::size_t) { return 2e-8; }) == agreed);
  }
  SECTION("in float") {
    const auto j = numerical_jacobian(f, std::vector<float>{0.3F, -1.7F, 0.5F});
    CHECK(j(1, 0) == Approx(std::exp(0.3)).epsilon(1e-4));
  }
  SECTION("what does not depend is exactly zero") {
    const auto j = numerical_jacobian(f, x);
    CHECK(j(0, 2) == 0);
    CHECK(j(2, 0) == 0);
    CHECK(j(1, 1) == 0);
  }
}

TEST_CASE("a numerical gradient restores the parameters", "[support]") {
  std::vector<double> p{0.1, 2.0, -3.0};
  const auto before = p;
  const auto g =
      numerical_gradient([&] { return p[0] * p[1] + std::tanh(p[2]); }, std::span<double>(p));
  const double t = std::tanh(-3.0);
  CHECK(disagreement(g, std::vector<double>{2.0, 0.1, 1 - t * t},
                     [](std::size_t) { return 1e-8; }) == agreed);
  CHECK(p == before);
}

TEST_CASE("log |det| by elimination", "[support]") {
  CHECK(log_abs_det({0, 0, {}}) == 0);
  CHECK(log_abs_det({1, 1, {-5}}) == Approx(std::log(5.0)));
  CHECK(log_abs_det({2, 2, {0, 3, 2, 1}}) == Approx(std::log(6.0))); // needs a pivot
  CHECK(log_abs_det({3, 3, {2, 1, 0, 1, 3, 1, 0, 1, 4}}) == Approx(std::log(18.0)));
  CHECK(log_abs_det({2, 2, {1, 2, 2, 4}}) == -inf);
}

TEST_CASE("integrals", "[support]") {
  const auto density = [](double x) { return std::exp(-0.5 * x * x) / std::sqrt(2 * M_PI); };
  CHECK(integrate(density, -8, 8, 200) == Approx(1).epsilon(1e-12));
  CHECK(integrate_2d([&](double x, double y) { return density(x) * density(y - x); }, -12, 12,
                     200) == Approx(1).epsilon(1e-10));
  CHECK(midpoints(0, 1, 2) == std::vector<double>{0.25, 0.75});
  const std::vector<double> squares{0, 1, 4, 9};
  CHECK(trapezoid(squares, 1) == 9.5);
  CHECK(trapezoid({}, 1) == 0);
}

TEST_CASE("Kolmogorov-Smirnov against tabulated values", "[support]") {
  // Kolmogorov's distribution: its 1 % and 5 % points, and both series where they meet.
  CHECK(bijou::testing::detail::kolmogorov_tail(1.3581) == Approx(0.05).epsilon(1e-3));
  CHECK(bijou::testing::detail::kolmogorov_tail(1.6276) == Approx(0.01).epsilon(1e-3));
  CHECK(bijou::testing::detail::kolmogorov_tail(1.2 - 1e-12) ==
        Approx(bijou::testing::detail::kolmogorov_tail(1.2)).epsilon(1e-9));
  CHECK(bijou::testing::detail::kolmogorov_tail(0.1) == 1);

  const auto normal = normal_values<double>(20'000, 1);
  CHECK(kolmogorov_smirnov(normal, normal_cdf).p_value > 0.01);
  CHECK(kolmogorov_smirnov(normal_values<double>(20'000, 2, 1.05F), normal_cdf).p_value < 1e-3);
  CHECK(kolmogorov_smirnov(std::vector<double>{0.5}, [](double x) { return x; }).statistic == 0.5);
  CHECK(kolmogorov_smirnov_2(normal, normal_values<double>(30'000, 3)).p_value > 0.01);
  CHECK(kolmogorov_smirnov_2(normal, normal_values<double>(30'000, 4, 1, 0.1F)).p_value < 1e-3);
  CHECK(kolmogorov_smirnov_2(normal, normal).statistic == 0);

  const auto m = moments_of(normal);
  CHECK(m.mean == Approx(0).margin(0.03));
  CHECK(m.variance == Approx(1).margin(0.05));
  CHECK(moments_of(std::vector<float>{1, 2, 3, 4}).variance == Approx(5.0 / 3));
}

TEST_CASE("random numbers repeat, and are the same for float and double", "[support]") {
  std::vector<float> a(100, 0.25F);
  std::vector<double> b(100, 0.25);
  perturb(std::span<float>(a), 7);
  perturb(std::span<double>(b), 7);
  CHECK(std::vector<double>(a.begin(), a.end()) == b);
  CHECK(a[0] != a[1]);

  std::vector<double> c(100, 0.25);
  std::vector<char> mask(100, 1);
  mask[3] = 0;
  perturb(std::span<double>(c), mask, 7);
  CHECK(c[3] == 0.25);
  CHECK(c[4] == b[4]);

  CHECK(normal_values<double>(5, 1) == normal_values<double>(5, 1));
  CHECK(normal_values<double>(5, 1) != normal_values<double>(5, 2));
  for (const float u : uniform_values<float>(1000, 3, -1, 2)) CHECK((u > -1 && u < 2));
  bool has_nan = false;
  for (const float v : extreme_values<float>()) has_nan = has_nan || std::isnan(v);
  CHECK(has_nan);
}

TEST_CASE("the heap is watched in every thread", "[support]") {
  CHECK(allocations_in([] {}) == 0);
  CHECK(allocations_in([] { sink = std::make_unique<int>(1).get(); }) == 1);
  CHECK(allocations_in([] {
          const std::vector<double> v(100, 1.0);
          sink = const_cast<double*>(v.data());
        }) == 1);
  struct alignas(64) line {
    double values[8];
  };
  CHECK(allocations_in([] { sink = std::make_unique<line>().get(); }) == 1);
  CHECK(allocations_in([] { sink = std::make_unique<line[]>(3).get(); }) == 1);
  // NOLINTBEGIN(cppcoreguidelines-no-malloc)
  CHECK(allocations_in([] {
          void* p = std::malloc(10);
          sink = p;
          std::free(p);
          p = std::calloc(10, 2);
          sink = p;
          p = std::realloc(p, 100'000);
          sink = p;
          std::free(p);
          p = std::aligned_alloc(64, 128);
          sink = p;
          std::free(p);
        }) == 4);
  // NOLINTEND(cppcoreguidelines-no-malloc)

  const heap_watch watch;
  std::thread([] {
    for (int i = 0; i < 1000; ++i) sink = std::make_unique<int>(i).get();
  }).join();
  CHECK(watch.calls().allocations >= 1000);
  CHECK(watch.calls().releases >= 1000);
}

TEST_CASE("a reference case gives its configuration and arrays", "[support][reference]") {
  const reference_case c("AffineCoupling_0_d5");
  CHECK(c.option("/class") == "\"AffineCoupling\"");
  CHECK(c.dimension() == 5);
  CHECK(c.batch() == 16);
  CHECK(c.option("/options/hidden/0") == "16");
  const auto x = c["x"];
  CHECK(x.shape == std::vector<std::size_t>{16, 5});
  CHECK(x.rows() == 16);
  CHECK(x.row_size() == 5);
  CHECK(x(2, 3) == x.values[13]);
  CHECK(c["ladj"](7) == c["ladj"].values[7]);
  CHECK(c.names("param.") == std::vector<std::string>{"nn.layers.0.bias", "nn.layers.0.weight",
                                                      "nn.layers.1.bias", "nn.layers.1.weight"});
  CHECK(c.contains("grad.x"));
  CHECK_FALSE(c.contains("grad.y"));
  CHECK_THROWS_AS(c["nothing"], bijou::io::file_error);
  CHECK(c["x"].as<float>().size() == 80);
  const auto back = c["x"].as<float>();
  CHECK(std::vector<double>(back.begin(), back.end()) == x.values); // exact in float
  CHECK_THROWS_AS(reference_case("no_such_case"), bijou::io::file_error);
}

TEST_CASE("a reference file without configuration, of floats and integers",
          "[support][reference]") {
  const reference_case c("model_iaf_d8.weights");
  CHECK_FALSE(c.has_options());
  CHECK(c["transforms.0.arn.layers.0.weight"].shape == std::vector<std::size_t>{64, 8});
  auto order = c["transforms.0.arn.permutation"].indices();
  std::sort(order.begin(), order.end());
  CHECK(order == std::vector<int>{0, 1, 2, 3, 4, 5, 6, 7});
}
