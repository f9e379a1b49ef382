/// \file
/// `parallel(q, threads)`: the calls of q, to the last bit, whatever the number of threads.

#include <limits>
#include <stdexcept>

#include "../support/allocation_counter.hpp"
#include "check.hpp"

using namespace bijou;
using testing::agreed;
using testing::allocations_in;
using testing::other_bits;

namespace {

constexpr auto conditional =
    normal<3> | given<2> | iaf<7> | flip | inverse(iaf<7>) | on<0>(exp_map);
constexpr auto plain = normal<3> | iaf<7> | flip | maf<6, 5> | coupling<7>(rational_quadratic<4>);

template <class T> xt::xtensor<T, 2> normals(std::size_t n, std::size_t columns, unsigned seed) {
  xt::xtensor<T, 2> x(std::array<std::size_t, 2>{n, columns});
  const auto values = testing::normal_values<T>(n * columns, seed);
  std::copy(values.begin(), values.end(), x.begin());
  return x;
}

template <class A, class B> bool same(const A& a, const B& b) {
  using values = std::vector<typename A::value_type>;
  return other_bits(values(a.begin(), a.end()), values(b.begin(), b.end())) == agreed;
}

} // namespace

TEMPLATE_TEST_CASE("threads share a batch and change no bit", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(plain, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  for (const int threads : {1, 2, 3, 7}) {
    const auto team = parallel(q, threads);
    CHECK(team.threads() == threads);
    for (const std::size_t n : {0U, 1U, 2U, 3U, 127U, 128U, 129U, 300U, 1000U}) {
      CAPTURE(threads, n);
      philox one{5}, other{5};
      const auto alone = q.sample_and_log_prob(one, n);
      const auto shared = team.sample_and_log_prob(other, n);
      CHECK(same(alone.samples, shared.samples));
      CHECK(same(alone.log_prob, shared.log_prob));
      CHECK(one == other);
      CHECK(same(q.sample(one, n), team.sample(other, n)));
      CHECK(same(q.log_prob(alone.samples), team.log_prob(alone.samples)));
      const auto x = q.inverse(alone.samples), x2 = team.inverse(alone.samples);
      CHECK(same(x.x, x2.x));
      CHECK(same(x.log_det, x2.log_det));
      const auto y = q.forward(x.x), y2 = team.forward(x.x);
      CHECK(same(y.y, y2.y));
      CHECK(same(y.log_det, y2.log_det));
      CHECK(same(q.sample_from(x.x).samples, team.sample_from(x.x).samples));
    }
  }
}

TEMPLATE_TEST_CASE("contexts and lazy batches are shared, too", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(conditional, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  const auto team = parallel(q, 3);
  constexpr std::size_t n = 700;
  const auto context = normals<T>(n, 2, 6);
  philox one{5}, other{5};
  const auto alone = q.sample_and_log_prob(one, n, context);
  const auto shared = team.sample_and_log_prob(other, n, context);
  CHECK(same(alone.samples, shared.samples));
  CHECK(same(alone.log_prob, shared.log_prob));
  CHECK(same(q.log_prob(alone.samples, context), team.log_prob(shared.samples, context)));
  const auto twice = T(0.5) * alone.samples; // evaluated tile by tile, by all threads
  CHECK(same(q.log_prob(twice, context), team.log_prob(twice, context)));

  const xt::xtensor<T, 1> c{T(0.3), T(-1)};
  CHECK(same(q.log_prob(alone.samples, c), team.log_prob(alone.samples, c)));
  const auto fixed = q.condition(c);
  const auto fixed_team = parallel(fixed, 2);
  CHECK(same(fixed.log_prob(alone.samples), fixed_team.log_prob(alone.samples)));
  CHECK(same(fixed.inverse(alone.samples).x, fixed_team.inverse(alone.samples).x));
}

TEST_CASE("a NaN stays in its sample when threads share the batch", "[flow]") {
  const auto q = make_flow<double>(plain, 3);
  auto y = normals<double>(500, 3, 8);
  const auto clean = q.log_prob(y);
  y(257, 1) = std::numeric_limits<double>::quiet_NaN();
  const auto log_p = parallel(q, 2).log_prob(y);
  for (std::size_t i = 0; i < 500; ++i)
    if (i != 257) CHECK(log_p(i) == clean(i));
  CHECK(std::isnan(log_p(257)));
}

TEST_CASE("shared calls on memory allocate nothing", "[flow]") {
  const auto q = make_flow<float>(plain, 3);
  const auto team = parallel(q, 2);
  auto ws = team.make_workspace();
  constexpr std::size_t n = 1000;
  auto y = normals<float>(n, 3, 8);
  std::vector<float> log_p(n);
  philox stream{2};
  const auto view = rows_of(y.data(), n, 3);
  CHECK(allocations_in([&] { team.sample_and_log_prob(stream, view, log_p.data(), ws); }) == 0);
  CHECK(allocations_in([&] { team.log_prob(view, log_p.data(), ws); }) == 0);
  CHECK(allocations_in([&] { team.inverse(view, view, log_p.data(), ws); }) == 0);
}

TEST_CASE("shared calls say what is wrong", "[flow]") {
  const auto q = make_flow<float>(plain, 3);
  CHECK_THROWS_AS(parallel(q, 0), std::invalid_argument);
  CHECK_THROWS_WITH(parallel(q, 2).log_prob(normals<float>(10, 4, 1)),
                    "log_prob: expected samples of shape (n, 3), got (10, 4)");
}
