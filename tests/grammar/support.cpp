// Event size and support flow through an expression from left to right.
#include <bijou/bijou.hpp>

#include <array>
#include <string_view>

#include "../catch.hpp"

using namespace bijou;

namespace {

template <class E> constexpr auto after(const E&) { return place_after<E>::value; }
template <class... K> constexpr std::array<kind, sizeof...(K)> supports(K... k) { return {k...}; }
constexpr kind line = kind::line, positive = kind::positive, unit = kind::unit;

static_assert(after(normal<3>).support == supports(line, line, line));
static_assert(after(uniform<2>).support == supports(unit, unit));
static_assert(after(normal<2> | exp_map).support == supports(positive, positive));
static_assert(after(normal<2> | softplus_map).is_all(positive));
static_assert(after(normal<2> | sigmoid_map).is_all(unit));
static_assert(after(normal<2> | tanh_map).is_all(kind::symmetric));
static_assert(after(normal<2> | leaky_relu_map() | arctan_map).is_all(unit));
static_assert(after(normal<2> | interval_map(-1, 3)).is_all(kind::interval));
static_assert(after(normal<2> | softclip_map(5)).is_all(kind::interval));
static_assert(after(normal<2> | elu_map).is_all(kind::interval));
static_assert(after(normal<2> | leaky_tanh_map(3) | signed_power_map(3) | gumbel_map).is_all(unit));
static_assert(after(normal<2> | exp_map | power_map(-1)).is_all(positive));
static_assert(after(uniform<2> | inverse(sigmoid_map)).is_all(line));
static_assert(after(normal<2> | exp_map | inverse(softplus_map) | iaf<8>).is_all(line));
// Rows.
static_assert(after(normal<3> | on<1>(exp_map)).support == supports(line, positive, line));
static_assert(after(normal<3> | on<0, 2>(sigmoid_map) | on<1>(exp_map)).support ==
              supports(unit, positive, unit));
static_assert(after(normal<3> | on<1>(exp_map) | inverse(on<1>(exp_map)) | maf<8>).is_all(line));
static_assert(after(normal<3> | inverse(inverse(on<1>(exp_map)))).support ==
              supports(line, positive, line));
// A flip takes the supports along.
static_assert(after(normal<3> | on<0>(exp_map) | flip).support == supports(line, line, positive));
static_assert(after(normal<3> | on<0>(exp_map) | flip | on<2>(inverse(exp_map))).is_all(line));
// Learned words keep support and size; the context is counted apart.
static_assert(after(uniform<4> | coupling<8>(rational_quadratic<4>.unit_box())).is_all(unit));
static_assert(after(normal<5> | given<3> | iaf<8>).size == 5);
static_assert(after(normal<5> | given<3> | iaf<8>).context == 3);
static_assert(after(normal<5> | iaf<8>).context == 0);
static_assert(after(normal<5> | (given<3> | iaf<8> | flip)).words == 3);

// Words that messages and `describe` use.
constexpr std::string_view name(kind k) { return to_string(k); }
static_assert(name(line) == "line" && name(positive) == "positive" && name(unit) == "unit");
static_assert(name(kind::symmetric) == "(-1, 1)" && name(kind::interval) == "interval");

// Why a word does not fit a place.
template <class W, int D> constexpr misfit why(const W&, const place<D>& p) {
  return W::template fits<D>(p);
}
static_assert(why(given<2>, after(normal<3>)) == misfit::none);
static_assert(why(given<2>, after(normal<3> | flip)) == misfit::given);
static_assert(why(given<2>, after(normal<3> | given<1>)) == misfit::given);
static_assert(why(coupling<4>(affine), after(normal<2>)) == misfit::none);
static_assert(why(coupling<4>(affine), after(normal<1>)) == misfit::few);
static_assert(why(iaf<4>.order({1, 0}), after(normal<3>)) == misfit::size);
static_assert(why(iaf<4>, after(normal<3> | on<2>(exp_map))) == misfit::support);
static_assert(why(shuffle(7), after(normal<3> | on<2>(exp_map))) == misfit::mixed);
static_assert(why(shuffle(7), after(normal<3> | exp_map)) == misfit::none);
static_assert(!after(normal<3> | on<2>(exp_map)).is_uniform());
static_assert(after(normal<3> | exp_map).is_uniform());

// A user's function says between which sets it maps.
struct reciprocal {
  static constexpr auto domain = kind::positive, image = kind::positive;
  template <class X> X forward(X x) const { return X(1) / x; }
  template <class X> X inverse(X y) const { return X(1) / y; }
  template <class X> X log_abs_slope(X x) const { return X(-2) * math::log(x); }
};
static_assert(after(normal<2> | exp_map | elementwise(reciprocal{})).is_all(positive));

} // namespace

TEST_CASE("a bijector starts on the support that its words ask for", "[grammar]") {
  const auto start = [](const auto& f) {
    using expression_type = typename std::remove_cvref_t<decltype(f)>::expression_type;
    return base_of<expression_type>::at;
  };
  CHECK(start(make_bijector<double, 2>(iaf<8> | exp_map)).is_all(line));
  CHECK(start(make_bijector<double, 2>(inverse(exp_map) | iaf<8>)).is_all(positive));
  CHECK(start(make_bijector<double, 2>(inverse(sigmoid_map))).is_all(unit));
  CHECK(start(make_bijector<double, 2>(inverse(tanh_map))).is_all(kind::symmetric));
  CHECK(start(make_bijector<double, 2>(inverse(interval_map(0, 2)))).is_all(kind::interval));
  CHECK(
      start(make_bijector<double, 2>(coupling<8>(rational_quadratic<4>.unit_box()))).is_all(unit));
}
