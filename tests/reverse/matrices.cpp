/// \file
/// Exponentials of matrices, dense products, products of channels and orthogonal maps of constants
/// in reverse mode by scope: values against long double and closed forms, cotangents against
/// central differences, the same bits whether samples share a matrix or have their own.

#include <bijou/bijectors/linear/discrete_cosine.hpp>
#include <bijou/bijectors/linear/haar.hpp>
#include <bijou/reverse/channels.hpp>
#include <bijou/reverse/dense_products.hpp>
#include <bijou/reverse/exponential.hpp>
#include <bijou/reverse/orthogonal.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numeric>
#include <vector>

#include "../catch.hpp"
#include "../support/long_exponential.hpp"
#include "../support/numerics.hpp"

using namespace bijou;
using testing::near;
using testing::worse;

namespace {

template <class T> std::vector<T> wavy(int D, double size) {
  std::vector<T> m(static_cast<std::size_t>(D * D));
  for (std::size_t k = 0; k < m.size(); ++k)
    m[k] = static_cast<T>(size * std::sin(1.0 + 2.3 * static_cast<double>(k)));
  return m;
}
template <class T> testing::long_matrix lengthened(const std::vector<T>& m, long double sign = 1) {
  testing::long_matrix to;
  for (const T v : m) to.push_back(sign * static_cast<long double>(v));
  return to;
}
/// exp(sign M) as prepare has it.
template <int D, class T> std::vector<T> exponential_of(const std::vector<T>& m, T sign) {
  const reverse_mode::passive_matrix<T, D, D> matrix(m.data());
  const auto e = reverse_mode::exponential(matrix, sign);
  return {e.data(), e.data() + D * D};
}
template <int D, class T> std::vector<T> rotation_of(const std::vector<T>& m) {
  const reverse_mode::passive_matrix<T, D, D> matrix(m.data());
  const auto e = rotation_by(matrix);
  return {e.data(), e.data() + D * D};
}

/// The largest error of exp(+-M) in units of rounding, relative to the largest entry.
template <class T, int D> double error_of(const std::vector<T>& m, T sign) {
  const auto exact = testing::long_exponential(lengthened(m, static_cast<long double>(sign)), D);
  const auto found = exponential_of<D>(m, sign);
  long double scale = 0;
  double error = 0;
  for (const long double v : exact) scale = std::fmax(scale, std::abs(v));
  for (std::size_t k = 0; k < exact.size(); ++k)
    error =
        worse(error,
              static_cast<double>(std::abs(static_cast<long double>(found[k]) - exact[k]) / scale));
  return error / static_cast<double>(std::numeric_limits<T>::epsilon());
}

} // namespace

TEMPLATE_TEST_CASE("exponentials agree with long double at any norm", "[reverse]", float, double) {
  using T = TestType;
  const auto check = []<int D>(std::integral_constant<int, D>) {
    for (const double size : {1e-12, 0.01, 0.24, 0.6, 1.0, 3.0, 9.0}) {
      const auto m = wavy<T>(D, size / D);
      const auto norm = static_cast<double>(testing::norm_of_rows(lengthened(m), D));
      CAPTURE(D, size);
      // The condition number of exp is at least |M|; a few roundings more for the products.
      for (const T sign : {T(1), T(-1)}) CHECK(error_of<T, D>(m, sign) < 4 * (1 + D + norm * 4));
    }
  };
  check(std::integral_constant<int, 1>{});
  check(std::integral_constant<int, 2>{});
  check(std::integral_constant<int, 5>{});
  check(std::integral_constant<int, 19>{});
}

TEMPLATE_TEST_CASE("exponentials of matrices whose rows differ in size", "[reverse]", float,
                   double) {
  using T = TestType;
  const std::vector<T> large{3, -8, 5}, middle{T(0.5), T(-1), T(0.25)}, small{T(0.01), T(-0.02), 0};
  auto rows = std::array{large, middle, small};
  std::sort(rows.begin(), rows.end());
  do {
    std::vector<T> m;
    for (const auto& row : rows) m.insert(m.end(), row.begin(), row.end());
    CAPTURE(m);
    for (const T sign : {T(1), T(-1)}) CHECK(error_of<T, 3>(m, sign) < 4 * (1 + 3 + 16 * 4));
  } while (std::next_permutation(rows.begin(), rows.end()));
}

TEMPLATE_TEST_CASE("exponentials in closed form", "[reverse]", float, double) {
  using T = TestType;
  const double eps = static_cast<double>(std::numeric_limits<T>::epsilon());
  // Nothing is the unit matrix, exactly.
  CHECK(exponential_of<2, T>({0, 0, 0, 0}, 1) == std::vector<T>{1, 0, 0, 1});
  // A nilpotent matrix has two terms.
  for (const T entry : {T(0.25), T(7), T(1e6)}) {
    const auto e = exponential_of<2, T>({0, entry, 0, 0}, -1);
    CHECK(e[0] == 1);
    CHECK(e[2] == 0);
    CHECK(e[3] == 1);
    CHECK(near(static_cast<double>(e[1]), static_cast<double>(-entry), 2 * eps * double(entry)));
  }
  // A diagonal has exponentials.
  const auto d = exponential_of<3, T>({T(-30), 0, 0, 0, T(0.5), 0, 0, 0, T(30)}, 1);
  CHECK(near(double(d[0]) / std::exp(-30.0), 1, 256 * eps));
  CHECK(near(double(d[4]) / std::exp(0.5), 1, 256 * eps));
  CHECK(near(double(d[8]) / std::exp(30.0), 1, 256 * eps));
  CHECK(d[1] == 0);
  // An antisymmetric one turns by its angle; what is not below the diagonal is not read.
  for (const T angle : {T(0.1), T(1), T(3), T(-10)}) {
    CAPTURE(angle);
    const auto r = rotation_of<2, T>({7, 5, angle, -3});
    const double a = static_cast<double>(angle), slack = 8 * (1 + std::abs(a)) * eps;
    CHECK(near(double(r[0]), std::cos(a), slack));
    CHECK(near(double(r[1]), -std::sin(a), slack));
    CHECK(near(double(r[2]), std::sin(a), slack));
    CHECK(near(double(r[3]), std::cos(a), slack));
  }
}

TEMPLATE_TEST_CASE("rotations keep lengths while angles are small numbers", "[reverse]", float,
                   double) {
  using T = TestType;
  constexpr int D = 7;
  for (const double size : {0.3, 2.0, 20.0, 1e3}) {
    CAPTURE(size);
    const auto m = wavy<T>(D, size);
    const auto r = rotation_of<D>(m);
    double error = 0;
    for (int i = 0; i < D; ++i)
      for (int j = 0; j < D; ++j) {
        double sum = i == j ? -1 : 0;
        for (int k = 0; k < D; ++k)
          sum += static_cast<double>(detail::at(r, i * D + k)) *
                 static_cast<double>(detail::at(r, j * D + k));
        error = worse(error, std::abs(sum));
      }
    CHECK(error < 4 * (1 + D * size) * static_cast<double>(std::numeric_limits<T>::epsilon()));
  }
}

TEMPLATE_TEST_CASE("exponentials of extreme matrices end, and are never NaN", "[reverse]", float,
                   double) {
  using T = TestType;
  using limits = std::numeric_limits<T>;
  const T end = reverse_mode::detail::exponential_end<T>;
  CHECK(exponential_of<1, T>({T(1e4)}, 1) == std::vector<T>{end});
  CHECK(exponential_of<1, T>({T(-1e4)}, 1) == std::vector<T>{0});
  CHECK(exponential_of<1, T>({T(-1e4)}, -1) == std::vector<T>{end});
  for (const T far : {T(100), T(1e6), T(1e30), limits::max(), limits::infinity()})
    for (const T sign : {T(1), T(-1)}) {
      CAPTURE(far, sign);
      auto m = wavy<T>(5, 1);
      for (T& v : m) v *= far;
      for (const T v : exponential_of<5>(m, sign)) CHECK(std::abs(v) <= end);
      for (const T v : rotation_of<5>(m)) CHECK(std::abs(v) <= end);
    }
  const auto with_nan = exponential_of<2, T>({0, 0, limits::quiet_NaN(), 0}, 1);
  CHECK(std::isnan(with_nan[2]));
}

namespace {

/// Cotangents of what `make` prepares of a matrix, weighted with w, against central differences.
template <int D, class Make> void check_gradient(std::vector<double> m, const Make& make) {
  const auto w = wavy<double>(D, 1.3);
  std::vector<double> gradient(D * D, 0.5); // what is there is added to
  {
    const reverse_mode::active_matrix<double, D, D> matrix(m.data(), gradient.data());
    const auto made = make(matrix);
    using matrix_type = std::remove_const_t<decltype(made)>;
    static_assert(matrix_type::is_active);
    const reverse_mode::active_matrix<double, D, D>& same = made;
    for (int k = 0; k < D * D; ++k) same.gradient()[k] = detail::at(w, k);
  }
  const auto value = [&] {
    const reverse_mode::passive_matrix<double, D, D> matrix(m.data());
    const auto made = make(matrix);
    return std::inner_product(w.begin(), w.end(), made.data(), 0.0);
  };
  for (std::size_t k = 0; k < m.size(); ++k) {
    CAPTURE(k);
    const double at = m[k], h = 1e-5;
    m[k] = at + h;
    const double above = value();
    m[k] = at - h;
    const double below = value();
    m[k] = at;
    const double expected = (above - below) / (2 * h);
    CHECK(near(gradient[k] - 0.5, expected, 1e-7 * std::max(1.0, std::abs(value()))));
  }
}

} // namespace

TEST_CASE("cotangents of exponentials are central differences", "[reverse]") {
  for (const double size : {0.01, 0.1, 0.8, 2.0}) {
    CAPTURE(size);
    check_gradient<1>(wavy<double>(1, size),
                      [](auto& m) { return reverse_mode::exponential(m, 1.0); });
    check_gradient<4>(wavy<double>(4, size),
                      [](auto& m) { return reverse_mode::exponential(m, 1.0); });
    check_gradient<4>(wavy<double>(4, size),
                      [](auto& m) { return reverse_mode::exponential(m, -1.0); });
    check_gradient<9>(wavy<double>(9, size / 2),
                      [](auto& m) { return reverse_mode::exponential(m, 1.0); });
    check_gradient<4>(wavy<double>(4, size), [](auto& m) { return rotation_by(m); });
  }
}

TEMPLATE_TEST_CASE("exponentials of samples have the bits of shared ones, lane by lane",
                   "[reverse]", float, double) {
  using T = TestType;
  using P = simd::pack<T>;
  constexpr int D = 5, L = P::size;
  // Every lane has a norm of its own, and with it another number of squares.
  std::vector<std::vector<T>> of_lane;
  alignas(64) std::array<T, static_cast<std::size_t>(D * D * L)> rows, cotangents;
  std::array<int, D * D> position;
  std::array<int, D> on_diagonal;
  std::iota(position.begin(), position.end(), 0);
  for (int d = 0; d < D; ++d) detail::at(on_diagonal, d) = d * (D + 1);
  for (int l = 0; l < L; ++l) {
    of_lane.push_back(wavy<T>(D, 0.02 * std::pow(3.0, l % 6)));
    for (int k = 0; k < D * D; ++k) detail::at(rows, k * L + l) = detail::at(of_lane.back(), k);
  }
  cotangents.fill(T(0));
  const auto weight = [](int k) { return T(1) / static_cast<T>(1 + k); };
  std::vector<std::vector<T>> gradients;
  for (const auto& m : of_lane) {
    std::vector<T> gradient(D * D);
    {
      const reverse_mode::active_matrix<T, D, D> matrix(m.data(), gradient.data());
      const auto made = reverse_mode::exponential(matrix, T(-1));
      const reverse_mode::active_matrix<T, D, D>& same = made;
      for (int k = 0; k < D * D; ++k) same.gradient()[k] = weight(k);
    }
    gradients.push_back(gradient);
  }
  {
    const reverse_mode::active_matrix_rows<T, L, D, D> matrix(rows.data(), cotangents.data(),
                                                              position.data(), on_diagonal.data());
    const auto made = reverse_mode::exponential(matrix, T(-1));
    const auto entries = made.entries();
    for (int k = 0; k < D * D; ++k) {
      for (int l = 0; l < L; ++l) {
        const auto shared = exponential_of<D>(detail::at(of_lane, l), T(-1));
        CHECK(testing::same_bits(static_cast<T>(entries.value(k)[l]), detail::at(shared, k)));
      }
      entries.add_each(k, 1, [&](int, P start) { return start + P(weight(k)); });
    }
  }
  for (int k = 0; k < D * D; ++k)
    for (int l = 0; l < L; ++l)
      CHECK(near(static_cast<double>(detail::at(cotangents, k * L + l)),
                 static_cast<double>(detail::at(detail::at(gradients, l), k)),
                 1e-6 *
                     testing::worse(1, std::abs(double(detail::at(detail::at(gradients, l), k))))));
}

namespace {

/// Cotangents of a vector that `operation` maps, and of a matrix that it reads, against central
/// differences; R x C entries, N numbers of the vector that is given.
template <int R, int C, int N, class Operation> void check_products(const Operation& operation) {
  using P = simd::pack<double>;
  std::vector<double> m(R * C), x(N), gradient(R * C);
  for (int k = 0; k < R * C; ++k) detail::at(m, k) = std::sin(1.0 + k);
  for (int d = 0; d < N; ++d) detail::at(x, d) = std::cos(0.3 + 1.1 * d);
  const auto weight = [](int d) { return 1 + 0.25 * d; };
  const auto value = [&] {
    const reverse_mode::passive_matrix<double, R, C> matrix(m.data());
    reverse_mode::passive_vector<double, N> v;
    for (int d = 0; d < N; ++d) detail::at(v.values, d) = P(detail::at(x, d));
    const auto y = operation(matrix, v);
    double sum = 0;
    for (int d = 0; d < decltype(y)::size; ++d) sum += weight(d) * y[d].value.first();
    return sum;
  };
  reverse_mode::active_vector<double, N> v;
  for (int d = 0; d < N; ++d) detail::at(v.values, d) = P(detail::at(x, d));
  {
    const reverse_mode::active_matrix<double, R, C> matrix(m.data(), gradient.data());
    const reverse_mode::detail::shared_matrix<double, R, C> shared(matrix);
    auto y = operation(shared, v);
    for (int d = 0; d < decltype(y)::size; ++d) y.view().set_cotangent(d, P(weight(d)));
  }
  const auto compare = [&](double g, double& entry) {
    const double at = entry, h = 1e-6;
    entry = at + h;
    const double above = value();
    entry = at - h;
    const double below = value();
    entry = at;
    CHECK(near(g, (above - below) / (2 * h), 1e-7));
  };
  for (int k = 0; k < R * C; ++k)
    compare(detail::at(gradient, k) / P::size, detail::at(m, k)); // the sum over all lanes
  for (int d = 0; d < N; ++d) compare(v.view().cotangent(d).first(), detail::at(x, d));
}

} // namespace

TEST_CASE("dense products, also of matrices that are not square", "[reverse]") {
  check_products<3, 4, 4>([](auto& m, auto& v) { return multiply(m, v); });
  check_products<3, 4, 3>([](auto& m, auto& v) { return multiply_transposed(m, v); });
  check_products<41, 40, 40>([](auto& m, auto& v) { return multiply(m, v); });
  check_products<40, 41, 40>([](auto& m, auto& v) { return multiply_transposed(m, v); });
  const std::vector<double> m{1, 2, 3, 4, 5, 6};
  const reverse_mode::passive_matrix<double, 2, 3> matrix(m.data());
  const std::vector<double> x{10, 100, 1000};
  const reverse_mode::passive_parameters<double, 3> three(x.data());
  const reverse_mode::passive_parameters<double, 2> two(x.data());
  const auto y = multiply(matrix, three);
  CHECK(y[0].value.first() == 3210);
  CHECK(y[1].value.first() == 6540);
  const auto z = multiply_transposed(matrix, two);
  CHECK(z[0].value.first() == 410);
  CHECK(z[1].value.first() == 520);
  CHECK(z[2].value.first() == 630);
}

TEST_CASE("orthogonal maps of constants: one way undoes the other, cotangents go back",
          "[reverse]") {
  using bijou::detail::cosine_transform, bijou::detail::haar_transform;
  check_products<1, 1, 6>([](auto&, auto& v) { return reverse_mode::turn<cosine_transform>(v); });
  check_products<1, 1, 6>(
      [](auto&, auto& v) { return reverse_mode::turn_back<cosine_transform>(v); });
  check_products<1, 1, 11>([](auto&, auto& v) { return reverse_mode::turn<haar_transform<0>>(v); });
  check_products<1, 1, 11>(
      [](auto&, auto& v) { return reverse_mode::turn_back<haar_transform<2>>(v); });
}

TEST_CASE("products and solutions of channels, pixel by pixel", "[reverse]") {
  constexpr auto lower = reverse_mode::triangle::lower;
  constexpr auto upper = reverse_mode::triangle::upper;
  static constexpr std::array order{2, 0, 1};
  // The diagonal is a number here; that vectors take its place is the concern of triangles.
  check_products<3, 3, 12>([](auto& m, auto& v) { return multiply_channels<lower>(m, 1.5, v); });
  check_products<3, 3, 12>([](auto& m, auto& v) { return multiply_channels<upper>(m, -0.5, v); });
  check_products<3, 3, 12>([](auto& m, auto& v) { return solve_channels<lower>(m, 1.5, v); });
  check_products<3, 3, 12>([](auto& m, auto& v) { return solve_channels<upper>(m, -2.5, v); });
  check_products<1, 1, 12>(
      [](auto&, auto& v) { return reverse_mode::reorder_channels<3>(v, order.data()); });

  // Two pixels of three channels, by hand.
  const std::vector<double> m{0, 7, 0, 2, 0, 5, 0, 3, 0}, x{1, 2, 10, 20, 100, 200};
  const reverse_mode::passive_matrix<double, 3, 3> matrix(m.data());
  const reverse_mode::passive_parameters<double, 6> v(x.data());
  const auto value = [](const auto& y) {
    std::vector<double> numbers;
    for (int d = 0; d < 6; ++d) numbers.push_back(y[d].value.first());
    return numbers;
  };
  const auto y = multiply_channels<lower>(matrix, 1, v);
  CHECK(value(y) == std::vector<double>{1, 2, 12, 24, 130, 260});
  CHECK(value(solve_channels<lower>(matrix, 1, y)) == x);
  CHECK(value(multiply_channels<upper>(matrix, 1, v)) ==
        std::vector<double>{71, 142, 510, 1020, 100, 200});
  CHECK(value(reverse_mode::reorder_channels<3>(v, order.data())) ==
        std::vector<double>{100, 200, 1, 2, 10, 20});
}
