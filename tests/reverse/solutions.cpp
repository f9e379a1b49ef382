/// \file
/// Roots and triangular matrices in reverse mode by scope: values against residuals, cotangents
/// against central differences.

#include <bijou/reverse/output.hpp>
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

TEMPLATE_TEST_CASE_SIG("triangular products and solutions", "[reverse]",
                       ((reverse_mode::triangle Which), Which), reverse_mode::triangle::lower,
                       reverse_mode::triangle::upper) {
  constexpr int D = 4;
  std::vector<double> m(D * D), x(D);
  for (int i = 0; i < D * D; ++i) detail::at(m, i) = std::sin(1.0 + i) + (i % (D + 1) == 0 ? 2 : 0);
  for (int i = 0; i < D; ++i) detail::at(x, i) = std::cos(1.0 + i);
  const auto inside = [](int i, int j) {
    return Which == reverse_mode::triangle::lower ? j <= i : j >= i;
  };
  const auto vector_of = [&](auto& v) {
    for (int d = 0; d < D; ++d) detail::at(v.values, d) = P(detail::at(x, d));
  };
  reverse_mode::passive_vector<double, D> v;
  vector_of(v);
  const reverse_mode::passive_parameters<double, D * D> matrix(m.data());

  // Values against sums, and one undoes the other.
  const auto y = multiply<Which>(matrix, v);
  for (int i = 0; i < D; ++i) {
    double sum = 0;
    for (int j = 0; j < D; ++j)
      if (inside(i, j)) sum += detail::at(m, i * D + j) * detail::at(x, j);
    CHECK(testing::near(y[i].value.first(), sum, 1e-14));
  }
  const auto back = solve<Which>(matrix, y);
  for (int i = 0; i < D; ++i) CHECK(testing::near(back[i].value.first(), detail::at(x, i), 1e-13));

  // Cotangents of the matrix and of the vector; none where the matrix is not read.
  const auto check = [&](const auto& operation) {
    reverse_mode::active_vector<double, D> w;
    vector_of(w);
    const reverse_mode::active_parameters<double, D * D> entries(m.data());
    {
      auto made = operation(entries, w);
      for (int d = 0; d < D; ++d) made.view().set_cotangent(d, P(1.0 + d));
    }
    const auto value = [&] {
      reverse_mode::passive_vector<double, D> u;
      vector_of(u);
      const reverse_mode::passive_parameters<double, D * D> now(m.data());
      const auto made = operation(now, u);
      double sum = 0;
      for (int d = 0; d < D; ++d) sum += (1 + d) * made[d].value.first();
      return sum;
    };
    double error = 0;
    for (int i = 0; i < D * D; ++i) {
      const double g = entries.view().cotangent(i).first();
      if (inside(i / D, i % D))
        error = worse(error, std::abs(g - difference(value, detail::at(m, i))));
      else
        CHECK(g == 0);
    }
    for (int d = 0; d < D; ++d)
      error = worse(error,
                    std::abs(w.view().cotangent(d).first() - difference(value, detail::at(x, d))));
    CHECK(error < 1e-7);
  };
  check([](auto& a, auto& b) { return multiply<Which>(a, b); });
  check([](auto& a, auto& b) { return solve<Which>(a, b); });
}
