/// \file
/// The boundary to xtensor: one event or a batch, containers, views and lazy expressions of any
/// layout and type give the bits of plain memory.

#include <algorithm>
#include <array>
#include <numeric>
#include <random>

#if __has_include(<xtensor/views/xview.hpp>)
#include <xtensor/containers/xadapt.hpp>
#include <xtensor/containers/xarray.hpp>
#include <xtensor/containers/xfixed.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xadapt.hpp>
#include <xtensor/xarray.hpp>
#include <xtensor/xfixed.hpp>
#include <xtensor/xview.hpp>
#endif

#include "check.hpp"

using namespace bijou;

namespace {

constexpr auto expression = normal<3> | iaf<7> | flip | on<1>(exp_map);
constexpr std::size_t n = 150; // two tiles and a rest

template <class T> auto perturbed_flow() {
  auto q = make_flow<T>(expression, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}

template <class T, xt::layout_type Layout = xt::layout_type::row_major>
xt::xtensor<T, 2, Layout> points() {
  const auto values = testing::uniform_values<T>(3 * n, 5, 0.1F, 2);
  xt::xtensor<T, 2, Layout> x(std::array<std::size_t, 2>{n, 3});
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t d = 0; d < 3; ++d) x(i, d) = values[3 * i + d];
  return x;
}

/// What plain memory gives for points().
template <class T> struct reference {
  using flow_type = decltype(perturbed_flow<T>());
  using batch = xt::xtensor<T, 2>;
  flow_type q = perturbed_flow<T>();
  batch x = points<T>();
  forward_result<batch, xt::xtensor<T, 1>> forward = q.forward(x);
  inverse_result<batch, xt::xtensor<T, 1>> inverse = q.inverse(x);
  xt::xtensor<T, 1> log_prob = q.log_prob(x);

  /// Any expression with the values of points().
  template <class X> void check(const X& y) const {
    CHECK((q.log_prob(y) == log_prob));
    const auto [to, log_det] = q.forward(y);
    CHECK((to == forward.y));
    CHECK((log_det == forward.log_det));
    CHECK((q.inverse(y).x == inverse.x));
  }
};

} // namespace

TEMPLATE_TEST_CASE("xtensor results are those of the calls on memory", "[flow]", float, double) {
  using T = TestType;
  const reference<T> r;
  auto ws = r.q.make_workspace();
  std::vector<T> y(3 * n), log_det(n), log_p(n);
  r.q.forward(rows_of(r.x.data(), n, 3), rows_of(y.data(), n, 3), log_det.data(), ws);
  r.q.log_prob(rows_of(r.x.data(), n, 3), log_p.data(), ws);
  CHECK(std::ranges::equal(r.forward.y, y));
  CHECK(std::ranges::equal(r.forward.log_det, log_det));
  CHECK(std::ranges::equal(r.log_prob, log_p));
  CHECK((r.forward.y.shape() == std::array<std::size_t, 2>{n, 3}));
  CHECK((r.log_prob.shape() == std::array<std::size_t, 1>{n}));
  CHECK((r.q.event_shape() == std::array<std::size_t, 1>{3}));
  CHECK(r.q.batch_shape().empty());
  CHECK((r.q.batch_log_pdf(r.x) == r.log_prob));
  CHECK((r.q.log_det_jacobian(r.x) == r.forward.log_det));
  double sum = 0;
  for (const T v : r.log_prob) sum += static_cast<double>(v);
  CHECK((r.q.log_pdf(r.x) == sum));
}

TEMPLATE_TEST_CASE("containers, views and lazy expressions", "[flow]", float, double) {
  using T = TestType;
  const reference<T> r;
  const auto& x = r.x;
  SECTION("column-major") { r.check(points<T, xt::layout_type::column_major>()); }
  SECTION("of dynamic rank") { r.check(xt::xarray<T>(x)); }
  SECTION("a transposed container") {
    const xt::xtensor<T, 2> turned = xt::transpose(x);
    r.check(xt::transpose(turned));
  }
  SECTION("memory of someone else") {
    std::vector<T> memory(x.begin(), x.end());
    r.check(xt::adapt(memory, std::array<std::size_t, 2>{n, 3}));
  }
  SECTION("views into larger arrays") {
    xt::xtensor<T, 2> large = xt::zeros<T>({2 * n + 1, std::size_t{7}});
    auto part = xt::view(large, xt::range(1, 2 * n + 1, 2), xt::range(1, 7, 2));
    part = x;
    r.check(part);
  }
  SECTION("a view that goes backwards") {
    const xt::xtensor<T, 2> reversed =
        xt::view(x, xt::range(static_cast<int>(n) - 1, xt::placeholders::_, -1), xt::all());
    r.check(
        xt::view(reversed, xt::range(static_cast<int>(n) - 1, xt::placeholders::_, -1), xt::all()));
  }
  SECTION("rows picked one by one") {
    std::vector<std::size_t> all(n);
    std::iota(all.begin(), all.end(), std::size_t{0});
    r.check(xt::view(x, xt::keep(all), xt::all()));
  }
  SECTION("lazy arithmetic") {
    const xt::xtensor<T, 2> half = x / T(2);
    r.check(half + half);
  }
  SECTION("the other type") {
    // Points are exact in float, so that nothing is lost on the way.
    using other = std::conditional_t<std::is_same_v<T, float>, double, float>;
    r.check(xt::xtensor<other, 2>(xt::cast<other>(x)));
    r.check(xt::cast<other>(x));
  }
}

TEMPLATE_TEST_CASE("values that are broadcast", "[flow]", float, double) {
  using T = TestType;
  const auto q = perturbed_flow<T>();
  const xt::xtensor<T, 2> same = xt::ones<T>({n, std::size_t{3}});
  const auto expected = q.log_prob(same);
  CHECK((q.log_prob(xt::ones<T>({n, std::size_t{3}})) == expected));
  const xt::xtensor<T, 1> row = xt::ones<T>({3});
  CHECK((q.log_prob(xt::broadcast(row, std::array<std::size_t, 2>{n, 3})) == expected));
  const xt::xtensor<int, 2> integers = xt::ones<int>({n, std::size_t{3}});
  CHECK((q.log_prob(integers) == expected));
}

TEMPLATE_TEST_CASE("rank 1 is one event", "[flow]", float, double) {
  using T = TestType;
  const reference<T> r;
  const auto check = [&](const auto& event) {
    static_assert(std::is_same_v<decltype(r.q.log_prob(event)), T>);
    CHECK((r.q.log_prob(event) == r.log_prob(7)));
    CHECK((r.q.log_pdf(event) == r.log_prob(7)));
    const auto [y, log_det] = r.q.forward(event);
    CHECK((y.dimension() == 1));
    CHECK((y == xt::view(r.forward.y, 7, xt::all())));
    CHECK((log_det == r.forward.log_det(7)));
    const auto back = r.q.inverse(event);
    CHECK((back.x == xt::view(r.inverse.x, 7, xt::all())));
    CHECK((back.log_det == r.inverse.log_det(7)));
  };
  check(xt::view(r.x, 7, xt::all()));
  check(xt::xtensor<T, 1>(xt::view(r.x, 7, xt::all())));
  check(xt::xtensor_fixed<T, xt::xshape<3>>(xt::view(r.x, 7, xt::all())));
  check(xt::view(r.x, 7, xt::all()) + T(0));
  const auto column = points<T, xt::layout_type::column_major>();
  check(xt::view(column, 7, xt::all())); // strided
  // Of an xarray only the value has a rank: one event is a batch of one.
  const auto p = r.q.log_prob(xt::xarray<T>(xt::view(r.x, 7, xt::all())));
  CHECK(p.size() == 1);
  CHECK(p(0) == r.log_prob(7));
  CHECK_THROWS_WITH(r.q.log_prob(xt::xarray<T>(xt::zeros<T>({2, 5, 3}))),
                    Catch::Contains("of shape (n, 3), got (2, 5, 3)"));
  // A batch of one stays a batch.
  CHECK((r.q.log_prob(xt::view(r.x, xt::range(7, 8), xt::all())).shape()[0] == 1));
  CHECK((r.q.log_prob(xt::view(r.x, xt::range(7, 8), xt::all()))(0) == r.log_prob(7)));
}

TEMPLATE_TEST_CASE("one variable: a column is a batch", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<1> | affine);
  const xt::xtensor<T, 2> column{{T(0.5)}, {T(-1)}, {T(2)}};
  const auto p = q.log_prob(column);
  REQUIRE((p.size() == 3));
  for (std::size_t i = 0; i < 3; ++i) CHECK((p(i) == q.log_prob(xt::xtensor<T, 1>{column(i, 0)})));
}

TEMPLATE_TEST_CASE("contexts: a row for each sample, or one for all", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<3> | given<2> | iaf<7>, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto x = points<T>();
  const xt::xtensor<T, 1> one{T(0.5), T(-2)};
  const xt::xtensor<T, 2> row{{T(0.5), T(-2)}};
  const xt::xtensor<T, 2> each = xt::broadcast(one, std::array<std::size_t, 2>{n, 2});
  const auto expected = q.log_prob(x, each);
  CHECK((q.log_prob(x, one) == expected));
  CHECK((q.log_prob(x, row) == expected));
  CHECK((q.log_prob(x, xt::broadcast(one, std::array<std::size_t, 2>{n, 2})) == expected));
  CHECK((q.log_prob(x, xt::xtensor<double, 2>(each)) == expected));
  CHECK((q.log_prob(x, one + T(1)) != expected));
  CHECK((q.log_prob(xt::view(x, 3, xt::all()), one) == expected(3)));
}

TEMPLATE_TEST_CASE("drawing with generators of the standard library", "[flow]", float, double) {
  using T = TestType;
  const auto q = perturbed_flow<T>();
  std::mt19937_64 a(5), b(5), c(6);
  const auto y = q.sample(a, n);
  CHECK((y == q.sample(b, n)));
  CHECK((a == b));
  CHECK((y != q.sample(c, n)));
  CHECK((y != q.sample(b, n))); // moved on
  const auto [z, log_q] = q.sample_and_log_prob(std::mt19937_64(5), n);
  CHECK((z == y));
  CHECK(xt::allclose(log_q, q.log_prob(z), 1e-4, 1e-4));
  philox stream{5};
  const auto first = q.sample(stream, 2);
  CHECK((stream.position() == 2));
  CHECK((xt::view(q.sample(philox{5}, n), xt::range(0, 2), xt::all()) == first));
}

TEMPLATE_TEST_CASE("noise that is given makes its samples", "[flow]", float, double) {
  using T = TestType;
  const reference<T> r;
  const auto [y, log_q] = r.q.sample_from(r.x);
  CHECK((y == r.forward.y));
  CHECK(xt::allclose(log_q, r.q.log_prob(y), 1e-4, 1e-4));
  const auto one = r.q.sample_from(xt::view(r.x, 7, xt::all()));
  CHECK((one.samples == xt::view(y, 7, xt::all())));
  CHECK((one.log_prob == log_q(7)));
}
