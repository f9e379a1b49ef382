/// \file
/// Calls that are given their memory allocate nothing.

#include <array>

#include "../support/allocation_counter.hpp"
#include "check.hpp"

using namespace bijou;
using testing::allocations_in;

namespace {
constexpr std::size_t n = 200;
constexpr auto words =
    iaf<7>.skip() | flip | maf<6, 5> | coupling<7>(rational_quadratic<4>) | affine | on<0>(exp_map);

/// A row-major batch of one's own.
template <class T> struct batch {
  int columns;
  std::vector<T> values = testing::normal_values<T>(n * static_cast<std::size_t>(columns), 3);
  batch_view<const T> view() const { return rows_of<const T>(values.data(), n, columns); }
  batch_view<T> view() { return rows_of(values.data(), n, columns); }
};
} // namespace

TEMPLATE_TEST_CASE("evaluation, sampling and gradients allocate nothing", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<3> | words, 3);
  auto ws = q.make_gradient_workspace(), small = q.make_workspace();
  const batch<T> x{3};
  batch<T> y{3}, g_y{3};
  std::vector<T> per_sample(n), gradient(q.parameters().size());
  std::array<T, 3> event{T(0.5), T(0.25), T(0.75)};
  philox stream{1};
  const auto cotangents = [](const sampled_tile<T>& t) {
    for (int i = 0; i < t.count; ++i) t.log_q_cotangent[i] = T(1);
  };
  CHECK(allocations_in([&] { q.forward(x.view(), y.view(), per_sample.data(), small); }) == 0);
  CHECK(allocations_in([&] { q.inverse(y.view(), g_y.view(), per_sample.data(), small); }) == 0);
  CHECK(allocations_in([&] { q.log_prob(y.view(), per_sample.data(), small); }) == 0);
  CHECK(allocations_in([&] { q.sample(stream, y.view(), small); }) == 0);
  CHECK(allocations_in(
            [&] { q.sample_and_log_prob(stream, y.view(), per_sample.data(), small); }) == 0);
  CHECK(allocations_in([&] { q.sample(stream, std::span<T, 3>(event), small); }) == 0);
  CHECK(allocations_in([&] { per_sample[0] = q.log_prob(std::span<const T, 3>(event), small); }) ==
        0);
  CHECK(allocations_in([&] {
          per_sample[0] = q.sample_and_log_prob(stream, std::span<T, 3>(event), small);
        }) == 0);
  CHECK(allocations_in([&] {
          accumulate_log_prob_gradient(q, weighted_batch<T>{y.view()}, T(1), std::span(gradient),
                                       ws, g_y.view(), per_sample.data());
        }) == 0);
  CHECK(allocations_in([&] {
          accumulate_sample_gradient(q, x.view(), cotangents, std::span(gradient), ws, g_y.view());
        }) == 0);
  CHECK(allocations_in([&] {
          accumulate_sample_gradient(q, stream, n, cotangents, std::span(gradient), ws);
        }) == 0);
}

TEMPLATE_TEST_CASE("words without an inverse allocate nothing", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<3> | planar | radial | sylvester, 3);
  auto ws = q.make_gradient_workspace();
  batch<T> y{3};
  std::vector<T> per_sample(n), gradient(q.parameters().size());
  std::array<T, 3> event{};
  philox stream{1};
  const auto cotangents = [](const sampled_tile<T>& t) {
    for (int i = 0; i < t.count; ++i) t.log_q_cotangent[i] = T(1);
  };
  CHECK(allocations_in([&] { q.sample_and_log_prob(stream, y.view(), per_sample.data(), ws); }) ==
        0);
  CHECK(allocations_in([&] {
          per_sample[0] = q.sample_and_log_prob(stream, std::span<T, 3>(event), ws);
        }) == 0);
  CHECK(allocations_in([&] {
          accumulate_sample_gradient(q, stream, n, cotangents, std::span(gradient), ws);
        }) == 0);
}

TEMPLATE_TEST_CASE("a training step allocates nothing", "[flow]", float, double) {
  using T = TestType;
  auto q = make_flow<T>(normal<3> | words, 3);
  const batch<T> x{3};
  batch<T> y{3};
  auto ws = q.make_gradient_workspace();
  q.forward(x.view(), y.view(), nullptr, ws);
  std::vector<T> gradient(q.parameters().size());
  adam<T> optimizer(gradient.size(), {.learning_rate = 1e-3, .max_norm = 10});
  const negative_log_likelihood<T> loss{weighted_batch<T>{y.view()}};
  const auto step = [&] {
    std::fill(gradient.begin(), gradient.end(), T(0));
    loss.accumulate(q, std::span(gradient), ws);
    optimizer.step(q.parameters(), gradient);
  };
  step();
  CHECK(allocations_in(step) == 0);
  CHECK(allocations_in([&] { q.set_parameters(gradient); }) == 0);
}

TEMPLATE_TEST_CASE("conditional calls allocate nothing", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<3> | given<2> | iaf<7>.skip() | flip | affine, 3);
  auto ws = q.make_gradient_workspace();
  const batch<T> x{3}, context{2};
  batch<T> y{3};
  std::vector<T> per_sample(n), gradient(q.parameters().size());
  std::array<T, 3> event{};
  philox stream{1};
  const auto fixed = q.condition(std::array<T, 2>{T(1), T(2)});
  CHECK(allocations_in([&] {
          q.forward(x.view(), context.view(), y.view(), per_sample.data(), ws);
          q.inverse(x.view(), context.view(), y.view(), per_sample.data(), ws);
          q.log_prob(x.view(), context.view(), per_sample.data(), ws);
          q.sample_and_log_prob(stream, y.view(), context.view(), per_sample.data(), ws);
        }) == 0);
  CHECK(allocations_in([&] {
          fixed.forward(x.view(), y.view(), per_sample.data(), ws);
          fixed.inverse(x.view(), y.view(), per_sample.data(), ws);
          fixed.log_prob(x.view(), per_sample.data(), ws);
          fixed.sample(stream, y.view(), ws);
          per_sample[0] = fixed.sample_and_log_prob(stream, std::span<T, 3>(event), ws);
        }) == 0);
  CHECK(allocations_in([&] {
          accumulate_log_prob_gradient(q, weighted_batch<T>{x.view(), context.view()}, T(1),
                                       std::span(gradient), ws);
        }) == 0);
}
