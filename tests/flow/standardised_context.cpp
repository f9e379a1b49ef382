/// \file
/// The units of a context: a flow that knows them gives the bits of one that is given contexts in
/// these units; they come from data or from the expression, and go where the flow goes.

#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "check.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::agreed;
using testing::disagreement;

namespace {

constexpr std::array mean{1000.0, -3.5};
constexpr std::array scale{300.0, 1e-3};
constexpr auto with_units =
    normal<3> | given<2>.standardise(mean, scale) | iaf<7>.skip() | flip | maf<7> | affine;
constexpr auto without = normal<3> | given<2> | iaf<7>.skip() | flip | maf<7> | affine;
static_assert(std::is_empty_v<decltype(without)>);

template <class T> auto perturbed(auto q) {
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
template <class T> xt::xtensor<T, 2> batch(std::size_t n, std::size_t columns, std::uint64_t seed) {
  const auto values = testing::normal_values<T>(n * columns, seed);
  xt::xtensor<T, 2> x(std::array<std::size_t, 2>{n, columns});
  std::copy(values.begin(), values.end(), x.begin());
  return x;
}
/// The same numbers in other units: 1000 + 300 c and -3.5 + 0.001 c.
template <class T> xt::xtensor<T, 2> in_units(xt::xtensor<T, 2> c) {
  for (std::size_t i = 0; i < c.shape()[0]; ++i)
    for (std::size_t k = 0; k < 2; ++k)
      c(i, k) = static_cast<T>(mean[k] + scale[k] * static_cast<double>(c(i, k)));
  return c;
}
/// And back, as it is documented.
template <class T> xt::xtensor<T, 2> back(xt::xtensor<T, 2> c) {
  for (std::size_t i = 0; i < c.shape()[0]; ++i)
    for (std::size_t k = 0; k < 2; ++k)
      c(i, k) = (c(i, k) - static_cast<T>(mean[k])) * (T(1) / static_cast<T>(scale[k]));
  return c;
}
template <class T> std::vector<double> numbers(std::span<const T> v) {
  return {v.begin(), v.end()};
}

} // namespace

TEMPLATE_TEST_CASE("units in the expression give the bits of contexts in these units", "[flow]",
                   float, double) {
  using T = TestType;
  const auto q = perturbed<T>(make_flow<T>(with_units, 3));
  const auto plain = perturbed<T>(make_flow<T>(without, 3));
  REQUIRE((q.parameters().size() == plain.parameters().size()));
  const auto team = parallel(q, 2);
  // One event, a few, a part of a tile, several tiles.
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{3}, std::size_t{300}}) {
    const auto x = batch<T>(n, 3, 5);
    const auto raw = in_units<T>(batch<T>(n, 2, 6));
    const auto c = back<T>(raw);
    const auto expected = plain.forward(x, c);
    CHECK((q.forward(x, raw).y == expected.y));
    CHECK((q.forward(x, raw).log_det == expected.log_det));
    CHECK((q.inverse(x, raw).x == plain.inverse(x, c).x));
    CHECK((q.log_prob(x, raw) == plain.log_prob(x, c)));
    CHECK((team.log_prob(x, raw) == plain.log_prob(x, c)));
    philox a{9}, b{9};
    const auto drawn = q.sample_and_log_prob(a, n, raw);
    const auto expected_drawn = plain.sample_and_log_prob(b, n, c);
    CHECK((drawn.samples == expected_drawn.samples));
    CHECK((drawn.log_prob == expected_drawn.log_prob));
    // Not in memory as T: evaluated a tile at a time.
    const xt::xtensor<double, 2> wide = raw;
    CHECK((q.log_prob(x, wide + 0.0) == plain.log_prob(x, c)));

    const xt::xtensor<T, 1> one{raw(0, 0), raw(0, 1)}, one_standard{c(0, 0), c(0, 1)};
    const auto expected_one = plain.log_prob(x, one_standard);
    CHECK((q.log_prob(x, one) == expected_one));
    const auto fixed = q.condition(one);
    CHECK((fixed.log_prob(x) == expected_one));
    CHECK((parallel(fixed, 2).log_prob(x) == expected_one));
    CHECK((expected_one != plain.log_prob(x, one)));

    const auto by_parameters = value_and_grad(q, x, raw);
    const auto expected_gradient = value_and_grad(plain, x, c);
    CHECK(by_parameters.value == expected_gradient.value);
    CHECK(by_parameters.gradient == expected_gradient.gradient);
  }
}

TEMPLATE_TEST_CASE("units are taken out to rounding", "[flow]", float, double) {
  using T = TestType;
  constexpr std::size_t n = 200;
  const auto raw = in_units<T>(batch<T>(n, 2, 6));
  context_standardisation<T, 2> units;
  units.set("here", std::span<const double>(mean), std::span<const double>(scale));
  std::vector<T> got;
  std::vector<double> expected, allowed;
  for (std::size_t i = 0; i < n; ++i) {
    std::array<T, 2> c{raw(i, 0), raw(i, 1)};
    units.apply(c.data());
    for (std::size_t k = 0; k < 2; ++k) {
      got.push_back(c[k]);
      // The right value, of the numbers as T holds them.
      const auto m = static_cast<long double>(static_cast<T>(mean[k]));
      const auto s = static_cast<long double>(static_cast<T>(scale[k]));
      expected.push_back(static_cast<double>((static_cast<long double>(raw(i, k)) - m) / s));
      allowed.push_back(2 * std::numeric_limits<T>::epsilon() * std::abs(expected.back()));
    }
  }
  CHECK(disagreement(got, expected, [&](std::size_t i) { return allowed[i]; }) == agreed);
}

TEST_CASE("a NaN in a standardised context spoils its own sample alone", "[flow]") {
  const auto q = perturbed<float>(make_flow<float>(with_units, 3));
  const auto y = batch<float>(300, 3, 5);
  const auto raw = in_units<float>(batch<float>(300, 2, 6));
  auto spoilt = raw;
  spoilt(77, 1) = std::numeric_limits<float>::quiet_NaN();
  const auto expected = q.log_prob(y, raw), got = q.log_prob(y, spoilt);
  for (std::size_t i = 0; i < 300; ++i)
    CHECK((i == 77 ? std::isnan(got(i)) : got(i) == expected(i)));
}

TEMPLATE_TEST_CASE("far contexts in any units never give NaN", "[flow]", float, double) {
  using T = TestType;
  constexpr T most = std::numeric_limits<T>::max();
  const auto q = perturbed<T>(make_flow<T>(with_units, 3));
  const auto plain = perturbed<T>(make_flow<T>(without, 3));
  const std::vector<T> far{most, -most, T(1e30), T(-1e30), std::numeric_limits<T>::denorm_min()};
  for (const std::size_t n : {std::size_t{1}, std::size_t{2}, std::size_t{300}}) {
    const auto y = batch<T>(n, 3, 5);
    auto raw = in_units<T>(batch<T>(n, 2, 6));
    for (std::size_t i = 0; i < n; i += 2)
      for (std::size_t k = 0; k < 2; ++k) raw(i, k) = far[(i + k) % far.size()];
    const auto log_p = q.log_prob(y, raw);
    for (std::size_t i = 0; i < n; ++i) CHECK_FALSE(std::isnan(log_p(i)));
    // The difference to the mean may overflow: what is infinite counts as far.
    CHECK((log_p == plain.log_prob(y, back<T>(raw))));
  }
}

TEST_CASE("given<C>.standardise: arrays, braces and vectors; as written", "[flow]") {
  const std::vector<double> m{1, 2.5}, s{0.1, 1e6};
  const std::string text = "given<2>.standardise({1, 2.5}, {0.1, 1e+06})";
  constexpr auto braces = given<2>.standardise({1, 2.5}, {0.1, 1e6});
  CHECK(braces.text() == text);
  CHECK(given<2>.standardise(std::array{1.0, 2.5}, std::array{0.1, 1e6}).text() == text);
  CHECK(given<2>.standardise(m, s).text() == text);
  CHECK(braces.standardise({1, 2.5}, {0.1, 3}).text() ==
        "given<2>.standardise({1, 2.5}, {0.1, 3})");
  CHECK(given<2>.text() == "given<2>");
  const auto e = normal<1> | given<2>.standardise(m, s) | maf<4>;
  CHECK(make_flow<double>(e).text() == "normal<1> | " + text + " | maf<4>");
  CHECK_THAT(describe(e), Contains(text));
  const auto f = make_bijector<double, 1>(given<2>.standardise(m, s) | maf<4>);
  CHECK(numbers(f.standardisation().mean()) == m);
  CHECK(numbers(f.standardisation().scale()) == s);
}

TEST_CASE("given<C>.standardise refuses what are no units", "[flow]") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  const auto make = [](std::vector<double> m, std::vector<double> s) {
    return given<2>.standardise(m, s);
  };
  CHECK_THROWS_WITH(make({1}, {1, 2}), Contains("expected 2 means and scales, got 1 and 2"));
  CHECK_THROWS_WITH(make({1, 2}, {1, 2, 3}), Contains("got 2 and 3"));
  for (const double bad : {0.0, -0.0, -1.0, inf, std::nan("")})
    CHECK_THROWS_WITH(make({1, 2}, {1, bad}), Contains("finite scales above 0"));
  for (const double bad : {inf, -inf, std::nan("")})
    CHECK_THROWS_WITH(make({bad, 2}, {1, 1}), Contains("finite means"));
  CHECK_NOTHROW(make({-1e300, 0}, {1e300, 1e-300}));
}

TEST_CASE("units that a type cannot hold are refused when a flow is made", "[flow]") {
  const auto flow = []<class T>(T, double m, double s) {
    return make_flow<T>(normal<1> | given<1>.standardise({m}, {s}) | maf<4>);
  };
  // Float: 24 bits; from 1.2e-38, its smallest normal number, to 3.4e38.
  for (const auto& [m, s] : std::vector<std::pair<double, double>>{
           {1126259462.4, 0.05}, {16777216, 0.9}, {-16777216, 0.9}}) {
    CHECK_THROWS_WITH(flow(0.0F, m, s), Contains("given<1>.standardise: in float") &&
                                            Contains("leave no number") &&
                                            Contains("use make_flow<double>"));
    CHECK_NOTHROW(flow(0.0, m, s));
  }
  for (const auto& [m, s] : std::vector<std::pair<double, double>>{
           {0, 1e-46}, {0, 1e-39}, {0, 1e39}, {1e39, 1e38}, {3e38, 1e38}, {-3e38, 1e38}}) {
    CHECK_THROWS_WITH(flow(0.0F, m, s), Contains("out of range"));
    CHECK_NOTHROW(flow(0.0, m, s));
  }
  CHECK_NOTHROW(flow(0.0F, 16777216, 2.0));
  CHECK_NOTHROW(flow(0.0F, 0, 1.2e-38));
  CHECK_NOTHROW(flow(0.0F, 0, 8e37));
  CHECK_NOTHROW(flow(0.0F, 2e38, 8e37));
  CHECK_THROWS_WITH(flow(0.0, 1e17, 1.0), Contains("in double") && Contains("shift and scale"));
  CHECK_THROWS_WITH(flow(0.0, 0, 1e-310), Contains("out of range"));
}

TEMPLATE_TEST_CASE("standardise_context takes mean and standard deviation", "[flow]", float,
                   double) {
  using T = TestType;
  constexpr std::size_t n = 500;
  auto raw = in_units<T>(batch<T>(n, 2, 6));
  std::vector<double> expected_mean, expected_scale;
  for (std::size_t k = 0; k < 2; ++k) { // the textbook's two sums
    long double sum = 0, squares = 0;
    for (std::size_t i = 0; i < n; ++i) sum += static_cast<long double>(raw(i, k));
    for (std::size_t i = 0; i < n; ++i) {
      const long double d = static_cast<long double>(raw(i, k)) - sum / n;
      squares += d * d;
    }
    expected_mean.push_back(static_cast<double>(sum / n));
    expected_scale.push_back(static_cast<double>(std::sqrt(squares / n)));
  }
  auto q = perturbed<T>(make_flow<T>(without, 3));
  CHECK_FALSE(q.standardisation().given());
  const auto check = [&](const auto& flow) {
    CHECK(flow.standardisation().given());
    const double half_ulp = std::numeric_limits<T>::epsilon() / 2;
    const auto rounded = [&](const auto& right) {
      return [&](std::size_t i) { return (half_ulp + 1e-14) * std::abs(right[i]); };
    };
    CHECK(disagreement(flow.standardisation().mean(), expected_mean, rounded(expected_mean)) ==
          agreed);
    CHECK(disagreement(flow.standardisation().scale(), expected_scale, rounded(expected_scale)) ==
          agreed);
  };
  standardise_context(q, raw);
  check(q);
  CHECK(q.text() == make_flow<T>(without).text());

  // From memory with strides; of a lazy expression; of a bijector.
  auto from_memory = perturbed<T>(make_flow<T>(without, 3));
  std::vector<T> columns(2 * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t k = 0; k < 2; ++k) columns[k * n + i] = raw(i, k);
  standardise_context(from_memory, batch_view<T>{columns.data(), n, 1, n});
  check(from_memory);
  auto lazy = perturbed<T>(make_flow<T>(without, 3));
  standardise_context(lazy, raw * T(1));
  check(lazy);
  auto f = make_bijector<T, 3>(given<2> | maf<7>);
  standardise_context(f, raw);
  check(f);

  // What networks see now: mean 0, spread 1. With copies go the numbers.
  const auto y = batch<T>(n, 3, 5);
  const auto log_p = q.log_prob(y, raw);
  const auto copy = q;
  CHECK((copy.log_prob(y, raw) == log_p));
  auto assigned = make_flow<T>(without, 8);
  assigned = q;
  CHECK((assigned.log_prob(y, raw) == log_p));
  const auto plain = perturbed<T>(make_flow<T>(without, 3));
  CHECK((plain.log_prob(y, raw) != log_p));
  // Once more, from other data, in place of the first numbers.
  standardise_context(q, xt::xtensor<T, 2>(batch<T>(n, 2, 7)));
  CHECK(std::abs(q.standardisation().mean()[0]) < 0.3);
}

TEMPLATE_TEST_CASE("standardise_context of numbers of any size", "[flow]", float, double) {
  using T = TestType;
  constexpr bool is_float = std::is_same_v<T, float>;
  auto q = make_flow<T>(normal<1> | given<1> | maf<4>, 3);
  const auto units_of = [&](const std::vector<T>& values) {
    standardise_context(q, rows_of(values.data(), values.size(), 1));
    return std::pair<double, double>(q.standardisation().mean()[0], q.standardisation().scale()[0]);
  };
  using pair = std::pair<double, double>;
  // Two numbers: mean and spread are half of their sum and difference.
  const T huge = is_float ? T(0x1p125) : static_cast<T>(0x1p1021);
  CHECK(units_of({huge, 3 * huge}) == pair(2 * double(huge), double(huge)));
  CHECK(units_of({-huge, huge}) == pair(0, double(huge)));
  const T tiny = is_float ? T(0x1p-120) : static_cast<T>(0x1p-1015);
  CHECK(units_of({tiny, 3 * tiny}) == pair(2 * double(tiny), double(tiny)));
  // Far from 0 in units of their spread.
  const T far = is_float ? T(16777216) : static_cast<T>(0x1p52);
  CHECK(units_of({far, far + 4}) == pair(double(far) + 2, 2));
  // Constant columns are moved to 0.
  CHECK(units_of({T(0.1), T(0.1), T(0.1)}).first == double(T(0.1)));
  CHECK(units_of({T(0.1), T(0.1), T(0.1)}).second == 1);
  CHECK(units_of({T(1e30), T(1e30)}) == pair(double(T(1e30)), double(T(1e30))));
  CHECK(units_of({T(0), T(0)}) == pair(0, 1));
}

TEST_CASE("standardise_context refuses what it cannot use, and the flow stays", "[flow]") {
  auto q = make_flow<float>(without, 3);
  auto c = batch<float>(20, 2, 6);
  const auto refused = [&](const auto& contexts, const std::string& why) {
    CHECK_THROWS_WITH(standardise_context(q, contexts), Contains(why));
    CHECK_THROWS_AS(standardise_context(q, contexts), std::invalid_argument);
    CHECK_FALSE(q.standardisation().given());
  };
  refused(batch<float>(20, 3, 6), "expected contexts of shape (n, 2), got (20, 3)");
  refused(batch<float>(1, 2, 6), "expected two rows or more, got 1");
  refused(batch<float>(0, 2, 6), "expected two rows or more, got 0");
  c(7, 1) = std::numeric_limits<float>::quiet_NaN();
  refused(c, "expected finite contexts, got nan in row 7, column 1");
  c(7, 1) = -std::numeric_limits<float>::infinity();
  refused(c, "got -inf in row 7, column 1");
  // Doubles that float cannot tell apart: GPS seconds with a spread of 0.05.
  xt::xtensor<double, 2> seconds = batch<double>(20, 2, 6) * 0.05 + 1126259462.4;
  refused(seconds, "use make_flow<double>");
  auto wide = make_flow<double>(without, 3);
  CHECK_NOTHROW(standardise_context(wide, seconds));
  CHECK(wide.standardisation().scale()[0] == Approx(0.05).epsilon(0.5));
}

TEMPLATE_TEST_CASE("units are parameters with names", "[flow]", float, double) {
  using T = TestType;
  const auto raw = in_units<T>(batch<T>(100, 2, 6));
  const auto y = batch<T>(100, 3, 5);
  auto q = perturbed<T>(make_flow<T>(without, 3));
  CHECK_FALSE(named_parameters(q).has("layers.0.context.mean"));
  standardise_context(q, raw);
  const auto set = named_parameters(q);
  CHECK((set.at("layers.0.context.mean", {2}) ==
         std::vector<T>(q.standardisation().mean().begin(), q.standardisation().mean().end())));
  CHECK((set.at("layers.0.context.scale", {2}) ==
         std::vector<T>(q.standardisation().scale().begin(), q.standardisation().scale().end())));

  auto other = make_flow<T>(without, 4);
  set_named_parameters(other, set);
  CHECK((other.log_prob(y, raw) == q.log_prob(y, raw)));
  // A set without them is of a flow without them.
  const auto plain = perturbed<T>(make_flow<T>(without, 3));
  set_named_parameters(other, named_parameters(plain));
  CHECK((other.log_prob(y, raw) == plain.log_prob(y, raw)));

  // Other structures of networks keep them.
  auto network = arn<0>(q).dense();
  const auto before = q.log_prob(y, raw);
  set_network<0>(q, arn<0>(q).order(), network);
  CHECK((q.log_prob(y, raw) == before));

  const auto refused = [&](auto& flow, const auto& change, const std::string& why) {
    auto broken = set;
    change(broken.values);
    const auto log_p = flow.log_prob(y, raw);
    CHECK_THROWS_WITH(set_named_parameters(flow, broken), Contains(why));
    CHECK((flow.log_prob(y, raw) == log_p));
  };
  const auto find = [](auto& values, const std::string& name) {
    return std::find_if(values.begin(), values.end(),
                        [&](const auto& t) { return t.name == name; });
  };
  refused(
      q, [&](auto& v) { v.erase(find(v, "layers.0.context.scale")); },
      "\"layers.0.context.scale\" is missing");
  refused(
      q, [&](auto& v) { v.erase(find(v, "layers.0.context.mean")); },
      "\"layers.0.context.mean\" is missing");
  refused(
      q, [&](auto& v) { find(v, "layers.0.context.scale")->values[1] = 0; },
      "a finite scale above 0");
  refused(
      q,
      [&](auto& v) {
        find(v, "layers.0.context.mean")->shape = {1};
        find(v, "layers.0.context.mean")->values.resize(1);
      },
      "expected shape (2,), got (1,)");

  // Numbers that the expression says cannot be others.
  auto written = make_flow<T>(with_units, 5);
  refused(
      written, [](auto&) {}, "as the expression says");
  auto same = set;
  find(same.values, "layers.0.context.mean")->values = {T(mean[0]), T(mean[1])};
  find(same.values, "layers.0.context.scale")->values = {T(float(scale[0])), T(float(scale[1]))};
  set_named_parameters(written, same);
  CHECK(numbers(written.standardisation().scale()) ==
        std::vector<double>{double(T(scale[0])), double(T(scale[1]))});
  set_named_parameters(written, named_parameters(plain));
  CHECK(written.standardisation().given());
}
