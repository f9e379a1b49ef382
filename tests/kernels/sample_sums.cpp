#include <bijou/kernels/sample_sums.hpp>
#include <bijou/kernels/tile.hpp>

#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

constexpr int L = 192; // whole strips of all instruction sets

/// Sums by blocks of Rows: to[k * width + r], NaN where nothing was added.
template <class T, int Rows>
std::vector<T> sums_of(const std::vector<T>& g, int rows, const std::vector<T>& x, int columns,
                       int samples, int width) {
  std::vector<T> to(static_cast<std::size_t>(columns * width), std::numeric_limits<T>::quiet_NaN());
  for (int k = 0; k < columns; ++k)
    for (int r = 0; r < rows; ++r) to[static_cast<std::size_t>(k * width + r)] = T(0.5);
  for (int r = 0; r < rows; r += Rows)
    detail::add_sample_sums<T, L, Rows>(g.data() + r * L, std::min(Rows, rows - r), x.data(),
                                        columns, samples, to.data() + r, width);
  return to;
}

} // namespace

TEMPLATE_TEST_CASE("sums over samples, by blocks of any number of rows", "[sample_sums]", float,
                   double) {
  using T = TestType;
  std::mt19937 random(44);
  std::normal_distribution<double> normal;
  // Rows and columns beyond those asked for hold anything.
  std::vector<T> g(16 * L, std::numeric_limits<T>::quiet_NaN());
  std::vector<T> x(32 * L, std::numeric_limits<T>::infinity());
  for (const int rows : {1, 2, 3, 4, 7, 12, 16})
    for (const int columns : {1, 3, 8, 17})
      for (const int samples : {strip<T>, L}) {
        CAPTURE(rows, columns, samples);
        for (int i = 0; i < rows * L; ++i) detail::at(g, i) = static_cast<T>(normal(random));
        for (int i = 0; i < columns * L; ++i) detail::at(x, i) = static_cast<T>(normal(random));
        for (int i = rows * L; i < 16 * L; ++i)
          detail::at(g, i) = std::numeric_limits<T>::quiet_NaN();
        for (int i = columns * L; i < 32 * L; ++i)
          detail::at(x, i) = std::numeric_limits<T>::infinity();
        const int width = detail::round_up(rows, 4);
        const auto at_once = sums_of<T, 16>(g, rows, x, columns, samples, width);
        bool right = true;
        for (int k = 0; k < columns; ++k)
          for (int r = 0; r < width; ++r) {
            const T got = detail::at(at_once, k * width + r);
            if (r >= rows) {
              right &= std::isnan(got);
              continue;
            }
            double sum = 0.5, size = 0.5;
            for (int t = 0; t < samples; ++t) {
              const double p = double(detail::at(g, r * L + t)) * double(detail::at(x, k * L + t));
              sum += p;
              size += std::abs(p);
            }
            right &= std::abs(double(got) - sum) <= 8 * std::numeric_limits<T>::epsilon() * size;
          }
        CHECK(right);
        // However rows are put together, the bits are the same.
        const auto same = [&](const std::vector<T>& other) {
          bool equal = true;
          for (int k = 0; k < columns; ++k)
            for (int r = 0; r < rows; ++r)
              equal &= detail::at(other, k * width + r) == detail::at(at_once, k * width + r);
          return equal;
        };
        CHECK(same(sums_of<T, 1>(g, rows, x, columns, samples, width)));
        CHECK(same(sums_of<T, 2>(g, rows, x, columns, samples, width)));
        CHECK(same(sums_of<T, 4>(g, rows, x, columns, samples, width)));
        CHECK(same(sums_of<T, 8>(g, rows, x, columns, samples, width)));
      }
}
