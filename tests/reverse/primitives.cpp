/// \file
/// The primitives of reverse mode by scope: values to the bit, cotangents against central
/// differences, of numbers, of vectors of samples and of the lists that a tile prepares.

#include <bijou/reverse/products.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using testing::worse;

namespace {

template <class T> simd::pack<T> some_numbers(double low, double high) {
  alignas(64) T values[static_cast<std::size_t>(simd::pack<T>::size)];
  for (int i = 0; i < simd::pack<T>::size; ++i)
    values[i] = static_cast<T>(low + (high - low) * (i + 0.5) / simd::pack<T>::size);
  return simd::pack<T>::load(values);
}
template <class T> bool same(const reverse_mode::passive<T>& a, simd::pack<T> b) {
  bool equal = true;
  for (int i = 0; i < simd::pack<T>::size; ++i) equal &= testing::same_bits(a.value[i], b[i]);
  return equal;
}

using P = simd::pack<double>;

/// A number in lane 0 alone: the cotangent of a number among lists is the sum of its lanes.
P in_one_lane(double g) {
  alignas(64) std::array<double, static_cast<std::size_t>(P::size)> lanes{};
  lanes[0] = g;
  return P::load(lanes.data());
}
double sum_of(P p) { return detail::sum_of_lanes(p); }

/// Central differences of f at x, entry by entry.
template <class F> std::vector<double> differences(const F& f, std::vector<double> x) {
  constexpr double h = 1e-6;
  std::vector<double> result;
  for (double& entry : x) {
    const double at = entry;
    entry = at + h;
    const double up = f(x);
    entry = at - h;
    result.push_back((up - f(x)) / (2 * h));
    entry = at;
  }
  return result;
}
void check_close(const std::vector<double>& got, const std::vector<double>& expected) {
  REQUIRE(got.size() == expected.size());
  double error = 0;
  for (std::size_t i = 0; i < got.size(); ++i)
    error = worse(error, std::abs(got[i] - expected[i]) / (1 + std::abs(expected[i])));
  CHECK(error < 1e-7);
}

/// One operation of three numbers.
template <class Operation> void check_numbers(const Operation& operation) {
  const std::vector<double> x{0.8, 1.3, -0.4};
  const reverse_mode::active<double> a{P(x[0])}, b{P(x[1])}, c{P(x[2])};
  {
    auto y = operation(a, b, c);
    y.cotangent = P(0.7);
  }
  const auto value = [&](const std::vector<double>& at) {
    const reverse_mode::passive<double> u{P(at[0])}, v{P(at[1])}, w{P(at[2])};
    return 0.7 * operation(u, v, w).value.first();
  };
  // Neutral in sums, -0 compares as 0.
  check_close({a.cotangent.first(), b.cotangent.first(), c.cotangent.first()},
              differences(value, x));
}

// Vectors and lists, made of numbers that are the same for all samples.
template <int D> struct of_samples {
  static constexpr int size = D;
  static constexpr P seed(double g) { return P(g); }
  static double number_of(P cotangent) { return cotangent.first(); }
  struct active : reverse_mode::active_vector<double, D> {
    explicit active(const double* x) {
      for (int d = 0; d < D; ++d) detail::at(this->values, d) = P(x[d]);
    }
    double cotangent(int d) const { return detail::at(this->cotangents, d).first(); }
  };
  struct passive : reverse_mode::passive_vector<double, D> {
    explicit passive(const double* x) {
      for (int d = 0; d < D; ++d) detail::at(this->values, d) = P(x[d]);
    }
  };
};
template <int D> struct of_lists {
  static constexpr int size = D;
  static P seed(double g) { return in_one_lane(g); }
  static double number_of(P cotangent) { return sum_of(cotangent); }
  struct active : reverse_mode::active_list<double, D> {
    using reverse_mode::active_list<double, D>::active_list;
    double cotangent(int d) const { return this->cotangents()[d]; }
  };
  using passive = reverse_mode::passive_list<double, D>;
};

/// One operation of two vectors and a number, which gives a number or a vector.
template <class Kind, class Operation> void check_vectors(const Operation& operation) {
  constexpr int D = Kind::size;
  std::vector<double> x;
  for (int i = 0; i < 2 * D; ++i) x.push_back(0.4 + 0.9 * std::abs(std::sin(1.0 + i)));
  x.push_back(0.6);
  const auto weight = [](int d) { return 0.3 + 0.2 * (d % 5); };
  const typename Kind::active v(x.data()), w(x.data() + D);
  const reverse_mode::active<double> n{P(x.back())};
  {
    auto y = operation(v, w, n);
    if constexpr (decltype(y)::size == 0) {
      y.cotangent = Kind::seed(weight(0));
    } else {
      const auto view = y.view();
      if constexpr (requires { decltype(y)::is_list; })
        for (int d = 0; d < D; ++d) y.cotangents()[d] = weight(d);
      else
        for (int d = 0; d < D; ++d) view.set_cotangent(d, P(weight(d)));
    }
  }
  const auto value = [&](const std::vector<double>& at) {
    const typename Kind::passive a(at.data()), b(at.data() + D);
    const reverse_mode::passive<double> c{P(at.back())};
    const auto y = operation(a, b, c);
    if constexpr (decltype(y)::size == 0) {
      return weight(0) * y.value.first();
    } else {
      double sum = 0;
      for (int d = 0; d < D; ++d) sum += weight(d) * y[d].value.first();
      return sum;
    }
  };
  std::vector<double> got;
  for (int d = 0; d < D; ++d) got.push_back(v.cotangent(d));
  for (int d = 0; d < D; ++d) got.push_back(w.cotangent(d));
  got.push_back(Kind::number_of(n.cotangent));
  check_close(got, differences(value, x));
}
/// D below a register, beyond what is unrolled; a list that fills its registers.
template <class Operation> void check_all_vectors(const Operation& operation) {
  check_vectors<of_samples<3>>(operation);
  check_vectors<of_samples<11>>(operation);
  check_vectors<of_lists<3>>(operation);
  check_vectors<of_lists<8>>(operation);
}

} // namespace

TEMPLATE_TEST_CASE("functions of passive numbers give what packs give", "[reverse]", float,
                   double) {
  using T = TestType;
  const auto a = some_numbers<T>(0.2, 3), b = some_numbers<T>(-2, 1.7);
  const reverse_mode::passive<T> x{a}, y{b};
  CHECK(same(x + y, a + b));
  CHECK(same(x - y, a - b));
  CHECK(same(x * y, a * b));
  CHECK(same(x / y, a / b));
  CHECK(same(-x, -a));
  CHECK(same(2 * x, simd::pack<T>(2) * a));
  CHECK(same(x - 0.5, a - simd::pack<T>(T(0.5))));
  CHECK(same(fma(x, y, 1), fma(a, b, simd::pack<T>(1))));
  CHECK(same(fnma(x, y, x), fnma(a, b, a)));
  CHECK(same(square(y), b * b));
  CHECK(same(sqrt(x), sqrt(a)));
  CHECK(same(abs(y), simd::abs(b)));
  CHECK(same(exp(y), math::exp(b)));
  CHECK(same(log(x), math::log(a)));
  CHECK(same(log1p(x), math::log1p(a)));
  CHECK(same(tanh(y), math::tanh(b)));
  CHECK(same(sigmoid(y), math::sigmoid(b)));
  CHECK(same(softplus(y), math::softplus(b)));
  CHECK(same(sin(y), math::sin(b)));
  CHECK(same(cos(y), math::cos(b)));
  const auto larger = x.value > y.value;
  CHECK(same(select(larger, x, y), simd::select(larger, a, b)));
}

TEST_CASE("cotangents of numbers are central differences", "[reverse]") {
  const auto check = [](const auto& operation) { check_numbers(operation); };
  check([](auto& a, auto& b, auto&) { return a + b; });
  check([](auto& a, auto&, auto&) { return 1.5 + a; });
  check([](auto& a, auto& b, auto&) { return a - b; });
  check([](auto& a, auto&, auto&) { return 2 - a; });
  check([](auto& a, auto& b, auto&) { return a * b; });
  check([](auto& a, auto&, auto&) { return a * a; });
  check([](auto& a, auto& b, auto&) { return a / b; });
  check([](auto& a, auto&, auto&) { return 1 / a; });
  check([](auto& a, auto&, auto&) { return -a; });
  check([](auto& a, auto& b, auto& c) { return fma(a, b, c); });
  check([](auto& a, auto& b, auto&) { return fma(a, 2, b); });
  check([](auto& a, auto& b, auto& c) { return fnma(a, b, c); });
  check([](auto& a, auto&, auto&) { return fnma(a, a, 1); });
  check([](auto& a, auto&, auto&) { return square(a); });
  check([](auto& a, auto&, auto&) { return sqrt(a); });
  check([](auto& a, auto&, auto&) { return abs(a); });
  check([](auto&, auto&, auto& c) { return abs(c); });
  check([](auto&, auto&, auto& c) { return exp(c); });
  check([](auto& a, auto&, auto&) { return log(a); });
  check([](auto&, auto&, auto& c) { return log1p(c); });
  check([](auto&, auto&, auto& c) { return tanh(c); });
  check([](auto&, auto& b, auto&) { return sigmoid(b); });
  check([](auto&, auto&, auto& c) { return softplus(c); });
  check([](auto& a, auto&, auto&) { return sin(a); });
  check([](auto& a, auto&, auto&) { return cos(a); });
  check([](auto& a, auto& b, auto& c) { return select(a.value > c.value, a, b); });
  check([](auto& a, auto& b, auto& c) { return select(a.value < c.value, a, b); });
}

TEST_CASE("cotangents of vectors and lists are central differences", "[reverse]") {
  const auto check = [](const auto& operation) { check_all_vectors(operation); };
  check([](auto& v, auto& w, auto&) { return v + w; });
  check([](auto& v, auto&, auto& n) { return v - n; });
  check([](auto& v, auto& w, auto&) { return v * w; });
  check([](auto& v, auto&, auto& n) { return n / v; });
  check([](auto& v, auto& w, auto& n) { return fma(v, n, w); });
  check([](auto& v, auto&, auto& n) { return fnma(v, v, n); });
  check([](auto& v, auto&, auto&) { return tanh(v); });
  check([](auto& v, auto& w, auto& n) { return dot(v, w, n); });
  check([](auto& v, auto&, auto&) { return dot(v, v); });
  check([](auto& v, auto&, auto&) { return norm(v); });
  check([](auto& v, auto&, auto&) { return sum(v); });
  check([](auto& v, auto&, auto&) { return v[1]; });
}

TEST_CASE("a formula's cotangents go back when it ends, through all that it names", "[reverse]") {
  const std::vector<double> x{0.3, 0.9};
  const auto formula = [](auto& a, auto& b, const auto& end) {
    auto product = a * b;
    auto unused = exp(product);
    auto bent = tanh(product);
    auto again = bent * a;
    auto sum = again + product;
    end(sum);
    (void)unused;
  };
  const reverse_mode::active<double> a{P(x[0])}, b{P(x[1])};
  formula(a, b, [](auto& sum) { sum.cotangent = P(1); });
  const auto value = [&](const std::vector<double>& at) {
    const reverse_mode::passive<double> u{P(at[0])}, v{P(at[1])};
    double result = 0;
    formula(u, v, [&](auto& sum) { result = sum.value.first(); });
    return result;
  };
  check_close({a.cotangent.first(), b.cotangent.first()}, differences(value, x));
}

TEST_CASE("a list's spare lanes reach no number", "[reverse]") {
  // n / v is infinite in the lanes beyond D, where the list holds zeros.
  const std::array<double, 3> numbers{1, 2, 4};
  const reverse_mode::active_list<double, 3> v(numbers.data());
  const reverse_mode::active<double> n{P(1.0)};
  {
    auto y = n / v;
    for (int d = 0; d < 3; ++d) y.cotangents()[d] = 1;
  }
  CHECK(sum_of(n.cotangent) == 1.75);
}

TEST_CASE("where sqrt and abs are 0 their slope is given as 0", "[reverse]") {
  const reverse_mode::active<double> zero{P(0.0)};
  {
    auto y = sqrt(zero);
    auto z = abs(zero);
    y.cotangent = P(1.0);
    z.cotangent = P(1.0);
  }
  CHECK(zero.cotangent.first() == 0);
}

TEMPLATE_TEST_CASE("norms end before their squares overflow", "[reverse]", float, double) {
  using T = TestType;
  const T far = std::numeric_limits<T>::max() / 4, cap = sizeof(T) == 4 ? T(0x1p60) : T(0x1p500);
  const std::array<T, 2> away{far, -far}, at_zero{0, 0};
  const reverse_mode::passive_list<T, 2> there(away.data());
  CHECK(norm(there).value.first() == cap);
  reverse_mode::active_list<T, 2> here(at_zero.data());
  {
    auto r = norm(here);
    r.cotangent = simd::pack<T>(1);
  }
  CHECK(here.cotangents()[0] == 0); // and not NaN
}
