/// \file
/// Hostile values through every word in both directions: whoever brings no NaN gets none.

#include "hostile_values.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {
/// Values of a case: samples * variables * 2 types * 3 scales, each of which goes forward, back and
/// through log p: all cases together are more than 10^7. Adjoints take most of the time to compile;
/// a case of each kind has them.
template <wants Wants = wants::evaluation, class E>
void check_all(const E& expression, std::size_t samples = 100'000) {
  for (const float scale : {0.3F, 1.0F, 30.0F}) {
    check_hostile(make_subject<float, Wants>(expression, scale), samples);
    check_hostile(make_subject<double, Wants>(expression, scale), samples);
  }
}
} // namespace

TEST_CASE("hostile values: networks in both directions, skip connections, a context", "[flow]") {
  check_all(normal<3> | given<2> | iaf<8> | flip | maf<8> | flip | iaf<7, 9>.skip());
}
TEST_CASE("hostile values: couplings, clamps, splines, with gradients", "[flow]") {
  check_all<wants::gradients>(normal<3> | given<2> | coupling<7>(clamped_affine) | flip |
                              coupling<7>(affine) | autoregressive<8>(rational_quadratic<4>) |
                              inverse(autoregressive<8>(gated)));
}
TEST_CASE("hostile values: rational linear splines, with gradients", "[flow]") {
  check_all<wants::gradients>(normal<2> | coupling<7>(rational_linear<4>) | flip |
                              inverse(autoregressive<6>(rational_linear<3>)));
}
TEST_CASE("hostile values: linear words between networks", "[flow]") {
  check_all(normal<3> | lower_triangular | householder<2> | affine | lu | iaf<8> |
            lower_triangular);
}
TEST_CASE("hostile values: words by the factors of their matrices", "[flow]") {
  check_all(normal<3> | singular_value<2> | channel_permute<3>.order({2, 0, 1}) | iaf<8> |
                inverse(singular_value<1>) | discrete_cosine | haar<>,
            50'000);
}
TEST_CASE("hostile values: exponentials of matrices", "[flow]") {
  check_all<wants::gradients>(normal<3> | matrix_exponential | rotation | iaf<8> |
                                  inverse(matrix_exponential) | inverse(rotation),
                              50'000);
}
TEST_CASE("hostile values: planar, radial, sylvester", "[flow]") {
  check_all<wants::gradients>(normal<3> | planar | flip | inverse(radial) | iaf<7> | sylvester |
                              flip);
}
TEST_CASE("hostile values: maps with an end", "[flow]") {
  check_all(normal<4> | affine | on<0>(exp_map) | on<1>(sigmoid_map) | on<2>(tanh_map) |
                on<3>(softplus_map),
            50'000);
}
TEST_CASE("hostile values: a kink, and tails that are powers", "[flow]") {
  check_all(normal<2> | affine | leaky_relu_map() | on<0>(arctan_map), 50'000);
}
TEST_CASE("hostile values: powers, with gradients", "[flow]") {
  check_all<wants::gradients>(normal<3> | affine | signed_power_map(3) | affine |
                                  inverse(signed_power_map(1.5)) | on<0>(exp_map) |
                                  on<0>(power_map(-2)),
                              50'000);
}
TEST_CASE("hostile values: a leaky tanh, a soft clip, the Gumbel law's distribution function",
          "[flow]") {
  check_all(normal<3> | affine | leaky_tanh_map(3) | affine | inverse(leaky_tanh_map(0.5)) |
                on<0>(softclip_map(5)) | on<1>(gumbel_map) | on<2>(elu_map),
            50'000);
}
TEST_CASE("hostile values: scales of either sign, given and learned", "[flow]") {
  check_all(normal<3> | diagonal_affine | coupling<5>(diagonal_affine) | flip |
                inverse(diagonal_affine) | additive.fixed(),
            50'000);
}
TEST_CASE("hostile values: bases with other tails", "[flow]") {
  check_all(laplace<2> | affine, 25'000);
  check_all(logistic<2> | affine, 25'000);
  check_all(cauchy<2> | affine, 25'000);
  check_all(gumbel<2> | affine, 25'000);
  check_all(student_t<2>(0.5) | affine, 25'000);
  check_all(exponential<2> | inverse(softplus_map) | affine, 25'000);
  check_all(gamma<2>(0.5) | inverse(exp_map) | affine, 25'000);
  check_all(beta<2>(0.5, 20) | inverse(sigmoid_map) | affine, 25'000);
  check_all(box<2>(-1, 3) | inverse(interval_map(-1, 3)) | affine, 25'000);
}
TEST_CASE("hostile values: splines on the box, and back to the line", "[flow]") {
  check_all(uniform<2> | coupling<5>(rational_quadratic<4>.unit_box()) | flip |
                inverse(sigmoid_map) | iaf<4> | standardise({1.0, 2.0}, {3.0, 1e3}),
            50'000);
}
