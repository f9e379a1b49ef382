/// \file
/// Parameters by name: dense, canonical, and back again without a change; refused as a whole.

#include <map>
#include <stdexcept>

#include "../support/values_of.hpp"
#include "check.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::values_of;

namespace {

constexpr auto expression = normal<3> | given<2> | iaf<7, 5>.skip().order({1, 2, 0}) | affine |
                            flip | coupling<4>(rational_quadratic<3>) | on<1>(gated);

template <class T> auto perturbed() {
  auto q = make_flow<T>(expression, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}

} // namespace

TEMPLATE_TEST_CASE("names and shapes", "[flow]", float, double) {
  const auto q = perturbed<TestType>();
  std::map<std::string, std::vector<std::size_t>> shapes;
  const auto set = named_parameters(q);
  for (const auto& t : set.values) {
    shapes[t.name] = t.shape;
    std::size_t count = 1;
    for (const std::size_t extent : t.shape) count *= extent;
    CHECK(t.values.size() == count);
  }
  // Words are counted as written; given<2> is word 0, flip is word 3.
  CHECK(shapes == std::map<std::string, std::vector<std::size_t>>{
                      {"layers.1.arn.layers.0.weight", {7, 5}}, // 2 of context, 3 variables
                      {"layers.1.arn.layers.0.bias", {7}},
                      {"layers.1.arn.layers.1.weight", {5, 7}},
                      {"layers.1.arn.layers.1.bias", {5}},
                      {"layers.1.arn.layers.2.weight", {6, 5}}, // (m, z) of 3 variables
                      {"layers.1.arn.layers.2.bias", {6}},
                      {"layers.1.arn.skip_layer.weight", {6, 5}},
                      {"layers.2.theta", {2, 3}},
                      {"layers.4.nn.layers.0.weight", {4, 3}}, // 2 of context, 1 variable kept
                      {"layers.4.nn.layers.0.bias", {4}},
                      {"layers.4.nn.layers.1.weight", {16, 4}}, // 8 for each of 2 variables
                      {"layers.4.nn.layers.1.bias", {16}},
                      {"layers.5.theta", {2, 3}}});
  REQUIRE(set.find_integers("layers.1.arn.order") != nullptr);
  CHECK(set.find_integers("layers.1.arn.order")->values == std::vector<std::int64_t>{1, 2, 0});
}

TEMPLATE_TEST_CASE("named parameters make a round trip, to the bit", "[flow]", float, double) {
  const auto q = perturbed<TestType>();
  auto other = make_flow<TestType>(expression, 4);
  REQUIRE(values_of(other) != values_of(q));
  set_named_parameters(other, named_parameters(q));
  CHECK(values_of(other) == values_of(q));
}

TEST_CASE("structure comes with the parameters", "[flow]") {
  // Another order and other degrees than this flow was made with.
  const auto source = make_flow<double>(normal<4> | iaf<6>.order({2, 0, 3, 1}), 3);
  auto set = named_parameters(source);
  for (auto& t : set.integers)
    if (t.name.ends_with("degrees.0")) t.values = {3, 1, 1, 2, 3, 1};
  auto q = make_flow<double>(normal<4> | iaf<6>, 4);
  set_named_parameters(q, set);
  CHECK(arn<0>(q).order() == std::vector{2, 0, 3, 1});
  CHECK(arn<0>(q).degrees().hidden[0] == std::vector{3, 1, 1, 2, 3, 1});
  // Units stay where they were: what the new structure allows is what was given.
  const auto again = named_parameters(q);
  const auto masks = arn<0>(q).dense();
  for (std::size_t i = 0; i < again.values.size(); ++i) {
    REQUIRE(again.values[i].name == set.values[i].name);
    if (!again.values[i].name.ends_with("weight")) {
      CHECK(again.values[i].values == set.values[i].values);
      continue;
    }
    const auto& mask = masks.layers[again.values[i].name.ends_with("0.weight") ? 0 : 1].mask;
    REQUIRE(mask.size() == again.values[i].values.size());
    for (std::size_t k = 0; k < mask.size(); ++k)
      REQUIRE(again.values[i].values[k] == (mask[k] ? set.values[i].values[k] : 0));
  }
}

TEST_CASE("words behind one whose structure changes keep their numbers", "[flow]") {
  auto q = make_flow<double>(normal<4> | iaf<6> | affine | iaf<20>, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto before = named_parameters(q);
  const std::size_t count = q.parameters().size();
  // Other connections take another room: everything behind them moves.
  auto wider = make_flow<double>(normal<4> | iaf<6>, 4);
  auto set = named_parameters(wider);
  for (auto& t : set.integers)
    if (t.name.ends_with("degrees.0")) t.values = {1, 1, 1, 1, 1, 1};
  set_named_parameters(wider, set);
  set_network<0>(q, arn<0>(q).order(), arn<0>(wider).dense());
  REQUIRE(q.parameters().size() != count);
  const auto after = named_parameters(q);
  int kept = 0;
  for (const auto& t : before.values)
    if (!t.name.starts_with("layers.0.")) {
      CAPTURE(t.name);
      CHECK(after.at(t.name, t.shape) == t.values);
      ++kept;
    }
  CHECK(kept == 5);
}

TEST_CASE("a network from elsewhere computes what it computed there", "[flow]") {
  // Random masks' worth of degrees, dense weights by variable.
  const std::vector<int> order{2, 0, 3, 1};
  const auto source = make_flow<double>(normal<4> | iaf<6>.order({2, 0, 3, 1}), 3);
  auto q = make_flow<double>(normal<4> | iaf<6>, 4);
  set_network<0>(q, order, arn<0>(source).dense());
  const auto x = testing::normal_values<double>(4, 9);
  CHECK(arn<0>(q)(x) == arn<0>(source)(x));
  CHECK(q.log_prob(xt::xtensor<double, 1>{x[0], x[1], x[2], x[3]}) ==
        source.log_prob(xt::xtensor<double, 1>{x[0], x[1], x[2], x[3]}));
}

TEST_CASE("a network's outputs stand by variable", "[flow]") {
  // Variable 2 is the first of the order: no input moves its (m, z), and every other's moves.
  const auto q = make_flow<double>(normal<4> | iaf<16>.order({2, 0, 3, 1}), 3);
  const auto at_zero = arn<0>(q)(std::vector<double>{0, 0, 0, 0});
  const auto elsewhere = arn<0>(q)(std::vector<double>{1, -2, 3, 0.5});
  REQUIRE(at_zero.size() == 2 * 4);
  for (std::size_t i = 0; i < at_zero.size(); ++i) {
    CAPTURE(i);
    CHECK((at_zero[i] == elsewhere[i]) == (i % 4 == 2));
  }
}

TEST_CASE("named parameters that do not fit are refused, and nothing is changed", "[flow]") {
  const auto good = named_parameters(perturbed<double>());
  auto q = make_flow<double>(expression, 4);
  const auto before = values_of(q);
  const auto find = [](auto& list, const std::string& name) -> auto& {
    return *std::find_if(list.begin(), list.end(), [&](auto& t) { return t.name == name; });
  };
  const auto refused = [&](const auto& set, const std::string& why) {
    CHECK_THROWS_WITH(set_named_parameters(q, set), Contains(why));
    CHECK_THROWS_AS(set_named_parameters(q, set), std::invalid_argument);
    CHECK(values_of(q) == before);
    CHECK(arn<0>(q).order() == std::vector{1, 2, 0});
  };
  SECTION("missing") {
    auto set = good;
    std::erase_if(set.values, [](auto& t) { return t.name == "layers.2.theta"; });
    refused(set, R"(load: tensor "layers.2.theta" is missing)");
  }
  SECTION("of another shape") {
    auto set = good;
    find(set.values, "layers.4.nn.layers.1.weight").shape = {4, 16};
    refused(set, R"(load: tensor "layers.4.nn.layers.1.weight": expected shape (16, 4), got (4, )"
                 "16)");
  }
  SECTION("of another length") {
    auto set = good;
    auto& bias = find(set.values, "layers.1.arn.layers.0.bias");
    bias.shape = {6};
    bias.values.resize(6);
    refused(set, R"(tensor "layers.1.arn.layers.0.bias": expected shape (7,), got (6,))");
  }
  SECTION("an order that repeats a variable") {
    auto set = good;
    find(set.integers, "layers.1.arn.order").values = {0, 0, 2};
    refused(set, "load: order: expected each of 0 to 2 once, got 0 at position 1");
  }
  SECTION("an order of another length") {
    auto set = good;
    find(set.integers, "layers.1.arn.order").values = {0, 1};
    refused(set, R"(load: "layers.1.arn.order": expected 3 entries, got 2)");
  }
  SECTION("degrees out of range") {
    for (const int degree : {9, 4, -1}) {
      auto set = good;
      find(set.integers, "layers.1.arn.degrees.0").values[2] = degree;
      refused(set, R"(load: "layers.1.arn.degrees.0": expected entries of 0 to 3, got )" +
                       std::to_string(degree));
    }
  }
}

TEST_CASE("what no connection owns cannot be set", "[flow]") {
  auto q = make_flow<float>(expression, 4);
  const auto owned = q.structure();
  q.set_parameters(std::vector<float>(owned.size(), 2));
  for (std::size_t i = 0; i < owned.size(); ++i) REQUIRE(q.parameters()[i] == (owned[i] ? 2 : 0));
  std::fill(q.parameters().begin(), q.parameters().end(), 3.0F);
  q.clear_padding(q.parameters());
  for (std::size_t i = 0; i < owned.size(); ++i) REQUIRE(q.parameters()[i] == (owned[i] ? 3 : 0));
}

TEST_CASE("entries that are always zero cannot be loaded, nor survive", "[flow]") {
  // Above the diagonals of their matrices.
  auto q = make_flow<double>(normal<3> | lower_triangular | sylvester, 4);
  const auto owned = q.structure();
  REQUIRE(std::count(owned.begin(), owned.end(), 1) < std::ssize(owned));
  auto set = named_parameters(q);
  for (auto& t : set.values) std::fill(t.values.begin(), t.values.end(), 0.5);
  set_named_parameters(q, set);
  for (std::size_t i = 0; i < owned.size(); ++i) REQUIRE(q.parameters()[i] == (owned[i] ? 0.5 : 0));
  long upper = 0;
  for (const auto& t : named_parameters(q).values)
    upper += std::count(t.values.begin(), t.values.end(), 0.0);
  CHECK(upper > 0);
  q.set_parameters(std::vector<double>(owned.size(), 2));
  for (std::size_t i = 0; i < owned.size(); ++i) REQUIRE(q.parameters()[i] == (owned[i] ? 2 : 0));
}

TEST_CASE("words that are alike begin with different parameters", "[flow]") {
  const auto set = named_parameters(make_flow<double>(normal<3> | iaf<5> | iaf<5>, 3));
  CHECK(set.at("layers.0.arn.layers.0.weight", {5, 3}) !=
        set.at("layers.1.arn.layers.0.weight", {5, 3}));
}
