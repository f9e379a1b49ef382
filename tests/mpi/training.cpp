/// \file
/// fit and fit_to shared by processes: the run of one process but for rounding, and on one process
/// its bits; all end alike.

#include <bijou/mpi.hpp>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"
#include "support.hpp"

using namespace bijou;
using testing::crooked;
using testing::numbers_of;
using testing::values_of;

namespace {

/// train(flow, processes) on all processes together and on each alone.
template <class Make, class Train> void check_shared(const Make& make, const Train& train) {
  const mpi::communicator world;
  auto lonely = make(3), shared = make(world.rank() == 0 ? 3U : 77U); // rank 0's parameters count
  using T = typename decltype(lonely)::value_type;
  const fit_result a = train(lonely, one_process{}), b = train(shared, world);
  CHECK(testing::same_on_all(world, values_of(shared)));
  CHECK(testing::same_on_all(world, numbers_of(b)));
  CHECK(a.reason == b.reason);
  CHECK(a.history.size() == b.history.size());
  if (world.size() == 1) {
    CHECK(values_of(shared) == values_of(lonely));
    CHECK(numbers_of(b) == numbers_of(a));
  } else {
    // A gradient's rounding moves a parameter by about as much of a step.
    const double tolerance = std::is_same_v<T, float> ? 2e-3 : 1e-9;
    CHECK(testing::distance(values_of(lonely), values_of(shared)) < tolerance);
    CHECK(testing::distance(numbers_of(a), numbers_of(b)) < tolerance);
  }
}

} // namespace

TEMPLATE_TEST_CASE("processes share fit", "[mpi]", float, double) {
  using T = TestType;
  const auto y = crooked<T>(503); // nothing divides it
  std::vector<double> weights(503);
  for (std::size_t i = 0; i < 503; ++i) weights[i] = 0.5 + static_cast<double>(i % 3);
  for (const double validation : {0.0, 0.2})
    for (const int threads : {1, 2})
      check_shared([](unsigned seed) { return make_flow<T>(testing::small, seed); },
                   [&](auto& q, const auto& processes) {
                     return fit(q, y,
                                {.epochs = 4,
                                 .batch_size = 90,
                                 .optimizer = {.learning_rate = 0.01},
                                 .schedule = schedules::cosine{},
                                 .validation_fraction = validation,
                                 .weights = weights,
                                 .seed = 5,
                                 .threads = threads},
                                processes);
                   });
}

TEMPLATE_TEST_CASE("processes share fit with contexts", "[mpi]", float, double) {
  using T = TestType;
  const auto y = crooked<T>(203);
  xt::xtensor<T, 2> c(std::array<std::size_t, 2>{203, 1});
  for (std::size_t i = 0; i < 203; ++i) c(i, 0) = y(i, 0) * T(0.5);
  check_shared([](unsigned seed) { return make_flow<T>(testing::amortised, seed); },
               [&](auto& q, const auto& processes) {
                 return fit(q, y, c, {.epochs = 3, .batch_size = 64}, processes);
               });
}

TEMPLATE_TEST_CASE("processes take the same units of a context", "[mpi]", float, double) {
  using T = TestType;
  const auto y = crooked<T>(203);
  xt::xtensor<T, 2> c(std::array<std::size_t, 2>{203, 1});
  for (std::size_t i = 0; i < 203; ++i) c(i, 0) = T(1000) + T(300) * y(i, 0);
  const mpi::communicator world;
  check_shared(
      [](unsigned seed) { return make_flow<T>(testing::amortised, seed); },
      [&](auto& q, const auto& processes) {
        const auto r =
            fit(q, y, c, {.epochs = 3, .batch_size = 64, .standardise_context = true}, processes);
        const auto units = q.standardisation();
        CHECK(units.given());
        CHECK(testing::same_on_all(world, std::vector<T>{units.mean()[0], units.scale()[0]}));
        return r;
      });
}

TEMPLATE_TEST_CASE("some processes have no rows", "[mpi]", float, double) {
  using T = TestType;
  const auto y = crooked<T>(11); // one for validation; batches of 3, 3, 2, 2
  check_shared([](unsigned seed) { return make_flow<T>(testing::small, seed); },
               [&](auto& q, const auto& processes) {
                 return fit(q, y, {.epochs = 3, .batch_size = 3}, processes);
               });
  check_shared([](unsigned seed) { return make_flow<T>(testing::guide, seed); },
               [&](auto& q, const auto& processes) {
                 return fit_to(q, testing::hill,
                               {.epochs = 2, .steps_per_epoch = 4, .batch_size = 3}, processes);
               });
}

TEMPLATE_TEST_CASE("processes share fit_to", "[mpi]", float, double) {
  using T = TestType;
  const fit_to_options options{.epochs = 3,
                               .steps_per_epoch = 6,
                               .batch_size = 701,
                               .optimizer = {.learning_rate = 0.01},
                               .schedule = schedules::cosine{},
                               .seed = 5,
                               .threads = 2};
  const auto make = [](unsigned seed) { return make_flow<T>(testing::guide, seed); };
  check_shared(make, [&](auto& q, const auto& processes) {
    return fit_to(q, testing::hill, options, processes);
  });
  check_shared(make, [&](auto& q, const auto& processes) {
    return fit_to(q, path_only(testing::hill), options, processes);
  });
  // 70 contexts: a step passes all of them ten times.
  xt::xtensor<T, 2> c(std::array<std::size_t, 2>{70, 1});
  for (std::size_t i = 0; i < 70; ++i) c(i, 0) = static_cast<T>(i) / T(35) - 1;
  const auto moving = [](const auto& x, const auto& context) {
    const auto u = x[0] - context[0], v = x[1] + 0.5 * x[0];
    return -0.5 * (u * u + 4.0 * v * v);
  };
  check_shared(
      [](unsigned seed) { return make_flow<T>(testing::amortised, seed); },
      [&](auto& q, const auto& processes) { return fit_to(q, moving, c, options, processes); });
}

TEST_CASE("rank 0 alone is asked and asks all to stop", "[mpi]") {
  const mpi::communicator world;
  const auto y = crooked<double>(100);
  int calls = 0;
  auto q = make_flow<double>(testing::small, 3);
  const auto r = fit(q, y,
                     {.epochs = 9,
                      .callback =
                          [&](const fit_epoch& e) {
                            ++calls;
                            return e.epoch < 3;
                          }},
                     world);
  CHECK(calls == (world.rank() == 0 ? 3 : 0));
  CHECK(r.reason == stop_reason::callback);
  CHECK(r.history.size() == 3);
  CHECK(testing::same_on_all(world, values_of(q)));
}

TEST_CASE("patience ends with all processes", "[mpi]") {
  const mpi::communicator world;
  const auto y = crooked<double>(60);
  auto q = make_flow<double>(testing::small, 3);
  const auto r = fit(q, y,
                     {.epochs = 500,
                      .batch_size = 16,
                      .optimizer = {.learning_rate = 0.05},
                      .validation_fraction = 0.3,
                      .patience = 5},
                     world);
  CHECK(r.reason == stop_reason::patience);
  CHECK(testing::same_on_all(world, values_of(q)));
  CHECK(testing::same_on_all(world, numbers_of(r)));
}
