/// \file
/// inverse(...): of words, of chains, of itself. Its values are those of the word's own inverse.

#include "../flow/check.hpp"

using namespace bijou;
using bijou::testing::check_double;

namespace {

constexpr auto words = affine | iaf<7> | flip | autoregressive<7>(affine).order({1, 2, 0}) | affine;

/// The type of what an expression is made of.
template <class A, class B> constexpr bool same(const A&, const B&) { return std::is_same_v<A, B>; }

} // namespace

// As types: nothing is left of a word that was turned twice.
static_assert(same(inverse(inverse(iaf<7>)), iaf<7>));
static_assert(same(inverse(maf<7>), autoregressive<7>(affine)));
static_assert(same(inverse(inverse(exp_map)), exp_map));
static_assert(same(inverse(flip), flip));
static_assert(same(inverse(iaf<7> | flip), flip | inverse(iaf<7>)));
static_assert(same(inverse(inverse(words)), words));
static_assert(!same(inverse(words), words));

TEST_CASE("an inverted chain: maps, log-dets, gradients", "[bijectors]") {
  check_double(normal<3> | inverse(words));
}

TEMPLATE_TEST_CASE("an inverted chain maps forward as the chain maps back, to the bit",
                   "[bijectors]", float, double) {
  using T = TestType;
  auto f = make_bijector<T, 3>(words, 1);
  testing::perturb(f.parameters(), f.structure(), 17);
  auto g = make_bijector<T, 3>(inverse(words), 2);
  // Word i of the chain is word 4 - i of its inverse.
  tensor_set<T> turned;
  const auto name_after = [](std::string name) {
    name[7] = static_cast<char>('0' + ('4' - name[7])); // "layers.1.arn..."
    return name;
  };
  const auto straight = named_parameters(f);
  for (const auto& t : straight.values) turned.add(name_after(t.name), t.shape, t.values);
  for (const auto& t : straight.integers) turned.add_integers(name_after(t.name), t.values);
  set_named_parameters(g, turned);

  const auto values = testing::normal_values<T>(3 * 150, 5);
  xt::xtensor<T, 2> x(std::array<std::size_t, 2>{150, 3});
  std::copy(values.begin(), values.end(), x.begin());
  const auto [y, log_det] = f.inverse(x);
  const auto [z, log_det_z] = g.forward(x);
  CHECK((y == z));
  // Rows of a tile lie in another order, so that sums over them are rounded differently.
  for (std::size_t i = 0; i < 150; ++i) CHECK(testing::is_close<T>(log_det(i), log_det_z(i)));
  CHECK((f.forward(x).y == g.inverse(x).x));
}
