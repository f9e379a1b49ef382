/// \file
/// The text of a word is code that makes it: every option that differs from the default is in it.

#include <bijou/bijou.hpp>

#include "../catch.hpp"

using namespace bijou;

// Each word beside its own code, for the preprocessor quotes what it is given.
#define CHECK_TEXT(...) CHECK((__VA_ARGS__).text() == #__VA_ARGS__)

TEST_CASE("texts: autoregressive words", "[grammar]") {
  CHECK_TEXT(iaf<8>);
  CHECK_TEXT(maf<300, 200>);
  CHECK_TEXT(autoregressive<7, 6, 5>(rational_quadratic<4>));
  CHECK(iaf<8>.sigmoid_bias(1.5).text() == "autoregressive<8>(gated.sigmoid_bias(1.5))");
  CHECK_TEXT(iaf<8>.skip());
  CHECK_TEXT(iaf<8>.order({1, 2, 0}));
  CHECK_TEXT(maf<8>.activation(activations::tanh));
  CHECK_TEXT(maf<8>.activation(activations::elu).order({1, 0}).skip());
  CHECK_TEXT(autoregressive<8>(clamped_affine.clip(-2, 3)).activation(activations::silu).skip());
  CHECK(iaf<8>.seed(3).text() == "iaf<8>"); // says where weights begin, not what the word is
}

TEST_CASE("texts: options keep each other", "[grammar]") {
  constexpr auto text =
      "autoregressive<8>(affine).activation(activations::tanh).order({1, 0}).skip()";
  constexpr auto word = autoregressive<8>(affine);
  CHECK(word.activation(activations::tanh).order({1, 0}).skip().seed(1).text() == text);
  CHECK(word.seed(1).skip().order({1, 0}).activation(activations::tanh).text() == text);
  CHECK(word.order({1, 0}).seed(1).activation(activations::tanh).skip().text() == text);
  constexpr auto half = coupling<8>(gated);
  constexpr auto of_coupling =
      "coupling<8>(gated.sigmoid_bias(1)).activation(activations::tanh).split(3)";
  CHECK(half.activation(activations::tanh).split(3).seed(1).sigmoid_bias(1).text() == of_coupling);
  CHECK(half.sigmoid_bias(1).seed(1).split(3).activation(activations::tanh).text() == of_coupling);
  CHECK(half.split(3).sigmoid_bias(1).activation(activations::tanh).seed(1).text() == of_coupling);
}

TEST_CASE("texts: couplings", "[grammar]") {
  CHECK_TEXT(coupling<8>(affine));
  CHECK_TEXT(coupling<8, 4>(affine).split(1));
  CHECK_TEXT(coupling<8>(rational_quadratic<4>.bound(5)).activation(activations::tanh).split(2));
  CHECK_TEXT(coupling<8>(rational_linear<4>.bound(5).knot_epsilon(0.5)));
}

TEST_CASE("texts: turned words", "[grammar]") {
  CHECK(inverse(maf<8>).text() == "autoregressive<8>(affine)");
  CHECK(inverse(autoregressive<8>(affine)).text() == "maf<8>");
  CHECK(inverse(autoregressive<8>(affine).skip()).text() == "maf<8>.skip()");
  CHECK_TEXT(inverse(iaf<8>));
  CHECK_TEXT(inverse(autoregressive<8>(rational_quadratic<4>)));
  CHECK_TEXT(inverse(autoregressive<8>(clamped_affine)));
  CHECK_TEXT(inverse(coupling<8>(affine).split(1)));
  CHECK_TEXT(inverse(householder<2>));
  CHECK(inverse(inverse(iaf<8>)).text() == "iaf<8>");
}

TEST_CASE("texts: words without a network", "[grammar]") {
  CHECK_TEXT(planar);
  CHECK_TEXT(radial);
  CHECK_TEXT(driven<8>(diagonal_affine));
  CHECK_TEXT(sylvester);
  CHECK_TEXT(sylvester.reflections<2>());
  CHECK_TEXT(householder<2>);
  CHECK_TEXT(lower_triangular);
  CHECK_TEXT(lu);
  CHECK_TEXT(singular_value<2>);
  CHECK_TEXT(rotation);
  CHECK_TEXT(matrix_exponential);
  CHECK_TEXT(channel_permute<3>);
  CHECK_TEXT(channel_permute<3>.order({2, 0, 1}));
  CHECK_TEXT(discrete_cosine);
  CHECK_TEXT(haar<>);
  CHECK_TEXT(haar<2>);
  CHECK_TEXT(inverse(planar));
  CHECK_TEXT(exp_map);
  CHECK_TEXT(softplus_map);
  CHECK_TEXT(tanh_map);
  CHECK_TEXT(arctan_map);
  CHECK_TEXT(elu_map);
  CHECK_TEXT(gumbel_map);
  CHECK_TEXT(leaky_relu_map(0.01));
  CHECK_TEXT(leaky_tanh_map(3));
  CHECK_TEXT(power_map(-0.5));
  CHECK_TEXT(signed_power_map(3));
  CHECK_TEXT(sigmoid_map);
  CHECK_TEXT(interval_map(-1, 0.5));
  CHECK_TEXT(softclip_map(5));
  CHECK_TEXT(on<0, 2>(exp_map));
  CHECK_TEXT(on<1>(diagonal_affine.fixed()));
  CHECK_TEXT(on<1>(inverse(additive.fixed())));
  CHECK_TEXT(flip);
  CHECK_TEXT(permute({1, 2, 0}));
  CHECK_TEXT(given<3>);
  CHECK_TEXT(normal<3>);
  CHECK_TEXT(uniform<2>);
  CHECK_TEXT(laplace<2>);
  CHECK_TEXT(logistic<2>);
  CHECK_TEXT(cauchy<2>);
  CHECK_TEXT(gumbel<2>);
  CHECK_TEXT(exponential<2>);
  CHECK_TEXT(student_t<2>(2.5));
  CHECK_TEXT(beta<2>(0.5, 3));
  CHECK_TEXT(gamma<2>(2.5));
  CHECK_TEXT(box<2>({0, -1}, {0.5, 3}));
}
