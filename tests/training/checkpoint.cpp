/// \file
/// Checkpoints: a run that goes on from one ends with the bits of one that was never interrupted;
/// foreign and damaged ones are refused.

#include <bijou/bijou.hpp>
#include <bijou/io/checkpoint.hpp>
#include <bijou/io/save_load.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "../catch.hpp"
#include "../support/scratch_folder.hpp"
#include "../support/training_problems.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::crooked;
using testing::hill;
using testing::scratch_folder;
using testing::values_of;

namespace {

constexpr auto small = normal<2> | maf<8> | shuffle(4) | maf<8>;
constexpr auto guide = normal<2> | given<1> | iaf<8> | flip | iaf<8>;

constexpr auto moving_hill = [](const auto& x, const auto& c) {
  const auto u = x[0] - c[0], v = x[1] + 0.5 * x[0];
  return -0.5 * (u * u + 4.0 * v * v);
};

/// All of the history but the time that it took; NaN are equal.
std::vector<std::uint64_t> bits_of(const fit_result& r) {
  std::vector<std::uint64_t> bits{static_cast<std::uint64_t>(r.best_epoch),
                                  std::bit_cast<std::uint64_t>(r.best_validation),
                                  static_cast<std::uint64_t>(r.reason)};
  for (const fit_epoch& e : r.history) {
    bits.push_back(static_cast<std::uint64_t>(e.epoch));
    for (const double x : {e.training, e.validation, e.learning_rate, e.gradient_norm})
      bits.push_back(std::bit_cast<std::uint64_t>(x));
    bits.push_back(e.best ? 1 : 0);
  }
  return bits;
}

/// Runs train(flow, options) once without a break, and once with a break after each of the epochs
/// of `breaks`, each part with a flow that knows nothing of the one before.
template <class Make, class Options, class Train>
void check_resumed(const Make& make, const Options& options, const std::vector<int>& breaks,
                   const Train& train) {
  const scratch_folder folder;
  const std::string path = folder / "run.safetensors";
  auto whole = make();
  const fit_result expected = train(whole, options);

  for (const int every : {1, 3}) {
    std::filesystem::remove(path);
    for (const int last : breaks) {
      auto part = make();
      Options broken = options;
      broken.checkpoint = checkpoint_file(path, {.every = every, .resume = true});
      broken.callback = [&](const fit_epoch& e) { return e.epoch < last; };
      const fit_result r = train(part, broken);
      REQUIRE(r.reason == stop_reason::callback);
      REQUIRE(r.history.size() == static_cast<std::size_t>(last));
    }
    for (int again = 0; again < 2; ++again) { // the second begins where nothing is left to do
      auto q = make();
      Options rest = options;
      rest.checkpoint = checkpoint_file(path, {.every = every, .resume = true});
      const fit_result r = train(q, rest);
      CHECK(bits_of(r) == bits_of(expected));
      CHECK(values_of(q) == values_of(whole));
      CHECK(std::is_sorted(r.history.begin(), r.history.end(),
                           [](const auto& a, const auto& b) { return a.seconds < b.seconds; }));
    }
  }
}

} // namespace

TEMPLATE_TEST_CASE("fit goes on from a checkpoint with the same bits", "[training]", float,
                   double) {
  using T = TestType;
  const auto y = crooked<T>(500);
  std::vector<double> weights(500);
  for (std::size_t i = 0; i < 500; ++i) weights[i] = 0.5 + static_cast<double>(i % 3);
  const auto make = [] { return make_flow<T>(small, 3); };
  const auto train = [&](auto& q, const fit_options& o) { return fit(q, y, o); };
  for (const int threads : {1, 2})
    for (const double validation : {0.0, 0.2}) {
      const fit_options options{.epochs = 9,
                                .batch_size = 70,
                                .optimizer = {.learning_rate = 0.01, .weight_decay = 0.01},
                                .schedule = schedules::cosine{.warmup = 0.1},
                                .validation_fraction = validation,
                                .weights = weights,
                                .seed = 5,
                                .threads = threads};
      check_resumed(make, options, {1, 4, 8}, train);
    }
}

TEST_CASE("fit runs out of patience where it would have without a break", "[training]") {
  const auto y = crooked<double>(60);
  const fit_options options{.epochs = 500,
                            .batch_size = 16,
                            .optimizer = {.learning_rate = 0.05},
                            .validation_fraction = 0.3,
                            .patience = 5};
  auto q = make_flow<double>(small, 3);
  const fit_result r = fit(q, y, options);
  REQUIRE(r.reason == stop_reason::patience);
  const int last = static_cast<int>(r.history.size());
  REQUIRE(last > 8);
  check_resumed([] { return make_flow<double>(small, 3); }, options, {last - 7, last - 3, last - 1},
                [&](auto& flow, const fit_options& o) { return fit(flow, y, o); });
}

TEMPLATE_TEST_CASE("fit_to goes on from a checkpoint with the same bits", "[training]", float,
                   double) {
  using T = TestType;
  const fit_to_options options{.epochs = 8,
                               .steps_per_epoch = 5,
                               .batch_size = 300,
                               .optimizer = {.learning_rate = 0.01},
                               .schedule = schedules::cosine{},
                               .annealing =
                                   [](std::int64_t step, std::int64_t total) {
                                     return static_cast<double>(step + 1) /
                                            static_cast<double>(total);
                                   },
                               .seed = 2};
  check_resumed([] { return make_flow<T>(normal<2> | iaf<8>, 3); }, options, {2, 7},
                [](auto& q, const fit_to_options& o) { return fit_to(q, path_only(hill), o); });
  // 70 contexts: a step takes all of them four times and a part more.
  xt::xtensor<T, 2> c(std::array<std::size_t, 2>{70, 1});
  for (std::size_t i = 0; i < 70; ++i) c(i, 0) = static_cast<T>(i) / T(35) - 1;
  check_resumed([] { return make_flow<T>(guide, 3); }, options, {1, 5},
                [&](auto& q, const fit_to_options& o) { return fit_to(q, moving_hill, c, o); });
}

TEST_CASE("a run that goes on shows how far it is, and the time that is left of it", "[training]") {
  // Four epochs of three steps, of which two were done; the clock moves by a second at each look.
  const scratch_folder folder;
  const auto shown = [&](const std::string& path, const auto& options, const auto& train) {
    auto broken = options;
    broken.checkpoint = checkpoint_file(path, {.resume = true});
    auto rest = broken;
    broken.callback = [](const fit_epoch& e) { return e.epoch < 2; };
    train(broken);
    std::FILE* file = std::tmpfile();
    REQUIRE(file != nullptr);
    static double seconds = 0;
    rest.progress = {.mode = progress_mode::always,
                     .out = file,
                     .seconds_between_lines = 0,
                     .clock = [] { return seconds += 1; }};
    train(rest);
    std::rewind(file);
    std::string text(4096, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), file));
    std::fclose(file);
    return text;
  };
  const auto check = [](const std::string& text) {
    CHECK_THAT(text, Catch::Matchers::StartsWith("epoch 3/4  step 7/12  training "));
    // After the first step half a dozen less one are left; after the last none, whatever was
    // before. A step is 20 samples; an update looks at the clock once.
    CHECK_THAT(text, Contains("step 7/12") && Contains("  20 /s  0:05 left\n"));
    CHECK_THAT(text, Contains("epoch 3/4  step 9/12") && Contains("  0:03 left\n"));
    CHECK_THAT(text, Contains("epoch 4/4  step 12/12") && Contains("  0:00 left\n"));
    CHECK(text.find("step 6/12") == std::string::npos);
  };
  const auto y = crooked<float>(60);
  check(shown(folder / "fit", fit_options{.epochs = 4, .batch_size = 20, .validation_fraction = 0},
              [&](const fit_options& o) {
                auto q = make_flow<float>(small, 3);
                fit(q, y, o);
              }));
  check(shown(folder / "fit_to",
              fit_to_options{.epochs = 4, .steps_per_epoch = 3, .batch_size = 20},
              [&](const fit_to_options& o) {
                auto q = make_flow<float>(normal<2> | iaf<8>, 3);
                fit_to(q, hill, o);
              }));
}

TEST_CASE("fit_to goes on with another number of threads and the same bits", "[training]") {
  const scratch_folder folder;
  const auto run = [&](int epochs, int threads) {
    auto q = make_flow<float>(normal<2> | iaf<8>, 3);
    fit_to(q, hill,
           {.epochs = 4,
            .steps_per_epoch = 3,
            .batch_size = 600,
            .threads = threads,
            .callback = [&](const fit_epoch& e) { return e.epoch < epochs; },
            .checkpoint = checkpoint_file(folder / "run", {.resume = true})});
    return values_of(q);
  };
  const auto whole = run(4, 1);
  std::filesystem::remove(folder / "run");
  run(2, 2);
  CHECK(run(4, 3) == whole);
}

TEST_CASE("without resume a run begins anew and replaces the file", "[training]") {
  const scratch_folder folder;
  const std::string path = folder / "run";
  const auto y = crooked<float>(100);
  const auto run = [&](std::uint64_t seed) {
    auto q = make_flow<float>(small, 3);
    fit(q, y, {.epochs = 2, .seed = seed, .checkpoint = checkpoint_file(path)});
    return std::get<training_vectors<float>>(detail::read_checkpoint(path).vectors).parameters;
  };
  const auto first = run(1);
  CHECK(run(2) != first);
  CHECK(run(1) == first);
}

TEST_CASE("checkpoints are written when they are due", "[training]") {
  const auto y = crooked<float>(100);
  std::vector<std::size_t> written;
  const auto run = [&](int epochs, int every, int stop) {
    written.clear();
    auto q = make_flow<float>(small, 3);
    fit(q, y,
        {.epochs = epochs,
         .callback = [&](const fit_epoch& e) { return e.epoch != stop; },
         .checkpoint = {
             .write = [&](const training_state& s) { written.push_back(s.result.history.size()); },
             .every = every}});
    return written;
  };
  CHECK(run(4, 1, 0) == std::vector<std::size_t>{1, 2, 3, 4});
  CHECK(run(7, 3, 0) == std::vector<std::size_t>{3, 6, 7});
  CHECK(run(7, 3, 5) == std::vector<std::size_t>{3, 5});
  CHECK_THROWS_WITH(run(7, 0, 0), Contains("expected checkpoints.every >= 1, got 0"));
  CHECK(checkpoint_file("run", {.every = 3}).every == 3);
}

TEST_CASE("a checkpoint that cannot be written ends the run with the last good parameters",
          "[training]") {
  const auto y = crooked<float>(100);
  auto q = make_flow<float>(small, 3);
  CHECK_THROWS_AS(fit(q, y, {.checkpoint = checkpoint_file("/nowhere/run")}), io::file_error);
  for (const float p : values_of(q)) CHECK(std::isfinite(p));
}

TEST_CASE("fingerprints tell numbers apart by every bit", "[training]") {
  const auto of = [](auto x) {
    detail::fingerprint f;
    f.add(x);
    return f.value();
  };
  CHECK(of(1.5) != of(-1.5));
  CHECK(of(1.5F) != of(-1.5F));
  CHECK(of(0.0) != of(-0.0));
  CHECK(of(1.5) != of(std::nextafter(1.5, 2.0)));
}

TEST_CASE("a foreign checkpoint is refused, and the flow stays", "[training]") {
  const scratch_folder folder;
  const std::string path = folder / "run";
  const auto y = crooked<float>(100);
  const fit_options options{.epochs = 2, .batch_size = 50};
  const auto with_file = [&](fit_options o) {
    o.checkpoint = checkpoint_file(path, {.resume = true});
    return o;
  };
  auto q = make_flow<float>(small, 3);
  fit(q, y, with_file(options));

  const auto refuses = [](auto flow, const std::string& message, const auto& train) {
    const auto before = values_of(flow);
    CHECK_THROWS_AS(train(flow), std::invalid_argument);
    CHECK_THROWS_WITH(train(flow),
                      Contains("expected a checkpoint of this run, ") && Contains(message));
    CHECK(values_of(flow) == before);
  };
  const auto fitting = [&](const auto& samples, const fit_options& o) {
    return [&, o](auto& flow) { fit(flow, samples, with_file(o)); };
  };
  refuses(
      make_flow<float>(normal<2> | maf<8>),
      "with expression normal<2> | maf<8>, got one with expression normal<2> | maf<8> | shuffle",
      fitting(y, options));
  refuses(make_flow<double>(small, 3), "with scalar type double, got one with scalar type float",
          fitting(crooked<double>(100), options));
  const auto differs = [&](const char* what, auto change) {
    fit_options o = options;
    change(o);
    refuses(make_flow<float>(small, 3), what, fitting(y, o));
  };
  const std::vector<double> weights(100, 2.0);
  differs("with patience 3, got", [](auto& o) { o.patience = 3; });
  differs("with seed 8, got", [](auto& o) { o.seed = 8; });
  differs("with optimizer ", [](auto& o) { o.optimizer.weight_decay = 0.125; });
  differs("with data ", [&](auto& o) { o.weights = weights; });
  differs("with epochs 1, got", [](auto& o) { o.epochs = 1; });
  fit_options other = options;
  other.batch_size = 49;
  refuses(q, "with batch_size 49, got one with batch_size 50", fitting(y, other));
  other = options;
  other.epochs = 3;
  refuses(q, "with epochs 3, got one with epochs 2", fitting(y, other));
  other = options;
  other.optimizer.beta2 = 0.99;
  refuses(q, "with optimizer", fitting(y, other));
  other = options;
  other.seed = 1;
  refuses(q, "with seed 1, got one with seed 0", fitting(y, other));
  auto moved = y;
  moved(17, 0) += 1;
  refuses(q, "with data", fitting(moved, options));
  moved = y;
  moved(17, 0) = -moved(17, 0);
  refuses(q, "with data", fitting(moved, options));
  // Of this run, but longer than it can be: no run of ours writes that.
  refuses(make_flow<float>(small, 3), "with at most 2 epochs, got one with 3", [&](auto& flow) {
    fit_options o = options;
    o.checkpoint.read = [&] {
      std::optional<training_state> state = checkpoint_file(path, {.resume = true}).read();
      state->result.history.push_back(state->result.history.back());
      return state;
    };
    fit(flow, y, o);
  });
  auto unlike = make_flow<float>(normal<2> | iaf<8>, 3);
  CHECK_THROWS_WITH(fit_to(unlike, hill, {.checkpoint = checkpoint_file(path, {.resume = true})}),
                    Contains("fit_to: expected a checkpoint of this run"));
}

TEST_CASE("a damaged checkpoint is refused, and the flow stays", "[training]") {
  const scratch_folder folder;
  const std::string path = folder / "run";
  const auto y = crooked<float>(100);
  auto q = make_flow<float>(small, 3);
  const fit_options options{.epochs = 2, .checkpoint = checkpoint_file(path, {.resume = true})};
  const auto before = values_of(q);
  const auto refused = [&](const std::string& message) {
    auto fresh = make_flow<float>(small, 3);
    CHECK_THROWS_AS(fit(fresh, y, options), io::file_error);
    CHECK_THROWS_WITH(fit(fresh, y, options), Contains(path) && Contains(message));
    CHECK(values_of(fresh) == before);
  };
  fit(q, y, options);
  const auto size = std::filesystem::file_size(path);
  std::filesystem::resize_file(path, size - 1);
  refused("but ends after");
  std::filesystem::resize_file(path, 5);
  refused("too short");
  save(q, path);
  refused("is no checkpoint of a training run");
  std::ofstream(path) << "not a safetensors file at all";
  refused("");
}
