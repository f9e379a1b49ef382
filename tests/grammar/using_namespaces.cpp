// Every public word under `using namespace bijou; using namespace std;`, beside the standard
// library's and the C library's names.
#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cmath>
#include <complex>
#include <concepts>
#include <cstdio>
#include <filesystem>
#include <functional>
#include <iostream>
#include <iterator>
#include <map>
#include <math.h> // NOLINT(modernize-deprecated-headers): its names without std::, too
#include <memory>
#include <numeric>
#include <random>
#include <ranges>
#include <span>
#include <string>
#include <thread>
#include <tuple>
#include <unistd.h>
#include <valarray>
#include <vector>

#include "../catch.hpp"

using namespace bijou;
using namespace std;

namespace {

struct half {
  template <class X> X forward(X x) const { return x * X(0.5); }
  template <class X> X inverse(X y) const { return y * X(2); }
  template <class X> X log_abs_slope(X) const { return X(-0.69314718F); }
};

constexpr auto on_the_line =
    normal<4> | given<2> | iaf<8> | flip | maf<8, 8> | permute({1, 0, 3, 2}) | shuffle(3) |
    autoregressive<8>(gated.sigmoid_bias(1.0)) | coupling<8>(clamped_affine) |
    coupling<8>(rational_quadratic<4>) | additive | affine | softplus_affine | diagonal_affine |
    additive.fixed() | rational_linear<4> | rational_quadratic<4> | elementwise(half{}) |
    inverse(standardise(array{1.0, 2.0, 3.0, 4.0}, array{1.0, 1.0, 1.0, 2.0})) |
    iaf<8>.activation(activations::tanh).order({3, 2, 1, 0}).skip().seed(5) | on<0>(exp_map) |
    on<1>(sigmoid_map) | on<2>(tanh_map) | on<3>(softplus_map) | inverse(on<3>(softplus_map)) |
    on<3>(leaky_relu_map(0.5)) | on<3>(elu_map) | on<3>(inverse(elu_map)) |
    on<3>(leaky_tanh_map(2)) | on<3>(interval_map(0.0, 2.0)) | inverse(on<1>(sigmoid_map)) |
    on<1>(arctan_map) | on<2>(inverse(tanh_map)) | on<2>(signed_power_map(2)) |
    on<0>(power_map(0.5)) | on<2>(softclip_map(5)) | on<2>(inverse(interval_map(-5, 5))) |
    on<2>(gumbel_map);
constexpr auto mixed = normal<4> | singular_value<2> | rotation | matrix_exponential |
                       channel_permute<2> | channel_permute<4>.order({1, 0, 3, 2}) |
                       discrete_cosine | haar<> | haar<1>;
constexpr auto in_the_box = uniform<2> | coupling<8>(rational_quadratic<4>.unit_box());
constexpr auto other_bases =
    tuple(laplace<1>, logistic<1>, cauchy<1>, gumbel<1>, exponential<1>, student_t<1>(3),
          box<1>(0, 2), gamma<1>(2), beta<1>(2, 3), diagonal_normal<1>);

// A namespace of one's own with words of the same names: they win for their own types.
namespace geometry {
struct matrix {
  double value;
};
[[maybe_unused]] double inverse(const matrix& m) { return 1 / m.value; }
[[maybe_unused]] double affine_of(const matrix& m) { return m.value; }
template <class T> int describe(const vector<T>&) { return 7; }
} // namespace geometry

} // namespace

TEST_CASE("all words beside namespace std", "[grammar]") {
  auto q = make_flow<float>(on_the_line, 7);
  const auto box = make_flow<double>(in_the_box, 7);
  CHECK(make_flow<double>(mixed, 7).num_parameters() > 0);
  const auto f = make_bijector<double, 2>(iaf<8>);
  philox stream{42};
  const xt::xtensor<float, 2> c{{0.5F, 1.0F}, {0.0F, -1.0F}, {2.0F, 0.0F}};
  const auto [y, log_q] = q.sample_and_log_prob(stream, 3, c);
  const auto again = q.log_prob(y, c);
  for (size_t i = 0; i < 3; ++i) CHECK(again(i) == Approx(log_q(i)).margin(1e-3));
  CHECK(box.sample(stream, 5).shape()[0] == 5);
  CHECK(f.event_shape()[0] == 2);
  CHECK(arn<0>(f).multiply_adds() > 0);
  auto scaled = make_flow<double>(normal<1> | diagonal_affine);
  initialise_from(scaled, xt::xtensor<double, 2>{{1.0}, {3.0}});
  CHECK(scaled.log_prob(array{2.0}) == Approx(-0.91893853));
  CHECK(describe(on_the_line).size() > 100);
  CHECK(!named_parameters(q).values.empty());

  CHECK(apply([](auto... base) { return (0 + ... + make_flow<float>(base).size); }, other_bases) ==
        10);

  // What the standard library and the user call keeps its meaning.
  CHECK(exp(0.0) == 1.0);
  CHECK(tanh(0.0) == 0.0);
  CHECK(norm(complex<double>(3, 4)) == Approx(25));
  vector<int> order{2, 0, 1};
  reverse(order.begin(), order.end());
  CHECK(order == vector{1, 0, 2});
  CHECK(inverse(geometry::matrix{2}) == 0.5);
  CHECK(geometry::describe(order) == 7);
}
