/// \file
/// Words of a user's own formulas: both directions and one-way, parameters that depend on D or on
/// nothing, what is prepared and kept, orders of variables, names, bits beside a word of the
/// library.

#include <array>
#include <cmath>
#include <string>
#include <vector>

#include "../flow/check.hpp"
#include "../support/planar_formulas.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

/// Half a step of a pendulum: the momentum falls by strength sin(position).
struct kick {
  static constexpr int size = 2;
  static constexpr const char* name = "kick";
  static constexpr std::array parameters{parameter{"strength"}.normal(0.4, 0.1)};

  template <class X, class Y, class S> void forward(const X& x, Y& y, const S& strength) const {
    auto position = x[0];
    auto momentum = x[1];
    auto wave = sin(position);
    auto moved = fnma(strength, wave, momentum);
    y.set(1, moved);
  }
  template <class Y, class X, class S> void inverse(const Y& y, X& x, const S& strength) const {
    auto position = y[0];
    auto momentum = y[1];
    auto wave = sin(position);
    auto moved = fma(strength, wave, momentum);
    x.set(1, moved);
  }
};

/// y = x exp(s) with s = tanh of a sum over the first variables: a coupling by hand, with values
/// kept and a vector of parameters.
struct scaled_by_others {
  static constexpr int kept = 1;
  template <int D>
  static constexpr std::array parameters{parameter{"weight", D}.normal(0, 0.3), parameter{"bias"}};

  template <class X, class Y, class W, class B>
  void forward(const X& x, Y& y, const W& weight, const B& bias) const {
    auto first = x[0];
    auto last = x[X::size - 1];
    auto slope = weight[0];
    auto height = fma(slope, first, bias);
    auto log_scale = tanh(height, y.kept());
    auto scale = exp(log_scale);
    auto moved = last * scale;
    y.log_det(log_scale);
    y.set(X::size - 1, moved);
  }
  template <class Y, class X, class W, class B>
  void inverse(const Y& y, X& x, const W& weight, const B& bias) const {
    auto first = y[0];
    auto last = y[Y::size - 1];
    auto slope = weight[0];
    auto height = fma(slope, first, bias);
    auto log_scale = tanh(height, x.kept());
    auto shrink = -log_scale;
    auto scale = exp(shrink);
    auto moved = last * scale;
    x.log_det(shrink);
    x.set(Y::size - 1, moved);
  }
};

/// y = x + t, t a vector: all variables set at once; nothing to learn but where it goes.
struct towards {
  double step; ///< a number of the word itself
  template <int D> static constexpr std::array parameters{parameter{"target", D}.normal(1, 0.1)};

  template <class X, class Y, class C> void forward(const X& x, Y& y, const C& target) const {
    auto away = target - x;
    auto near = fma(away, step, x);
    const double log_det = X::size * std::log1p(-step);
    y.log_det(log_det);
    y.set(near);
  }
  template <class Y, class X, class C> void inverse(const Y& y, X& x, const C& target) const {
    auto near = fnma(target, step, y);
    auto back = near / (1 - step);
    const double log_det = -Y::size * std::log1p(-step);
    x.log_det(log_det);
    x.set(back);
  }
};

} // namespace

TEST_CASE("mixing: both directions, turned round, among other words", "[bijectors]") {
  const auto f =
      check_double(normal<2> | given<2> | mixing(kick{}) | flip | iaf<4> |
                   mixing(scaled_by_others{}) | inverse(mixing(kick{})) | mixing(towards{0.25}));
  check_isolation(f);
}
TEST_CASE("mixing: one-way, with values prepared once a tile", "[bijectors]") {
  check_expression(normal<3> | mixing(planar_formulas{}) | flip | mixing(planar_formulas{}));
}
TEST_CASE("mixing: more variables than registers, in another order", "[bijectors]") {
  check_double(normal<19> | mixing(planar_formulas{}) | shuffle(3) | mixing(scaled_by_others{}));
}

TEMPLATE_TEST_CASE("mixing: a user's formulas have the bits of the word", "[bijectors]", float,
                   double) {
  using T = TestType;
  const auto hand = make_subject<T, wants::evaluation>(normal<5> | planar | flip | planar, 0.5F);
  const auto derived = make_subject<T, wants::evaluation>(
      normal<5> | mixing(planar_formulas{}) | flip | mixing(planar_formulas{}), 0.5F);
  std::copy(hand.parameters.begin(), hand.parameters.end(), derived.parameters.begin());
  const auto x = hand.noise(71, 3);
  const auto y = hand.forward(x, {}), z = derived.forward(x, {});
  CHECK(other_bits(z.values, y.values) == agreed);
  CHECK(other_bits(z.log_det, y.log_det) == agreed);
}

TEST_CASE("mixing: names, texts and what is said of them", "[bijectors]") {
  const auto q = make_flow<double>(normal<2> | mixing(kick{}) | mixing(planar_formulas{}), 3);
  CHECK(q.text() == "normal<2> | kick | mixing(...)");
  const auto set = named_parameters(q);
  REQUIRE(set.values.size() == 4);
  CHECK(set.values[0].name == "layers.0.strength");
  CHECK(set.values[1].name == "layers.1.u");
  CHECK(set.values[3].name == "layers.1.bias");
  CHECK(std::abs(set.values[0].values[0] - 0.4) < 0.5); // begins near its mean
  CHECK(set.values[0].values[0] != 0.4);
  CHECK(set.values[3].values[0] == 0);
  auto other = make_flow<double>(normal<2> | mixing(kick{}) | mixing(planar_formulas{}), 77);
  set_named_parameters(other, set);
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), other.parameters().begin()));
  CHECK_THAT(describe(normal<2> | mixing(planar_formulas{})), Catch::Matchers::Contains("none"));
  CHECK_THAT(describe(normal<2> | mixing(kick{})), !Catch::Matchers::Contains("none"));
}

namespace {
/// Swaps two variables, but reads the second when the first has taken its place.
struct read_late {
  static constexpr int size = 2;
  static constexpr const char* name = "read_late";
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto first = x[0];
    y.set(1, first);
    auto second = x[1];
    y.set(0, second);
  }
};
struct solved_late {
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto first = x[0];
    y.set(0, first);
  }
  template <class Y, class X> void inverse(const Y& y, X& x) const {
    x.add(y);
    auto first = y[0];
    x.log_det(first);
  }
};
} // namespace

TEST_CASE("mixing: a formula that reads what it has overwritten is refused", "[bijectors]") {
  CHECK_THROWS_WITH(
      make_flow<float>(normal<2> | mixing(read_late{})),
      Catch::Matchers::StartsWith("read_late.forward reads a variable of x after y.set"));
  CHECK_THROWS_WITH(
      make_flow<float>(normal<2> | mixing(solved_late{})),
      Catch::Matchers::StartsWith("mixing(...).inverse reads a variable of y after x.set"));
}
