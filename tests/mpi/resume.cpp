/// \file
/// Shared runs that go on from a checkpoint: the bits of those without a break, also in another
/// mpirun.

#include <bijou/io/checkpoint.hpp>
#include <bijou/mpi.hpp>

#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <filesystem>
#include <functional>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "support.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::crooked;
using testing::numbers_of;
using testing::values_of;

namespace {

const auto forever = [](const fit_epoch&) { return true; };

fit_options options(const checkpoints& places, const std::function<bool(const fit_epoch&)>& until) {
  return {.epochs = 8,
          .batch_size = 90,
          .optimizer = {.learning_rate = 0.01},
          .schedule = schedules::cosine{},
          .seed = 5,
          .callback = until,
          .checkpoint = places};
}

/// The file of a run in two parts.
std::string path() {
  const char* const given = std::getenv("BIJOU_TEST_CHECKPOINT");
  if (given == nullptr) throw std::runtime_error("BIJOU_TEST_CHECKPOINT is not set");
  return given;
}

template <class T> auto made() { return make_flow<T>(testing::small, 3); }

} // namespace

TEMPLATE_TEST_CASE("a shared run goes on from a checkpoint with the same bits", "[mpi]", float,
                   double) {
  using T = TestType;
  const mpi::communicator world;
  const auto y = crooked<T>(300);
  std::optional<training_state> kept; // on rank 0 alone
  const checkpoints places{.write = [&](const training_state& s) { kept = s; },
                           .read = [&] { return kept; }};
  auto whole = made<T>(), first = made<T>(), second = make_flow<T>(testing::small, 77);
  const auto expected = fit(whole, y, options({}, forever), world);
  fit(first, y, options(places, [](const fit_epoch& e) { return e.epoch < 4; }), world);
  CHECK(kept.has_value() == (world.rank() == 0));
  const auto r = fit(second, y, options(places, forever), world);
  CHECK(values_of(second) == values_of(whole));
  CHECK(numbers_of(r) == numbers_of(expected));

  kept.reset();
  const auto variational = [&](int epochs, bool keeps) {
    auto q = make_flow<T>(testing::guide, 3);
    fit_to_options o{.epochs = 6,
                     .steps_per_epoch = 4,
                     .batch_size = 301,
                     .callback = [=](const fit_epoch& e) { return e.epoch < epochs; }};
    if (keeps) o.checkpoint = places;
    fit_to(q, path_only(testing::hill), o, world);
    return values_of(q);
  };
  const auto expected_values = variational(6, false);
  variational(2, true);
  CHECK(variational(6, true) == expected_values);
}

TEST_CASE("another number of processes goes on from a checkpoint, but for rounding", "[mpi]") {
  const mpi::communicator world;
  const auto y = crooked<double>(300);
  std::optional<training_state> kept;
  const checkpoints places{.write = [&](const training_state& s) { kept = s; },
                           .read = [&] { return kept; }};
  auto whole = made<double>(), first = made<double>(), second = made<double>();
  fit(whole, y, options({}, forever));
  fit(first, y, options(places, [](const fit_epoch& e) { return e.epoch < 4; })); // each alone
  fit(second, y, options(places, forever), world);
  CHECK(testing::distance(values_of(second), values_of(whole)) < 1e-9);
}

TEST_CASE("a foreign checkpoint ends all processes", "[mpi]") {
  const mpi::communicator world;
  const auto y = crooked<double>(300);
  std::optional<training_state> kept;
  const checkpoints places{.write = [&](const training_state& s) { kept = s; },
                           .read = [&] { return kept; }};
  auto q = made<double>();
  fit(q, y, {.epochs = 1, .checkpoint = places}, world);
  const auto before = values_of(q);
  CHECK_THROWS_WITH(fit(q, y, {.epochs = 2, .checkpoint = places}, world),
                    Contains("with epochs 2, got one with epochs 1"));
  CHECK(values_of(q) == before);
}

TEST_CASE("a run is interrupted", "[.][interrupted]") {
  const mpi::communicator world;
  if (world.rank() == 0) std::filesystem::remove(path());
  auto q = made<float>();
  const auto r = fit(q, crooked<float>(300),
                     options(checkpoint_file(path(), {.every = 2, .resume = true}),
                             [](const fit_epoch& e) { return e.epoch < 3; }),
                     world);
  CHECK(r.reason == stop_reason::callback);
}

TEST_CASE("a process of a run is killed", "[.][killed]") {
  const mpi::communicator world;
  if (world.rank() == 0) std::filesystem::remove(path());
  auto q = made<float>();
  auto o = options(checkpoint_file(path(), {.every = 3, .resume = true}), forever);
  // In the second step of epoch 5, of three steps each: the checkpoint is that of epoch 3.
  o.schedule = [&](std::int64_t step, std::int64_t steps) {
    if (step == 13 && world.rank() == world.size() - 1) std::raise(SIGKILL);
    return schedules::cosine{}(step, steps);
  };
  fit(q, crooked<float>(300), o, world);
  FAIL("the run went on");
}

TEST_CASE("a run is resumed by another mpirun", "[.][resumed]") {
  const mpi::communicator world;
  const auto y = crooked<float>(300);
  auto whole = made<float>(), q = made<float>();
  const auto expected = fit(whole, y, options({}, forever), world);
  int calls = 0;
  const auto r = fit(q, y,
                     options(checkpoint_file(path(), {.resume = true}),
                             [&](const fit_epoch& e) { return ++calls, e.epoch > 3; }),
                     world);
  CHECK(calls == (world.rank() == 0 ? 5 : 0)); // epochs 4 to 8
  CHECK(values_of(q) == values_of(whole));
  CHECK(numbers_of(r) == numbers_of(expected));
}
