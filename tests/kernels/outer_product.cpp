/// \file
/// Gradients of packed weights and biases as outer products, against plain sums over the samples.

#include <bijou/kernels/outer_product.hpp>
#include <bijou/kernels/tile.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <random>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../support/random_limits.hpp"

using namespace bijou;

namespace {

constexpr int L = 192; // whole strips of all instruction sets
constexpr int row_count = 3 * panel_rows, column_count = 37;

} // namespace

TEMPLATE_TEST_CASE("outer products: any number of samples, one panel or two", "[outer_product]",
                   float, double) {
  using T = TestType;
  constexpr int together = detail::outer_block<T>::panels;
  static_assert(detail::outer_block<T>::stride == together * panel_rows);
  std::mt19937 random(45);
  std::normal_distribution<double> normal;
  auto limits = testing::random_limits(row_count, column_count, random);
  limits.back() = column_count; // the last panels differ in their columns
  const staircase panels(limits, column_count, 16);
  std::vector<T> g(row_count * L), x(column_count * L);
  for (auto* v : {&g, &x})
    for (T& e : *v) e = static_cast<T>(normal(random));
  const auto expected = [&](int r, const T* row, int samples) {
    double sum = 0.25, size = 0.25;
    for (int t = 0; t < samples; ++t) {
      const double p = static_cast<double>(detail::at(g, r * L + t)) * (row ? double(row[t]) : 1.0);
      sum += p;
      size += std::abs(p);
    }
    return std::pair(sum, 8 * static_cast<double>(std::numeric_limits<T>::epsilon()) * size);
  };
  const auto near = [](T got, std::pair<double, double> sum_and_error) {
    return std::abs(static_cast<double>(got) - sum_and_error.first) <= sum_and_error.second;
  };
  for (const int samples : {1, 2, 3, 4, 5, 6, 7, 8, 31, 64, L})
    for (int count = 1; count <= together; ++count)
      for (int q = 0; q + count <= 3; ++q) {
        CAPTURE(samples, count, q);
        std::vector<T> transposed(detail::transposed_size<T, L>), biases(row_count, T(0.25));
        std::vector<T> grad(static_cast<std::size_t>(panels.end()), T(0.25));
        for (int i = 0; i < count; ++i) {
          T* const to = transposed.data() + i * panel_rows;
          detail::transpose_panel<T, L>(g.data() + (q + i) * panel_rows * L, panel_rows, to);
          detail::add_rows(to, samples, biases.data() + (q + i) * panel_rows);
        }
        detail::add_outer_panels<T, L>(panels, q, count, x.data(), transposed.data(), samples,
                                       grad.data());
        bool right = true, others = true;
        for (int r = 0; r < row_count; ++r) {
          const bool asked = r / panel_rows >= q && r / panel_rows < q + count;
          const T bias = detail::at(biases, r);
          asked ? right &= near(bias, expected(r, nullptr, samples)) : others &= bias == T(0.25);
          for (int k = 0; k < panels.panel_limit(r / panel_rows); ++k) {
            const T entry = grad[static_cast<std::size_t>(panels.index(r, k))];
            asked ? right &= near(entry, expected(r, x.data() + k * L, samples))
                  : others &= entry == T(0.25);
          }
        }
        CHECK(right);
        CHECK(others);
        CHECK(std::all_of(grad.begin(), grad.begin() + panels.begin(),
                          [](T v) { return v == T(0.25); }));
      }
}

TEMPLATE_TEST_CASE("outer products: absent rows of a panel are zeros", "[outer_product]", float,
                   double) {
  using T = TestType;
  constexpr int stride = detail::outer_block<T>::stride;
  for (int count = 1; count <= panel_rows; ++count) {
    // Exactly the rows that are there: an address sanitizer sees one that is read beyond.
    std::vector<T> g(static_cast<std::size_t>(count * L));
    for (std::size_t i = 0; i < g.size(); ++i) g[i] = static_cast<T>(i + 1);
    std::vector<T> out(detail::transposed_size<T, L>, std::numeric_limits<T>::quiet_NaN());
    detail::transpose_panel<T, L>(g.data(), count, out.data());
    bool right = true;
    for (int lane = 0; lane < L; ++lane)
      for (int r = 0; r < panel_rows; ++r)
        right &=
            detail::at(out, lane * stride + r) == (r < count ? detail::at(g, r * L + lane) : T(0));
    CAPTURE(count);
    CHECK(right);
  }
}
