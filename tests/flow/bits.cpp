/// \file
/// A sample's result is a function of that sample, and its noise one of (seed, stream, number):
/// whatever the batch, the layout in memory, the thread.

#include <array>
#include <thread>

#include "check.hpp"

using namespace bijou;
using testing::agreed;
using testing::other_bits;
using testing::rows_from;

namespace {

constexpr auto conditional =
    normal<3> | given<2> | iaf<7> | flip | inverse(iaf<7>) | on<0>(exp_map);
constexpr std::size_t samples = 333; // five tiles and a rest

template <class T> struct fixture {
  using flow_type = decltype(make_flow<T>(conditional));
  flow_type q = make_flow<T>(conditional, 3);
  std::vector<T> noise = testing::normal_values<T>(3 * samples, 5);
  std::vector<T> context = testing::normal_values<T>(2 * samples, 6);
  std::vector<T> y = std::vector<T>(3 * samples), log_det = std::vector<T>(samples),
                 log_prob = std::vector<T>(samples);
  workspace<T> ws = q.make_gradient_workspace();

  fixture() {
    testing::perturb(q.parameters(), q.structure(), 17);
    q.forward(rows_of<const T>(noise.data(), samples, 3),
              rows_of<const T>(context.data(), samples, 2), rows_of(y.data(), samples, 3),
              log_det.data(), ws);
    q.log_prob(rows_of<const T>(y.data(), samples, 3), rows_of<const T>(context.data(), samples, 2),
               log_prob.data(), ws);
  }
};

} // namespace

TEMPLATE_TEST_CASE("bits do not depend on the number of threads", "[flow]", float, double) {
  using T = TestType;
  const fixture<T> f;
  for (const std::size_t threads : {1U, 2U, 3U, 7U}) {
    std::vector<T> y(3 * samples), log_prob(samples), drawn(3 * samples), log_q(samples);
    std::vector<std::thread> team;
    for (std::size_t t = 0; t < threads; ++t)
      team.emplace_back([&, t] {
        auto ws = f.q.make_workspace(); // one for each thread
        const std::size_t first = samples * t / threads, n = samples * (t + 1) / threads - first;
        const auto context = rows_of<const T>(f.context.data() + 2 * first, n, 2);
        const auto out = rows_of(y.data() + 3 * first, n, 3);
        f.q.forward(rows_of<const T>(f.noise.data() + 3 * first, n, 3), context, out, nullptr, ws);
        f.q.log_prob(out, context, log_prob.data() + first, ws);
        philox stream{11, 2};
        stream.advance(first);
        f.q.sample_and_log_prob(stream, rows_of(drawn.data() + 3 * first, n, 3), context,
                                log_q.data() + first, ws);
      });
    for (std::thread& t : team) t.join();
    CAPTURE(threads);
    CHECK(other_bits(y, f.y) == agreed);
    CHECK(other_bits(log_prob, f.log_prob) == agreed);
    std::vector<T> alone(3 * samples), log_q_alone(samples);
    philox stream{11, 2};
    auto ws = f.q.make_workspace();
    f.q.sample_and_log_prob(stream, rows_of(alone.data(), samples, 3),
                            rows_of<const T>(f.context.data(), samples, 2), log_q_alone.data(), ws);
    CHECK(other_bits(drawn, alone) == agreed);
    CHECK(other_bits(log_q, log_q_alone) == agreed);
  }
}

TEMPLATE_TEST_CASE("bits do not depend on strides", "[flow]", float, double) {
  using T = TestType;
  fixture<T> f;
  // Samples of 3 in rows of 5, or column by column; results likewise.
  const auto spread = [&](std::ptrdiff_t by_sample, std::ptrdiff_t by_variable) {
    std::vector<T> memory(5 * samples, T(-99));
    for (std::size_t i = 0; i < samples; ++i)
      for (std::size_t d = 0; d < 3; ++d)
        memory[i * static_cast<std::size_t>(by_sample) +
               d * static_cast<std::size_t>(by_variable)] = f.noise[3 * i + d];
    return memory;
  };
  for (const auto& [by_sample, by_variable] :
       {std::pair<std::ptrdiff_t, std::ptrdiff_t>{5, 1}, {5, 2}, {1, samples}}) {
    CAPTURE(by_sample, by_variable);
    const auto x = spread(by_sample, by_variable);
    std::vector<T> y(5 * samples, T(-7)), log_det(samples);
    f.q.forward(batch_view<const T>{x.data(), samples, by_sample, by_variable},
                rows_of<const T>(f.context.data(), samples, 2),
                batch_view<T>{y.data(), samples, by_sample, by_variable}, log_det.data(), f.ws);
    CHECK(other_bits(log_det, f.log_det) == agreed);
    std::size_t written = 0;
    for (std::size_t i = 0; i < samples; ++i)
      for (std::size_t d = 0; d < 3; ++d)
        REQUIRE(y[i * static_cast<std::size_t>(by_sample) +
                  d * static_cast<std::size_t>(by_variable)] == f.y[3 * i + d]);
    for (const T v : y) written += v != T(-7);
    CHECK(written == 3 * samples); // and nothing beside
  }
  SECTION("backwards") {
    std::vector<T> y(3 * samples), context(f.context.rbegin(), f.context.rend());
    for (std::size_t i = 0; i < samples; ++i) std::swap(context[2 * i], context[2 * i + 1]);
    f.q.forward(batch_view<const T>{f.noise.data() + 3 * (samples - 1), samples, -3, 1},
                rows_of<const T>(context.data(), samples, 2), rows_of(y.data(), samples, 3),
                nullptr, f.ws);
    for (std::size_t i = 0; i < samples; ++i)
      REQUIRE(rows_from(y, i, 1, 3) == rows_from(f.y, samples - 1 - i, 1, 3));
  }
  SECTION("in place") {
    std::vector<T> y = f.noise;
    f.q.forward(rows_of<const T>(y.data(), samples, 3),
                rows_of<const T>(f.context.data(), samples, 2), rows_of(y.data(), samples, 3),
                nullptr, f.ws);
    CHECK(other_bits(y, f.y) == agreed);
  }
}

TEMPLATE_TEST_CASE("sampling is a function of seed, stream and number", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<3> | iaf<7> | flip, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  auto ws = q.make_workspace();
  const auto draw = [&](philox& stream, std::size_t n) {
    std::vector<T> y(3 * n);
    q.sample(stream, rows_of(y.data(), n, 3), ws);
    return y;
  };
  philox whole{42, 1};
  const auto all = draw(whole, samples);
  CHECK(whole.position() == samples);
  SECTION("pieces") {
    philox stream{42, 1};
    std::vector<T> pieces;
    for (const std::size_t n : {1U, 2U, 3U, 64U, 100U, 0U, 163U}) {
      const auto y = draw(stream, n);
      pieces.insert(pieces.end(), y.begin(), y.end());
    }
    CHECK(other_bits(pieces, all) == agreed);
    CHECK(stream == whole);
  }
  SECTION("skipping ahead") {
    philox stream{42, 1};
    stream.advance(200);
    CHECK(other_bits(draw(stream, 5), rows_from(all, 200, 5, 3)) == agreed);
    philox far{42, 1};
    far.advance(std::uint64_t{1} << 40);
    philox near{42, 1};
    near.advance((std::uint64_t{1} << 40) + 3);
    CHECK(other_bits(draw(near, 1), rows_from(draw(far, 5), 3, 1, 3)) == agreed);
  }
  SECTION("single events") {
    philox stream{42, 1};
    for (std::size_t i = 0; i < 70; ++i) {
      std::array<T, 3> y{};
      if (i % 2)
        q.sample(stream, std::span<T, 3>(y), ws);
      else
        q.sample_and_log_prob(stream, std::span<T, 3>(y), ws);
      REQUIRE(std::vector<T>(y.begin(), y.end()) == rows_from(all, i, 1, 3));
    }
  }
  SECTION("other seeds and streams") {
    philox seed{43, 1}, stream{42, 2}, engine{42, 1};
    CHECK(draw(seed, 4) != rows_from(all, 0, 4, 3));
    CHECK(draw(stream, 4) != rows_from(all, 0, 4, 3));
    engine(); // words of the engine are no noise and do not move the position
    CHECK(other_bits(draw(engine, 4), rows_from(all, 0, 4, 3)) == agreed);
  }
  SECTION("its log p is that of the sample, and the sample that of its noise") {
    philox stream{42, 1};
    std::vector<T> y(3 * samples), log_q(samples), log_p(samples);
    q.sample_and_log_prob(stream, rows_of(y.data(), samples, 3), log_q.data(), ws);
    CHECK(other_bits(y, all) == agreed);
    q.log_prob(rows_of<const T>(y.data(), samples, 3), log_p.data(), ws);
    CHECK(testing::difference_of(log_q, log_p, std::is_same_v<T, float> ? 1e-5 : 1e-12) == agreed);
    std::vector<T> x(3 * samples), again(3 * samples);
    philox base{42, 1};
    normal_t<3>::fill(base, 0, x.data()); // sample 0 alone
    q.forward(rows_of<const T>(x.data(), 1, 3), rows_of(again.data(), 1, 3), nullptr, ws);
    CHECK(rows_from(again, 0, 1, 3) == rows_from(all, 0, 1, 3));
  }
}

TEMPLATE_TEST_CASE("a copy of a flow is independent of it", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<3> | iaf<7> | flip, 3);
  const auto x = testing::normal_values<T>(9, 5);
  auto ws = q.make_workspace();
  const auto score = [&](const auto& flow) {
    std::vector<T> p(3);
    flow.log_prob(rows_of<const T>(x.data(), 3, 3), p.data(), ws);
    return p;
  };
  const auto before = score(q);
  auto copy = q;
  CHECK(score(copy) == before);
  testing::perturb(copy.parameters(), copy.structure(), 17);
  CHECK(score(q) == before);
  CHECK(score(copy) != before);
  const auto after = score(copy);
  const auto moved = std::move(copy);
  CHECK(score(moved) == after);
}
