/// \file
/// A process that fails ends the run in all of them: its own error there, one that tells of it in
/// the others. A hang is what the test's time limit is for.

#include <bijou/mpi.hpp>

#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <type_traits>

#include "../catch.hpp"
#include "support.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::crooked;
using testing::hill;
using testing::values_of;

namespace {

struct own_mistake : std::runtime_error {
  using std::runtime_error::runtime_error;
};

/// train(flow) fails on `culprit` with own_mistake("no"); on the others with a word about it. The
/// flow keeps its parameters, and the processes stay able to work together.
template <class Train>
void check_fails(const mpi::communicator& world, int culprit, const Train& train) {
  auto q = make_flow<double>(testing::guide, 3);
  const auto before = values_of(q);
  if (world.rank() == culprit) {
    CHECK_THROWS_AS(train(q), own_mistake);
  } else {
    try {
      train(q);
      FAIL_CHECK("expected training_error");
    } catch (const training_error& e) {
      CHECK_THAT(e.what(), Contains("rank " + std::to_string(culprit) + " of " +
                                    std::to_string(world.size()) + " failed: no"));
    }
  }
  CHECK(values_of(q) == before);
  double n = 1;
  world.sum(std::span(&n, 1));
  CHECK(n == world.size());
}

} // namespace

TEST_CASE("a target that throws on one process ends all", "[mpi]") {
  const mpi::communicator world;
  for (int culprit = 0; culprit < world.size(); ++culprit)
    for (const int threads : {1, 2})
      check_fails(world, culprit, [&](auto& q) {
        const auto target = [&](const auto& x) {
          if (world.rank() == culprit) throw own_mistake("no");
          return hill(x);
        };
        fit_to(q, target, {.batch_size = 600, .threads = threads}, world);
      });
}

TEST_CASE("a schedule or a callback that throws ends all", "[mpi]") {
  const mpi::communicator world;
  const int last = world.size() - 1;
  const auto y = crooked<double>(50);
  const auto schedule = [&](std::int64_t, std::int64_t) {
    if (world.rank() == last) throw own_mistake("no");
    return 1.0;
  };
  const auto callback = [](const fit_epoch&) -> bool { throw own_mistake("no"); };
  check_fails(world, last, [&](auto& q) { fit_to(q, hill, {.schedule = schedule}, world); });
  check_fails(world, last, [&](auto& q) { fit_to(q, hill, {.annealing = schedule}, world); });
  check_fails(world, last, [&](auto& q) { fit(q, y, {.schedule = schedule}, world); });
  check_fails(world, 0, [&](auto& q) {
    fit(q, y, {.optimizer = {.learning_rate = 0}, .callback = callback}, world);
  });
  check_fails(world, 0, [&](auto& q) {
    fit_to(q, hill, {.optimizer = {.learning_rate = 0}, .callback = callback}, world);
  });
}

TEST_CASE("a checkpoint that rank 0 cannot write or read ends all", "[mpi]") {
  const mpi::communicator world;
  const auto y = crooked<double>(50);
  const checkpoints unwritable{.write = [](const training_state&) { throw own_mistake("no"); }};
  const checkpoints unreadable{
      .read = []() -> std::optional<training_state> { throw own_mistake("no"); }};
  check_fails(world, 0, [&](auto& q) {
    fit(q, y, {.optimizer = {.learning_rate = 0}, .checkpoint = unwritable}, world);
  });
  check_fails(world, 0, [&](auto& q) { fit(q, y, {.checkpoint = unreadable}, world); });
}

TEST_CASE("a loss that is not finite on one process ends all with the same words", "[mpi]") {
  const mpi::communicator world;
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  for (const std::size_t bad : {0U, 100U, 599U}) { // in the first, any and the last part
    const auto target = [&](const auto& x, sample_numbers numbers) {
      using X = std::remove_cvref_t<decltype(x[0])>;
      const bool here =
          numbers.first <= bad && bad < numbers.first + static_cast<std::size_t>(numbers.count);
      return here ? X(nan) : hill(x);
    };
    auto q = make_flow<double>(testing::guide, 3);
    const auto before = values_of(q);
    std::string text;
    try {
      fit_to(q, target, {.batch_size = 600}, world);
    } catch (const training_error& e) {
      text = e.what();
      CHECK(e.step() == 1);
    }
    CHECK_THAT(text, Contains("step 1, the loss became nan: log q - log p of sample"));
    CHECK(testing::same_on_all(world, std::vector<char>(text.begin(), text.end())));
    CHECK(values_of(q) == before);
  }
  // Samples outside the support of the flow, one of them in the last part of the batch.
  auto q = make_flow<double>(normal<2> | maf<8> | on<0>(sigmoid_map), 3);
  xt::xtensor<double, 2> y = xt::ones<double>({50, 2}) * 0.5;
  y(17, 0) = 1.5;
  CHECK_THROWS_WITH(fit(q, y, {.validation_fraction = 0}, world),
                    Contains("log_prob of sample 17 is -inf") && Contains("epoch 1"));
  const auto rows = rows_of(y.data(), 50, 2);
  const weighted_batch<double> all{rows}, inside{rows_of(y.data(), 10, 2)};
  CHECK_THROWS_WITH(fit(q, inside, all, {}, world), Contains("validation sample 17 is -inf"));
}

TEST_CASE("arguments that differ or are wrong on one process end all", "[mpi]") {
  const mpi::communicator world;
  if (world.size() == 1) return;
  auto q = make_flow<double>(testing::small, 3);
  const auto before = values_of(q);
  auto y = crooked<double>(50);
  const bool last = world.rank() == world.size() - 1;
  const auto fails = [&](const auto& train, const std::string& message) {
    CHECK_THROWS_WITH(train(), Contains(message));
    CHECK(values_of(q) == before);
  };
  const std::string other = "expected the flow, data and options of rank 0, got others on rank ";
  fails([&] { fit(q, y, {.seed = last ? 1U : 0U}, world); }, other);
  fails([&] { fit_to(q, hill, {.batch_size = last ? 10U : 20U}, world); }, other);
  fails([&] { fit(q, y, {.batch_size = last ? 0U : 20U}, world); }, "expected batch_size >= 1");
  fails([&] { fit_to(q, hill, {.threads = last ? 0 : 1}, world); }, "threads: expected at least 1");
  // Parameters come from rank 0, units do not.
  auto conditional = make_flow<double>(testing::amortised, 3);
  const xt::xtensor<double, 2> c = xt::ones<double>({50, 1}) * 0.5;
  if (last) standardise_context(conditional, c);
  fails([&] { fit(conditional, y, c, {}, world); }, other);
  CHECK(conditional.standardisation().given() == last);
  const xt::xtensor<double, 2> narrow = xt::zeros<double>({10, 3});
  fails([&] { fit(q, last ? narrow : y, {}, world); }, "expected samples of shape (n, 2)");
  if (last) y(3, 1) += 1; // each process its own data: another run than this one
  fails([&] { fit(q, y, {}, world); }, other);
  if (last) y(3, 1) = std::numeric_limits<double>::quiet_NaN();
  fails([&] { fit(q, y, {}, world); }, "got nan in row 3, column 1");
}
