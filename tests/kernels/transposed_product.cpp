#include <bijou/kernels/transposed_product.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "../catch.hpp"
#include "../support/random_limits.hpp"

using namespace bijou;

namespace {

/// Leaves everything as it is.
struct plain {
  template <class P> P derivative(P) const { return P(1); }
};
/// The slope is the value that it is taken at.
struct square {
  template <class P> P derivative(P at) const { return at; }
};
constexpr int L = 192; // whole strips of all instruction sets

} // namespace

TEMPLATE_TEST_CASE("cotangents of a column come from the rows that use it alone",
                   "[transposed_product]", float, double) {
  using T = TestType;
  constexpr T nan = std::numeric_limits<T>::quiet_NaN();
  std::mt19937 random(45);
  std::normal_distribution<double> normal;
  for (const int rows : {1, 4, 15, 16, 20, 33, 70, 700})
    for (const int columns : {1, 2, 7, 8, 13, 40}) {
      CAPTURE(rows, columns);
      const staircase s(testing::random_limits(rows, columns, random), columns, 0);
      std::vector<T> theta(static_cast<std::size_t>(s.end()));
      s.visit([&](std::ptrdiff_t i, bool used) {
        theta[static_cast<std::size_t>(i)] = used ? static_cast<T>(normal(random)) : T(0);
      });
      std::vector<T> g(static_cast<std::size_t>(rows * L));
      for (T& v : g) v = static_cast<T>(normal(random));
      const auto pull = [&](const std::vector<T>& cotangents, int lanes) {
        std::vector<T> gx(static_cast<std::size_t>(columns * L), nan);
        detail::pull_back_columns<T, L, plain>(theta.data(), s, 0, columns, {0, rows, true},
                                               cotangents.data(),
                                               {gx.data(), nullptr, false, nullptr}, lanes);
        return gx;
      };
      const auto gx = pull(g, L);
      bool right = true;
      for (int k = 0; k < columns; ++k)
        for (int lane = 0; lane < L; ++lane) {
          double sum = 0, size = 0;
          for (int r = s.first_row(k); r < rows; ++r) {
            const double p = double(theta[static_cast<std::size_t>(s.index(r, k))]) *
                             double(detail::at(g, r * L + lane));
            sum += p;
            size += std::abs(p);
          }
          right &= std::abs(double(detail::at(gx, k * L + lane)) - sum) <=
                   8 * std::numeric_limits<T>::epsilon() * size;
        }
      CHECK(right);

      // Complete sums take a slope as a factor, once.
      std::vector<T> at(static_cast<std::size_t>(columns * L)), sloped(at.size(), nan);
      for (T& v : at) v = static_cast<T>(normal(random));
      detail::pull_back_columns<T, L, square>(theta.data(), s, 0, columns, {0, rows, true},
                                              g.data(), {sloped.data(), nullptr, false, at.data()},
                                              L);
      bool once = true;
      for (std::size_t i = 0; i < at.size(); ++i) once &= sloped[i] == gx[i] * at[i];
      CHECK(once);

      // A NaN reaches the columns that its row uses; the others keep their bits.
      const int spoiled = rows / 2;
      auto bad = g;
      std::fill_n(bad.begin() + spoiled * L, L, nan);
      const auto bad_gx = pull(bad, L);
      bool kept = true;
      for (int k = 0; k < columns; ++k)
        for (int lane = 0; lane < L; ++lane) {
          const T a = detail::at(bad_gx, k * L + lane), b = detail::at(gx, k * L + lane);
          kept &= k < s.limit(spoiled) ? std::isnan(a) : a == b;
        }
      CHECK(kept);

      // Lanes that are not in use are not touched.
      const auto few = pull(g, strip<T>);
      bool untouched = true;
      for (int k = 0; k < columns; ++k)
        for (int lane = 0; lane < L; ++lane) {
          const T a = detail::at(few, k * L + lane);
          untouched &= lane < strip<T> ? a == detail::at(gx, k * L + lane) : std::isnan(a);
        }
      CHECK(untouched);
    }
}
