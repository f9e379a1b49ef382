/// \file
/// Degrees of networks, number by number, and those that no network can have.

#include <bijou/networks/degrees.hpp>
#include <bijou/networks/degrees_from_masks.hpp>
#include <bijou/networks/dense_network.hpp>
#include <bijou/networks/network_plan.hpp>

#include <array>
#include <span>
#include <stdexcept>
#include <vector>

#include "../catch.hpp"

using namespace bijou;
using Catch::Contains;
using layers = std::vector<std::vector<int>>;

TEST_CASE("degrees of an autoregressive network", "[network]") {
  const auto a = autoregressive_degrees(3, 0, std::array{4, 5});
  CHECK(a.inputs == std::vector{1, 2, 3});
  CHECK(a.outputs == std::vector{1, 2, 3});
  CHECK(a.hidden == layers{{1, 1, 2, 2}, {1, 1, 1, 2, 2}});
  // A unit that sees the context alone is worth having.
  CHECK(autoregressive_degrees(3, 2, std::array{4, 6}).hidden ==
        layers{{0, 0, 1, 2}, {0, 0, 1, 1, 2, 2}});
  CHECK(autoregressive_degrees(5, 0, std::array{4}, 2).inputs == std::vector{1, 1, 2, 2, 3});
  CHECK(autoregressive_degrees(5, 0, std::array{4}, 2).hidden == layers{{1, 1, 2, 2}});
  CHECK(autoregressive_degrees(3, 0, std::array{2}, 3).hidden == layers{{0, 0}});
  CHECK(autoregressive_degrees(1, 0, std::array{3}).hidden == layers{{0, 0, 0}});
  CHECK(autoregressive_degrees(1, 2, std::array{3}).hidden == layers{{0, 0, 0}});
  // Fewer units than variables.
  CHECK(autoregressive_degrees(9, 0, std::array{4}).hidden == layers{{1, 3, 5, 7}});
}

TEST_CASE("degrees stand together in eights where there are enough units", "[network]") {
  std::vector<int> eights;
  for (int degree = 1; degree <= 3; ++degree) eights.insert(eights.end(), 8, degree);
  CHECK(autoregressive_degrees(4, 0, std::array{24}).hidden == layers{eights});
  // One unit fewer, and they are spread evenly: 8, 8 and 7.
  eights.pop_back();
  CHECK(autoregressive_degrees(4, 0, std::array{23}).hidden == layers{eights});
  // 28 are four eights for three degrees: the first has two of them.
  std::vector<int> more(16, 1);
  more.insert(more.end(), 8, 2);
  more.insert(more.end(), 4, 3);
  CHECK(autoregressive_degrees(4, 0, std::array{28}).hidden == layers{more});
}

TEST_CASE("degrees as Pyro gives them", "[network]") {
  // torch.round(torch.linspace(1, 4, 7)), and with a context one less.
  CHECK(linspace_degrees(5, 0, std::array{7}).hidden == layers{{1, 2, 2, 2, 3, 4, 4}});
  CHECK(linspace_degrees(4, 1, std::array{7}).hidden == layers{{0, 1, 1, 1, 2, 3, 3}});
  CHECK(linspace_degrees(4, 0, std::array{3, 5}).hidden == layers{{1, 2, 3}, {1, 2, 2, 2, 3}});
  CHECK(linspace_degrees(3, 0, std::array{3}).hidden == layers{{1, 2, 2}}); // 1.5 goes to even
  CHECK(linspace_degrees(5, 0, std::array{3}).inputs == std::vector{1, 2, 3, 4, 5});
}

TEST_CASE("degrees of a coupling", "[network]") {
  const auto a = coupling_degrees(2, 3, 1, std::array{4});
  CHECK(a.context == 1);
  CHECK(a.inputs == std::vector{1, 1});
  CHECK(a.hidden == layers{{1, 1, 1, 1}});
  CHECK(a.outputs == std::vector{2, 2, 2});
}

TEST_CASE("degrees that no network has are refused", "[network]") {
  const auto good = autoregressive_degrees(3, 0, std::array{8});
  CHECK_NOTHROW(network_plan(good, 2, false));
  const auto refused = [&](auto change, const char* why) {
    degree_assignment a = good;
    change(a);
    CHECK_THROWS_WITH(network_plan(a, 2, false), Contains(why));
    CHECK_THROWS_AS(network_plan(a, 2, false), std::invalid_argument);
  };
  refused([](auto& a) { a.inputs.front() = -1; }, "expected degrees >= 0");
  refused([](auto& a) { a.outputs.front() = -1; }, "expected degrees >= 0");
  refused([](auto& a) { a.hidden[0].back() = -1; }, "expected degrees >= 0");
  refused([](auto& a) { a.inputs = {2, 1, 3}; }, "ascending");
  refused([](auto& a) { a.outputs = {2, 1, 3}; }, "ascending");
  refused([](auto& a) { a.hidden.clear(); }, "at least one hidden layer");
}

TEST_CASE("dense networks of another shape are refused, by every length", "[network]") {
  const network_plan plan(autoregressive_degrees(3, 0, std::array{8}), 2, true);
  const auto shape = detail::empty_dense_network<double>(plan);
  CHECK_NOTHROW(detail::expect_same_shape(shape, shape));
  const auto refused = [&](auto change, const char* what) {
    auto other = shape;
    change(other);
    CHECK_THROWS_WITH(detail::expect_same_shape(shape, other), Contains(what));
  };
  refused([](auto& n) { n.layers.pop_back(); }, "layers of shape (2, 1), got (1, 1)");
  refused([](auto& n) { n.skip.reset(); }, "skip connections of shape (1, 1), got (0, 1)");
  refused([](auto& n) { n.layers[0].rows = 7; }, "a weight of shape (8, 3), got (7, 3)");
  refused([](auto& n) { n.layers[1].cols = 9; }, "a weight of shape (6, 8), got (6, 9)");
  refused([](auto& n) { n.layers[0].weight.pop_back(); }, "weight entries of shape (24, 1)");
  refused([](auto& n) { n.layers[1].bias.push_back(0); }, "biases of shape (6, 1), got (7, 1)");
  refused([](auto& n) { n.skip->bias.push_back(0); }, "biases of shape (0, 1), got (1, 1)");
}

TEST_CASE("widths that are fixed are checked", "[network]") {
  const auto a = autoregressive_degrees(3, 0, std::array{8, 9});
  const auto shape = [](std::span<const int> widths) { return coupling_degrees(2, 1, 0, widths); };
  CHECK_NOTHROW(expect_same_widths(shape(std::array{8, 9}), a));
  CHECK_THROWS_WITH(expect_same_widths(shape(std::array{8, 8}), a),
                    Contains("expected degrees of hidden layers of 8 8 units, got 8 9"));
  CHECK_THROWS_WITH(expect_same_widths(shape(std::array{8}), a), Contains("of 8 units, got 8 9"));
}

TEST_CASE("degrees are read off masks", "[network]") {
  // Another order of units than ascending, two and three hidden layers, with a skip connection.
  degree_assignment a = autoregressive_degrees(4, 2, std::array{5, 6});
  a.hidden = {{3, 0, 1, 2, 1}, {2, 3, 0, 1, 3, 2}};
  for (const bool deep : {false, true}) {
    if (deep) a.hidden.insert(a.hidden.begin() + 1, {1, 0, 3, 2});
    const auto net = detail::empty_dense_network<double>(network_plan(a, 2, true));
    const degree_assignment read = degrees_from_masks(net, 2, 2);
    CHECK(read.context == 2);
    CHECK(read.inputs == a.inputs);
    CHECK(read.hidden == a.hidden);
    CHECK(read.outputs == a.outputs);
    const auto refused = [&](auto change, const char* why) {
      auto other = net;
      change(other);
      CHECK_THROWS_WITH(degrees_from_masks(other, 2, 2), Contains(why));
    };
    // The first variable's outputs would see the last variable.
    refused([](auto& n) { n.skip->mask[5] = 1; }, "the skip connection is not autoregressive");
    refused([](auto& n) { n.layers.back().mask[0] = 1; }, "is not autoregressive");
  }
}
