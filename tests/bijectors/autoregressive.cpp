/// \file
/// Autoregressive words: every size from one variable up, widths below and beside it, orders, skip
/// connections, activations, contexts.

#include <array>
#include <stdexcept>
#include <string>

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;
using Catch::Matchers::Contains;

// Seven units: more than one variable, fewer than nine, and no multiple of either; one network for
// all, so that only the event size is compiled anew.
TEST_CASE("iaf of one variable", "[bijectors]") { check_double(normal<1> | iaf<7>); }
TEST_CASE("iaf of two variables", "[bijectors]") { check_double(normal<2> | iaf<7>); }
TEST_CASE("iaf in another order", "[bijectors]") {
  check_double(normal<3> | iaf<7>.order({2, 0, 1}));
}
TEST_CASE("iaf with fewer units than variables", "[bijectors]") {
  check_double(normal<9> | iaf<7>.order({8, 0, 7, 1, 6, 2, 5, 3, 4}));
}
TEST_CASE("iaf of so many variables that a product of their slopes is no number", "[bijectors]") {
  // Gates of sigmoid(0): a fresh flow halves every variable, and float ends at 2^128.
  const auto f = testing::make_subject<float, testing::wants::evaluation>(
      normal<200> | iaf<4>.sigmoid_bias(0), 0);
  const auto y = f.forward(f.noise(3, 1), {});
  for (const float l : y.log_det) CHECK(l == Approx(-200 * std::log(2.0)).epsilon(0.02));
  const auto x = f.inverse(y.values, {});
  for (const float l : x.log_det) CHECK(l == Approx(200 * std::log(2.0)).epsilon(0.02));
}

TEST_CASE("iaf with a context and a skip connection", "[bijectors]") {
  check_double(normal<3> | given<2> | iaf<7>.skip().order({1, 2, 0}));
}
TEST_CASE("maf of three hidden layers", "[bijectors]") {
  check_double(normal<4> | maf<6, 5, 9>.activation(activations::tanh).skip());
}
TEST_CASE("maf of one variable with a context", "[bijectors]") {
  check_double(normal<1> | given<3> | maf<6, 5, 9>.activation(activations::tanh));
}

TEST_CASE("an order that is known at run time", "[bijectors]") {
  const std::vector<int> order{2, 0, 1};
  const auto f = testing::make_subject<double>(normal<3> | iaf<7>.order({2, 0, 1}));
  const auto g = testing::make_subject<double>(normal<3> | iaf<7>.order(order));
  CHECK(g.text == f.text);
  const auto x = f.noise(5, 1);
  CHECK(g.forward(x, {}).values == f.forward(x, {}).values);
}

TEST_CASE("the seed of a word is its own", "[bijectors]") {
  const auto parameters = [](const auto& e, std::uint64_t seed) {
    const auto q = make_flow<double>(e, seed);
    return std::vector<double>(q.parameters().begin(), q.parameters().end());
  };
  CHECK(parameters(normal<3> | iaf<7>.seed(3), 1) == parameters(normal<3> | iaf<7>.seed(3), 2));
  CHECK(parameters(normal<3> | iaf<7>.seed(3), 1) != parameters(normal<3> | iaf<7>.seed(4), 1));
  // Of two words the seed is the one's that has it, the skip connection or not.
  const auto seeded = [&](std::uint64_t seed, const auto& e) {
    auto p = parameters(e, seed);
    p.resize(p.size() / 2); // of the first word
    return p;
  };
  CHECK(seeded(1, normal<3> | iaf<7>.seed(3) | iaf<7>) ==
        seeded(2, normal<3> | iaf<7>.seed(3) | iaf<7>));
  CHECK(seeded(1, normal<3> | iaf<7>.seed(3).skip() | iaf<7>.skip()) ==
        seeded(2, normal<3> | iaf<7>.seed(3).skip() | iaf<7>.skip()));
  CHECK(seeded(1, normal<3> | iaf<7> | iaf<7>.seed(3)) !=
        seeded(2, normal<3> | iaf<7> | iaf<7>.seed(3)));
  CHECK(parameters(normal<3> | iaf<7>, 1) != parameters(normal<3> | iaf<7>, 2));
  CHECK(parameters(normal<3> | iaf<7>, 1) == parameters(normal<3> | iaf<7>, 1));
}

TEST_CASE("groups: a sweep over groups of variables", "[bijectors]") {
  check_double(normal<5> | given<1> | maf<8>.groups(2) | flip |
               iaf<6, 7>.order({2, 0, 4, 1, 3}).groups(3).skip());
}
TEST_CASE("groups: variables of a group know nothing of each other", "[bijectors]") {
  constexpr int D = 5;
  constexpr std::array<int, D> order{2, 0, 4, 1, 3};
  constexpr std::array<int, D> group{0, 1, 0, 2, 1}; // of each variable: (2, 0), (4, 1), (3)
  const auto f = testing::make_subject<double>(normal<D> | iaf<16>.order(order).groups(3), 1);
  const auto x = f.noise(1, 1);
  const auto y = f.forward(x, {}).values;
  for (std::size_t j = 0; j < D; ++j) {
    auto moved = x;
    moved[j] += 0.5;
    const auto then = f.forward(moved, {}).values;
    for (std::size_t i = 0; i < D; ++i) {
      CAPTURE(i, j);
      CHECK((then[i] != y[i]) == (i == j || group.at(j) < group.at(i)));
    }
  }
}
TEST_CASE("groups: as many as variables are the word without, one needs no network",
          "[bijectors]") {
  const auto each = make_flow<double>(normal<4> | maf<8>.groups(4), 2);
  const auto plain = make_flow<double>(normal<4> | maf<8>, 2);
  const xt::xtensor<double, 2> y{{0.5, -1, 2, 0.1}};
  CHECK(each.log_prob(y)(0) == plain.log_prob(y)(0));
  const auto f = testing::make_subject<double>(normal<3> | maf<8>.groups(1), 1);
  check_double(f, {});
}
TEST_CASE("groups: networks go out and come back", "[bijectors]") {
  auto q = make_flow<double>(normal<5> | maf<8, 6>.groups(2), 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  auto other = make_flow<double>(normal<5> | maf<8, 6>.groups(2), 4);
  set_network<0>(other, arn<0>(q).order(), arn<0>(q).dense());
  auto third = make_flow<double>(normal<5> | maf<8, 6>.groups(2), 5);
  set_named_parameters(third, named_parameters(q));
  const xt::xtensor<double, 2> y{{0.5, -1, 2, 0.1, 1}};
  CHECK(other.log_prob(y)(0) == q.log_prob(y)(0));
  CHECK(third.log_prob(y)(0) == q.log_prob(y)(0));
  // Masks in which every variable has a step of its own are of another word.
  const auto full = make_flow<double>(normal<5> | maf<8, 6>, 3);
  CHECK_THROWS_AS(set_network<0>(other, arn<0>(full).order(), arn<0>(full).dense()),
                  std::invalid_argument);
}
TEST_CASE("groups: texts and refusals", "[bijectors]") {
  CHECK(maf<8>.groups(2).skip().text() == "maf<8>.groups(2).skip()");
  CHECK(iaf<8>.groups(2).order({1, 0}).text() == "iaf<8>.order({1, 0}).groups(2)");
  for (const int n : {0, 4, -1})
    CHECK_THROWS_WITH(make_flow<double>(normal<3> | maf<8>.groups(n)),
                      Contains("expected 1 to 3 groups of variables, got " + std::to_string(n)));
}
