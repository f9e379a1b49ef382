/// \file
/// initialise_from(q, data): on the noise side of every diagonal_affine the data have mean 0 and
/// standard deviation 1, whatever stands between.

#include <bijou/bijou.hpp>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "../catch.hpp"

using namespace bijou;
using Catch::Matchers::Contains;

namespace {

template <class T> using batch = xt::xtensor<T, 2>;

/// Correlated and skewed numbers, far from 0, in units of their own.
template <class T> batch<T> make_data(std::size_t n, std::size_t columns, unsigned seed = 3) {
  std::mt19937 rng(seed);
  std::normal_distribution<double> normal;
  batch<T> x = xt::zeros<T>({n, columns});
  for (std::size_t i = 0; i < n; ++i) {
    const double shared = normal(rng);
    for (std::size_t d = 0; d < columns; ++d)
      x(i, d) = static_cast<T>(
          std::pow(10.0, static_cast<double>(d)) *
          (5 + shared + 0.5 * normal(rng) + 0.1 * shared * shared * static_cast<double>(d)));
  }
  return x;
}

struct moments {
  long double mean = 0, deviation = 0;
};
template <class X> moments moments_of(const X& x, std::size_t column) {
  const std::size_t n = x.shape()[0];
  moments m;
  for (std::size_t i = 0; i < n; ++i) m.mean += static_cast<long double>(x(i, column)) / n;
  for (std::size_t i = 0; i < n; ++i) {
    const long double d = x(i, column) - m.mean;
    m.deviation += d * d / n;
  }
  m.deviation = std::sqrt(m.deviation);
  return m;
}
template <class T, class X> void check_standard(const X& x, std::size_t column) {
  INFO("column " << column);
  const double tolerance = 64 * std::numeric_limits<T>::epsilon();
  const moments m = moments_of(x, column);
  CHECK(std::abs(static_cast<double>(m.mean)) <= tolerance);
  CHECK(static_cast<double>(m.deviation) == Approx(1).epsilon(tolerance));
}

/// Weights that are not those of an identity, and numbers that initialise_from has to forget.
template <class Flow> void perturb(Flow& q) {
  using T = typename Flow::value_type;
  std::mt19937 rng(9);
  std::normal_distribution<double> normal(0, 0.4);
  std::vector<T> parameters(q.parameters().begin(), q.parameters().end());
  for (T& v : parameters) v += static_cast<T>(normal(rng));
  q.set_parameters(parameters);
}

template <class Flow> auto values_of(const Flow& q, const std::string& name, std::size_t rows) {
  return named_parameters(q).at(name, {rows, static_cast<std::size_t>(Flow::size)});
}
template <class Flow, class Values>
void set_values(Flow& q, const std::string& name, const Values& values) {
  auto set = named_parameters(q);
  for (auto& tensor : set.values)
    if (tensor.name == name) tensor.values = values;
  set_named_parameters(q, set);
}

} // namespace

TEMPLATE_TEST_CASE("initialise_from: a network and other words between two diagonal_affine",
                   "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(
      normal<3> | diagonal_affine | maf<12> | flip | diagonal_affine | affine | on<0>(exp_map), 5);
  perturb(q);
  const auto before = named_parameters(q);
  const std::size_t n = 1001; // no whole number of tiles
  const auto data = make_data<T>(n, 3);
  initialise_from(q, data);

  check_standard<T>(q.inverse(data).x, 0); // what leaves the first word is the noise of the flow
  check_standard<T>(q.inverse(data).x, 1);
  check_standard<T>(q.inverse(data).x, 2);
  // What leaves the second one is the noise of a flow that begins with it.
  auto behind = make_flow<T>(normal<3> | diagonal_affine | affine | on<0>(exp_map));
  set_values(behind, "layers.0.theta", values_of(q, "layers.3.theta", 2));
  set_values(behind, "layers.1.theta", values_of(q, "layers.4.theta", 2));
  const auto noise = behind.inverse(data).x;
  for (std::size_t d = 0; d < 3; ++d) check_standard<T>(noise, d);

  // Nothing else has moved.
  for (const auto& tensor : named_parameters(q).values) {
    INFO(tensor.name);
    const bool is_set = tensor.name == "layers.0.theta" || tensor.name == "layers.3.theta";
    bool same = false;
    for (const auto& other : before.values)
      if (other.name == tensor.name) same = other.values == tensor.values;
    CHECK(same == !is_set);
  }
}

TEMPLATE_TEST_CASE("initialise_from: the numbers are the data's mean and standard deviation",
                   "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<2> | diagonal_affine);
  perturb(q);
  const auto data = make_data<T>(300, 2);
  initialise_from(q, data);
  const auto theta = values_of(q, "layers.0.theta", 2);
  for (std::size_t d = 0; d < 2; ++d) {
    const moments m = moments_of(data, d);
    const double eps = std::numeric_limits<T>::epsilon();
    CHECK(theta[d] == Approx(static_cast<double>(m.mean)).epsilon(eps));
    CHECK(theta[2 + d] == Approx(static_cast<double>(m.deviation)).epsilon(eps));
  }
}

TEMPLATE_TEST_CASE("initialise_from: words turned round, fixed, on some variables, fused", "[flow]",
                   float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<3> | on<0, 2>(diagonal_affine) | flip |
                        inverse(diagonal_affine.fixed()) | additive);
  perturb(q);
  const auto additive_before = values_of(q, "layers.3.theta", 1);
  const auto data = make_data<T>(200, 3);
  initialise_from(q, data);
  const auto noise = q.inverse(data).x;
  for (std::size_t d = 0; d < 3; ++d) check_standard<T>(noise, d);
  CHECK(values_of(q, "layers.3.theta", 1) == additive_before);
  // The first word finds its work done.
  const auto first = values_of(q, "layers.0.theta", 2);
  for (const std::size_t d : {0U, 2U}) {
    CHECK(first[d] == Approx(0).margin(64 * std::numeric_limits<T>::epsilon()));
    CHECK(first[3 + d] == Approx(1).epsilon(64 * std::numeric_limits<T>::epsilon()));
  }
  CHECK(first[1] == 0); // not of this word
}

TEMPLATE_TEST_CASE("initialise_from: contexts, a row for each sample and one for all", "[flow]",
                   float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<2> | given<1> | diagonal_affine | maf<8> | diagonal_affine, 4);
  perturb(q);
  const auto data = make_data<T>(150, 2), contexts = make_data<T>(150, 1, 8);
  const auto check = [&](const auto& context) {
    auto changed = q;
    initialise_from(changed, data, context);
    const auto noise = changed.inverse(data, context).x;
    check_standard<T>(noise, 0);
    check_standard<T>(noise, 1);
    return values_of(changed, "layers.1.theta", 2);
  };
  xt::xtensor<T, 1> one{T(0.5)};
  batch<T> same = xt::zeros<T>({std::size_t{150}, std::size_t{1}});
  for (T& v : same) v = T(0.5);
  CHECK(check(contexts) != check(one));
  CHECK(check(one) == check(same)); // to the bit
}

TEMPLATE_TEST_CASE("initialise_from: constant variables, and a single sample", "[flow]", float,
                   double) {
  using T = TestType;
  auto q = make_flow<T>(normal<2> | diagonal_affine);
  auto data = make_data<T>(50, 2);
  for (std::size_t i = 0; i < 50; ++i) data(i, 1) = T(-0.1);
  initialise_from(q, data);
  CHECK(values_of(q, "layers.0.theta", 2)[1] == T(-0.1));
  CHECK(values_of(q, "layers.0.theta", 2)[3] == 1);
  const auto noise = q.inverse(data).x;
  check_standard<T>(noise, 0);
  for (std::size_t i = 0; i < 50; ++i) CHECK(noise(i, 1) == 0);

  auto turned = make_flow<T>(normal<2> | inverse(diagonal_affine));
  const batch<T> one{{T(3), T(1e20)}};
  initialise_from(turned, one);
  CHECK(values_of(turned, "layers.0.theta", 2) == std::vector<T>{-3, T(-1e20), 1, 1});
  CHECK(turned.inverse(one).x(0, 1) == 0);
}

TEMPLATE_TEST_CASE("initialise_from: the same bits again, and from memory with strides", "[flow]",
                   float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<2> | diagonal_affine | iaf<8> | diagonal_affine, 6);
  perturb(q);
  const auto data = make_data<T>(777, 2);
  auto first = q, again = q, strided = q;
  initialise_from(first, data);
  initialise_from(again, data);
  initialise_from(again, data); // what the words held before does not matter
  std::vector<T> columns(2 * 777);
  for (std::size_t i = 0; i < 777; ++i)
    for (std::size_t d = 0; d < 2; ++d) columns[d * 777 + i] = data(i, d);
  initialise_from(strided, batch_view<const T>{columns.data(), 777, 1, 777});
  const auto bits = [](const auto& f) {
    return std::vector<T>(f.parameters().begin(), f.parameters().end());
  };
  CHECK(bits(again) == bits(first));
  CHECK(bits(strided) == bits(first));
  CHECK(bits(first) != bits(q));
  // A bijector has no base, and words all the same.
  auto f = make_bijector<T, 2>(diagonal_affine | iaf<8> | diagonal_affine, 6);
  f.set_parameters(q.parameters());
  initialise_from(f, data);
  CHECK(bits(f) == bits(first));
}

TEST_CASE("initialise_from refuses data that give no mean, and leaves the flow as it was",
          "[flow]") {
  auto q = make_flow<float>(normal<2> | diagonal_affine | iaf<8> | diagonal_affine | exp_map);
  perturb(q);
  const std::vector<float> before(q.parameters().begin(), q.parameters().end());
  const auto refuses = [&](const batch<float>& data, const auto& sentence) {
    CHECK_THROWS_WITH(initialise_from(q, data), sentence);
    CHECK_THROWS_AS(initialise_from(q, data), std::invalid_argument);
    CHECK(std::vector<float>(q.parameters().begin(), q.parameters().end()) == before);
  };
  const float nan = std::nanf(""), inf = std::numeric_limits<float>::infinity();
  refuses(xt::zeros<float>({0, 2}), Contains("initialise_from: expected samples, got none"));
  refuses({{1, 2}, {3, nan}}, Contains("expected finite data, got nan in row 1, column 1"));
  refuses({{inf, 2}, {3, 4}}, Contains("expected finite data, got inf in row 0, column 0"));
  refuses({{1, 2, 3}}, Contains("expected data of shape (n, 2), got (1, 3)"));
  // Outside the support: log(-4) is what the last diagonal_affine would see.
  refuses({{1, 2}, {3, -4}}, Contains("on the way there, before a diagonal_affine, row 1 has "
                                      "become"));

  auto line = make_flow<float>(normal<1> | diagonal_affine);
  const batch<float> tiny{{1e-44F}, {3e-44F}};
  CHECK_THROWS_WITH(initialise_from(line, tiny), Contains("scale the data"));

  auto conditional = make_flow<double>(normal<1> | given<1> | diagonal_affine | maf<4>);
  const batch<double> data{{1.0}, {2.0}, {4.0}};
  CHECK_THROWS_WITH(initialise_from(conditional, data, batch<double>{{1.0}, {2.0}}),
                    Contains("initialise_from: expected one row of context for each of 3"));
  CHECK_THROWS_WITH(initialise_from(conditional, data, batch<double>{{1.0}, {std::nan("")}, {2.0}}),
                    Contains("expected contexts without NaN, got one for row 1"));
}

TEST_CASE("initialise_from: a sample beyond the range of networks is none to count with",
          "[flow]") {
  auto q = make_flow<float>(normal<2> | diagonal_affine | iaf<8>);
  const batch<float> data{{1, 2}, {3, 4}, {1e25F, 5}};
  CHECK_THROWS_WITH(initialise_from(q, data), Contains("row 2 has become inf"));
}
