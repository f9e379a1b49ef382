/// \file
/// Roots and triangular matrices in reverse mode by scope: values against residuals, cotangents
/// against central differences.

#include <bijou/reverse/output.hpp>
#include <bijou/reverse/reflections.hpp>
#include <bijou/reverse/roots.hpp>
#include <bijou/reverse/triangles.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using testing::worse;

namespace {

using P = simd::pack<double>;
template <class T> using pack = simd::pack<T>;

/// z + k tanh z = c, k > 0: the root lies between c - k and c + k.
struct bent {
  template <class Z, class K, class C> auto operator()(Z z, K k, C c) const {
    using math::tanh;
    return z + k * tanh(z) - c;
  }
  template <class X> reverse_mode::root_bounds<X> bounds(X k, X c) const {
    return {c, c - k, c + k};
  }
  template <class X> X rounding(X z, X k, X c) const {
    return X(4 * std::numeric_limits<typename X::value_type>::epsilon()) *
           (abs(z) + abs(k) + abs(c));
  }
};
/// z^3 = a, which says how to solve it.
struct cube_root {
  template <class Z, class A> auto operator()(Z z, A a) const { return z * z * z - a; }
  template <class X> X solve(X a) const {
    using math::exp, math::log;
    return exp(log(a) / X(3));
  }
};
/// z a + b = c: three operands, and no search.
struct line {
  template <class Z, class A> auto operator()(Z z, A a, A b, A c) const { return z * a + b - c; }
  template <class X> X solve(X a, X b, X c) const { return (c - b) / a; }
};

template <class F> double difference(const F& f, double& entry) {
  const double at = entry, h = 1e-6;
  entry = at + h;
  const double up = f();
  entry = at - h;
  const double down = f();
  entry = at;
  return (up - down) / (2 * h);
}

} // namespace

TEMPLATE_TEST_CASE("roots solve their equation, in every lane", "[reverse]", float, double) {
  using T = TestType;
  for (const T k : {T(0.1), T(3), T(40)})
    for (const T c : {T(-50), T(-1), T(0), T(1e-3), T(2), T(1e4)}) {
      CAPTURE(k, c);
      const reverse_mode::passive<T> stretch{pack<T>(k)}, height{simd::iota<T>() + pack<T>(c)};
      const auto z = reverse_mode::root<bent>(stretch, height);
      for (int i = 0; i < pack<T>::size; ++i) {
        const double at = static_cast<double>(z.value[i]), target = static_cast<double>(c) + i;
        const double slope = 1 + static_cast<double>(k) * (1 - std::tanh(at) * std::tanh(at));
        const double error = at + static_cast<double>(k) * std::tanh(at) - target;
        const double size = std::abs(at) + static_cast<double>(k) + std::abs(target);
        CHECK(std::abs(error / slope) <=
              8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size);
      }
    }
}

TEST_CASE("cotangents of roots are central differences", "[reverse]") {
  std::array<double, 3> x{0.7, 1.9, -0.4};
  const auto check = [&](const auto& operation) {
    const reverse_mode::active<double> a{P(x[0])}, b{P(x[1])}, c{P(x[2])};
    {
      auto z = operation(a, b, c);
      z.cotangent = P(1.3);
    }
    const auto value = [&] {
      const reverse_mode::passive<double> u{P(x[0])}, v{P(x[1])}, w{P(x[2])};
      return 1.3 * operation(u, v, w).value.first();
    };
    double error = 0;
    error = worse(error, std::abs(a.cotangent.first() - difference(value, x[0])));
    error = worse(error, std::abs(b.cotangent.first() - difference(value, x[1])));
    error = worse(error, std::abs(c.cotangent.first() - difference(value, x[2])));
    CHECK(error < 1e-8);
  };
  check([](auto& a, auto& b, auto&) { return reverse_mode::root<bent>(a, b); });
  check([](auto& a, auto&, auto& c) { return reverse_mode::root<bent>(a, c); });
  check([](auto&, auto& b, auto&) { return reverse_mode::root<cube_root>(b); });
  check([](auto& a, auto& b, auto& c) { return reverse_mode::root<line>(a, b, c); });
  check([](auto& a, auto&, auto&) { return reverse_mode::root<bent>(a, 0.3); });
}

TEST_CASE("a root's sweep begins where it was kept", "[reverse]") {
  alignas(64) std::array<double, static_cast<std::size_t>(P::size)> kept;
  const reverse_mode::passive<double> plain_k{P(0.7)}, plain_c{P(1.9)};
  reverse_mode::root<bent>(plain_k, plain_c).value.store(kept.data());
  double* next = kept.data();
  const reverse_mode::kept_place<reverse_mode::purpose::cotangents, double, P::size> place(next);
  const reverse_mode::active<double> k{P(0.7)}, c{P(1.9)}, other_k{P(0.7)}, other_c{P(1.9)};
  {
    auto found = reverse_mode::root<bent>(k, c);
    auto read = reverse_mode::root_kept<bent>(place, other_k, other_c);
    CHECK(testing::same_bits(found.value.first(), read.value.first()));
    found.cotangent = P(1.0);
    read.cotangent = P(1.0);
  }
  CHECK(testing::same_bits(k.cotangent.first(), other_k.cotangent.first()));
  CHECK(testing::same_bits(c.cotangent.first(), other_c.cotangent.first()));
}

namespace {

/// Cotangents of a matrix, of vectors of parameters and of one of samples, as an operation of them
/// hands them out, against central differences of what it gives.
template <int R, int C, int D, class Operation> struct operation_check {
  Operation operation;
  std::vector<double> m = std::vector<double>(R * C), p = std::vector<double>(R),
                      b = std::vector<double>(R), x = std::vector<double>(D);

  double value() const {
    const reverse_mode::passive_matrix<double, R, C> matrix(m.data());
    const reverse_mode::passive_parameters<double, R> first(p.data()), second(b.data());
    reverse_mode::passive_vector<double, D> v;
    for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(detail::at(x, d));
    const auto y = operation(matrix, first, second, v);
    double sum = 0;
    for (int d = 0; d < D; ++d) sum += (1 + 0.25 * d) * y[d].value.first();
    return sum;
  }
  /// The largest error; entries of the matrix that `owns` says are no parameters get nothing.
  template <class Owns> double error(const Owns& owns) {
    constexpr int lanes = P::size; // all alike: the sums over samples are as many times as large
    std::vector<double> gradient(R * C);
    const reverse_mode::active_parameters<double, R> first(p.data()), second(b.data());
    reverse_mode::active_vector<double, D> v;
    for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(detail::at(x, d));
    {
      const reverse_mode::active_matrix<double, R, C> matrix(m.data(), gradient.data());
      const reverse_mode::detail::shared_matrix<double, R, C> shared(matrix);
      auto y = operation(shared, first, second, v);
      for (int d = 0; d < D; ++d) y.view().set_cotangent(d, P(1 + 0.25 * d));
    }
    double worst = 0;
    const auto compare = [&](double g, double& entry) {
      const double by_difference = difference([&] { return value(); }, entry);
      worst = worse(worst, std::abs(g - by_difference));
    };
    for (int i = 0; i < R * C; ++i)
      if (owns(i / C, i % C))
        compare(detail::at(gradient, i) / lanes, detail::at(m, i));
      else
        worst = worse(worst, detail::at(gradient, i) == 0 ? 0 : 1);
    for (int d = 0; d < R; ++d) {
      compare(first.view().cotangent(d).first(), detail::at(p, d));
      compare(second.view().cotangent(d).first(), detail::at(b, d));
    }
    for (int d = 0; d < D; ++d) compare(v.view().cotangent(d).first(), detail::at(x, d));
    return worst;
  }
};
template <int R, int C, int D, class Operation> auto checked(const Operation& operation) {
  operation_check<R, C, D, Operation> c{operation};
  for (int i = 0; i < R * C; ++i) detail::at(c.m, i) = 0.6 * std::sin(1.0 + i) / (1 + i / C);
  for (int i = 0; i < R; ++i) {
    detail::at(c.p, i) = 1.5 + std::sin(4.0 * i);
    detail::at(c.b, i) = 0.3 - 0.1 * i;
  }
  for (int i = 0; i < D; ++i) detail::at(c.x, i) = std::cos(1.0 + i);
  return c;
}

} // namespace

TEMPLATE_TEST_CASE_SIG("triangular products and solutions", "[reverse]",
                       ((reverse_mode::triangle Which, int D), Which, D),
                       (reverse_mode::triangle::lower, 4), (reverse_mode::triangle::upper, 4),
                       (reverse_mode::triangle::lower, 41), (reverse_mode::triangle::upper, 41)) {
  // 41 x 41 entries are too many for partial sums in registers.
  CHECK(reverse_mode::detail::has_partial_sums<double, D * D> == (D == 4));
  const auto inside = [](int i, int j) {
    return Which == reverse_mode::triangle::lower ? j < i : j > i;
  };
  auto product = checked<D, D, D>([](auto& m, auto& diagonal, auto& start, auto& v) {
    return multiply<Which>(m, diagonal, v, start);
  });
  auto solution = checked<D, D, D>(
      [](auto& m, auto& diagonal, auto&, auto& v) { return solve<Which>(m, diagonal, v); });
  auto unit_product = checked<D, D, D>(
      [](auto& m, auto&, auto& start, auto& v) { return multiply<Which>(m, 1, v, start); });
  auto unit_solution =
      checked<D, D, D>([](auto& m, auto&, auto&, auto& v) { return solve<Which>(m, 1, v); });

  // Values against sums, and one undoes the other.
  const reverse_mode::passive_matrix<double, D, D> matrix(product.m.data());
  const reverse_mode::passive_parameters<double, D> diagonal(product.p.data()),
      start(product.b.data());
  reverse_mode::passive_vector<double, D> v;
  for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(detail::at(product.x, d));
  const auto y = multiply<Which>(matrix, diagonal, v, start);
  for (int i = 0; i < D; ++i) {
    double sum = detail::at(product.b, i) + detail::at(product.p, i) * detail::at(product.x, i);
    for (int j = 0; j < D; ++j)
      if (inside(i, j)) sum += detail::at(product.m, i * D + j) * detail::at(product.x, j);
    CHECK(testing::near(y[i].value.first(), sum, 1e-14));
  }
  const auto shifted = y - start;
  const auto back = solve<Which>(matrix, diagonal, shifted);
  for (int i = 0; i < D; ++i)
    CHECK(testing::near(back[i].value.first(), detail::at(product.x, i), 1e-12));

  CHECK(product.error(inside) < 2.5e-8 * D);
  CHECK(solution.error(inside) < 2.5e-8 * D);

  // The number 1 in place of the diagonal is a vector of ones.
  const std::vector<double> numbers(D, 1.0);
  const reverse_mode::passive_parameters<double, D> ones(numbers.data());
  const auto by_vector = multiply<Which>(matrix, ones, v, start),
             by_number = multiply<Which>(matrix, 1, v, start);
  const auto solved_by_vector = solve<Which>(matrix, ones, v),
             solved_by_number = solve<Which>(matrix, 1, v);
  for (int i = 0; i < D; ++i) {
    CHECK(testing::same_bits(by_number[i].value.first(), by_vector[i].value.first()));
    CHECK(testing::same_bits(solved_by_number[i].value.first(), solved_by_vector[i].value.first()));
  }
  CHECK(unit_product.error(inside) < 2.5e-8 * D);
  CHECK(unit_solution.error(inside) < 2.5e-8 * D);
}

TEST_CASE("a number in place of a diagonal has the cotangents of all its entries", "[reverse]") {
  constexpr int D = 3;
  constexpr auto lower = reverse_mode::triangle::lower;
  double on_it = 1.7;
  const std::array<double, 9> m{0, 0, 0, 0.4, 0, 0, -0.8, 0.6, 0};
  const reverse_mode::passive_matrix<double, D, D> matrix(m.data());
  reverse_mode::passive_vector<double, D> v;
  for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(0.5 + d);
  const auto check = [&](const auto& operation) {
    const reverse_mode::active<double> number{P(on_it)};
    {
      auto y = operation(number);
      for (int d = 0; d < D; ++d) y.view().set_cotangent(d, P(1 + 0.25 * d));
    }
    const auto value = [&] {
      const reverse_mode::passive<double> same{P(on_it)};
      const auto y = operation(same);
      double sum = 0;
      for (int d = 0; d < D; ++d) sum += (1 + 0.25 * d) * y[d].value.first();
      return sum;
    };
    CHECK(testing::near(number.cotangent.first(), difference(value, on_it), 1e-8));
  };
  check([&](auto& number) { return multiply<lower>(matrix, number, v); });
  check([&](auto& number) { return solve<lower>(matrix, number, v); });
}

TEMPLATE_TEST_CASE_SIG("reflections", "[reverse]",
                       ((reverse_mode::reflection_order Order, int K, int D), Order, K, D),
                       (reverse_mode::reflection_order::first_to_last, 3, 4),
                       (reverse_mode::reflection_order::last_to_first, 3, 4),
                       (reverse_mode::reflection_order::first_to_last, 30, 40)) {
  CHECK(reverse_mode::detail::has_partial_sums<double, K * D> == (K == 3));
  auto f = checked<K, D, D>(
      [](auto& u, auto& factors, auto&, auto& v) { return reflect<Order>(u, factors, v); });
  // Factors that make them reflections: the sweep finds what was given by reflecting once more.
  std::vector<double> y = f.x;
  for (int k = 0; k < K; ++k) {
    double square = 0;
    for (int d = 0; d < D; ++d) square += detail::at(f.m, k * D + d) * detail::at(f.m, k * D + d);
    detail::at(f.p, k) = 2 / square;
  }
  const reverse_mode::passive_matrix<double, K, D> u(f.m.data());
  const auto list = reflection_factors(u);
  for (int k = 0; k < K; ++k) CHECK(testing::near(list.data()[k], detail::at(f.p, k), 1e-13));

  // Values against the formula.
  for (int i = 0; i < K; ++i) {
    const int k = Order == reverse_mode::reflection_order::first_to_last ? i : K - 1 - i;
    double along = 0;
    for (int d = 0; d < D; ++d) along += detail::at(f.m, k * D + d) * detail::at(y, d);
    for (int d = 0; d < D; ++d)
      detail::at(y, d) -= detail::at(f.p, k) * along * detail::at(f.m, k * D + d);
  }
  const reverse_mode::passive_parameters<double, K> factors(f.p.data());
  reverse_mode::passive_vector<double, D> v;
  for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(detail::at(f.x, d));
  const auto reflected = reflect<Order>(u, factors, v);
  for (int d = 0; d < D; ++d)
    CHECK(testing::near(reflected[d].value.first(), detail::at(y, d), 1e-13));

  CHECK(f.error([](int, int) { return true; }) < 2.5e-8 * D);
}

TEST_CASE("factors of reflections have the slopes of 2 / |u|^2, and none without a direction",
          "[reverse]") {
  constexpr int K = 3, D = 2;
  std::vector<double> u{0.5, -2, 0, 0, 1, 3}, gradient(K * D);
  {
    const reverse_mode::active_matrix<double, K, D> matrix(u.data(), gradient.data());
    auto factors = reflection_factors(matrix);
    for (int k = 0; k < K; ++k) factors.cotangents()[k] = 1 + k;
    CHECK(factors.data()[1] == 0);
  }
  const auto value = [&] {
    double sum = 0;
    for (int k = 0; k < K; ++k) {
      const double a = detail::at(u, 2 * k), b = detail::at(u, 2 * k + 1);
      if (a * a + b * b > 0) sum += (1 + k) * 2 / (a * a + b * b);
    }
    return sum;
  };
  for (int i = 0; i < K * D; ++i)
    if (i / D == 1)
      CHECK(detail::at(gradient, i) == 0);
    else
      CHECK(std::abs(detail::at(gradient, i) - difference(value, detail::at(u, i))) < 1e-7);
}

TEST_CASE("the diagonal of a matrix takes its cotangents there", "[reverse]") {
  constexpr int D = 3;
  const std::vector<double> m{1, 2, 3, 4, 5, 6, 7, 8, 9};
  std::vector<double> gradient(D * D);
  {
    const reverse_mode::active_matrix<double, D, D> matrix(m.data(), gradient.data());
    auto on_it = diagonal(matrix);
    for (int d = 0; d < D; ++d) {
      CHECK(on_it.data()[d] == 1 + 4 * d);
      on_it.cotangents()[d] = 10 + d;
    }
  }
  CHECK(gradient == std::vector<double>{10, 0, 0, 0, 11, 0, 0, 0, 12});
}
