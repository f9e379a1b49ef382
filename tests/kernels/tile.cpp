#include <bijou/kernels/tile.hpp>
#include <bijou/kernels/transpose.hpp>

#include <random>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

TEMPLATE_TEST_CASE("a tile holds a row per variable and comes back unchanged", "[tile]", float,
                   double) {
  using T = TestType;
  constexpr int L = default_lanes<T>;
  const int variables = GENERATE(1, 2, 3, 4, 7, 8, 9, 10, 17, 64);
  const int samples = GENERATE(1, 2, 3, 7, 8, 31, 32, 95, 96);
  const bool through_rows = GENERATE(false, true);
  if (samples > L) return;
  const std::ptrdiff_t sample_stride = variables + 3;
  std::vector<T> data(static_cast<std::size_t>(sample_stride * samples));
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<T>(i);
  std::vector<int> rows;
  for (int v = 0; v < variables; ++v)
    rows.push_back((v * 5 + 2) % (variables + (variables % 5 == 0)));
  const int* table = through_rows ? rows.data() : nullptr;
  std::vector<T> tile(static_cast<std::size_t>((variables + 1) * L), T(-1));
  load_tile<T, L>({data.data(), sample_stride}, samples, variables, tile.data(), table);
  bool right = true;
  for (int v = 0; v < variables; ++v)
    for (int lane = 0; lane < lanes_for<T>(samples); ++lane)
      right &= tile[static_cast<std::size_t>((table ? table[v] : v) * L + lane)] ==
               data[static_cast<std::size_t>(std::min(lane, samples - 1) * sample_stride + v)];
  CHECK(right);
  std::vector<T> back(data.size(), T(-1));
  store_tile<T, L>(tile.data(), samples, variables, {back.data(), sample_stride}, table);
  for (int i = 0; i < samples; ++i)
    for (int v = 0; v < sample_stride; ++v) {
      const auto at = static_cast<std::size_t>(i * sample_stride + v);
      right &= back[at] == (v < variables ? data[at] : T(-1));
    }
  CHECK(right);
}

TEMPLATE_TEST_CASE("a tile reads any strides and columns", "[tile]", float, double) {
  using T = TestType;
  constexpr int L = default_lanes<T>;
  // column-major data of 9 variables, of which three are wanted
  const int samples = 21;
  std::vector<T> data(9 * samples);
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<T>(i);
  const int columns[] = {7, 0, 4}, rows[] = {2, 1, 0};
  std::vector<T> tile(3 * L);
  load_tile<T, L>({data.data(), 1, samples, columns}, samples, 3, tile.data(), rows);
  bool right = true;
  for (int v = 0; v < 3; ++v)
    for (int i = 0; i < samples; ++i)
      right &= tile[static_cast<std::size_t>(rows[v] * L + i)] ==
               static_cast<T>(columns[v] * samples + i);
  CHECK(right);
  std::vector<T> back(data.size(), T(-1));
  store_tile<T, L>(tile.data(), samples, 3, {back.data(), 1, samples, columns}, rows);
  for (const int column : columns)
    for (int i = 0; i < samples; ++i) {
      const auto at = static_cast<std::size_t>(column * samples + i);
      right &= back[at] == data[at];
    }
  CHECK(right);
  CHECK(back[static_cast<std::size_t>(samples)] == T(-1));
}

TEMPLATE_TEST_CASE("whole blocks of variables in any order or at any stride", "[tile]", float,
                   double) {
  using T = TestType;
  constexpr int L = default_lanes<T>, variables = 19, samples = 45, sample_stride = 40;
  std::vector<int> backwards;
  for (int v = 0; v < variables; ++v) backwards.push_back(variables - 1 - v);
  const bool chosen = GENERATE(false, true);
  const int stride = chosen ? 1 : 2;
  const int* const index = chosen ? backwards.data() : nullptr;
  const auto place = [&](int i, int v) {
    return static_cast<std::size_t>(i * sample_stride + (chosen ? variables - 1 - v : v) * stride);
  };
  std::vector<T> data(static_cast<std::size_t>(sample_stride * samples));
  for (std::size_t i = 0; i < data.size(); ++i) data[i] = static_cast<T>(i);
  std::vector<T> tile(static_cast<std::size_t>(variables * L)), back(data.size(), T(-1));
  load_tile<T, L>({data.data(), sample_stride, stride, index}, samples, variables, tile.data());
  store_tile<T, L>(tile.data(), samples, variables, {back.data(), sample_stride, stride, index});
  bool loaded = true;
  std::vector<T> expected(data.size(), T(-1));
  for (int v = 0; v < variables; ++v)
    for (int i = 0; i < samples; ++i) {
      expected[place(i, v)] = data[place(i, v)];
      loaded &= tile[static_cast<std::size_t>(v * L + i)] == data[place(i, v)];
    }
  CHECK(loaded);
  CHECK(back == expected);
}

TEMPLATE_TEST_CASE("lanes in use are whole strips", "[tile]", float, double) {
  CHECK(lanes_for<TestType>(1) == strip<TestType>);
  CHECK(lanes_for<TestType>(strip<TestType>) == strip<TestType>);
  CHECK(default_lanes<TestType> % strip<TestType> == 0);
  CHECK(wide_lanes<TestType> % strip<TestType> == 0);
}

TEMPLATE_TEST_CASE("a block is transposed; rows that are not there count as zeros", "[tile]", float,
                   double) {
  using T = TestType;
  constexpr int w = simd::pack<T>::size, stride = w + 3;
  for (int present = 0; present <= w; ++present) {
    std::vector<T> from(stride * w), to(stride * w, T(-1));
    for (std::size_t i = 0; i < from.size(); ++i) from[i] = static_cast<T>(i + 1);
    detail::transpose_block(from.data(), stride, to.data(), stride, present);
    bool right = true;
    for (int i = 0; i < w; ++i)
      for (int j = 0; j < stride; ++j) {
        const T expected = j >= w        ? T(-1)
                           : j < present ? from[static_cast<std::size_t>(j * stride + i)]
                                         : T(0);
        right &= to[static_cast<std::size_t>(i * stride + j)] == expected;
      }
    CHECK(right);
  }
}
