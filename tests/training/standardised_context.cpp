/// \file
/// Training on contexts in any units: the same likelihood if they are standardised, a warning if
/// they should be, and files and checkpoints that carry the numbers.

#include <bijou/bijou.hpp>
#include <bijou/io/checkpoint.hpp>
#include <bijou/io/save_load.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../support/numerics.hpp"
#include "../support/random_parameters.hpp"
#include "../support/scratch_folder.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::scratch_folder;
using testing::worse;

namespace {

constexpr auto expression = normal<1> | given<2> | maf<24>;
constexpr auto small = normal<1> | given<2> | maf<6>;

/// y = c0 - 2 c1 + exp(c1 / 2) e with contexts of order one, and in other units.
template <class T> struct regression {
  xt::xtensor<T, 2> y, context, in_units;
  static constexpr double mean0 = 2e4, scale0 = 4e3, scale1 = 1e-3;

  regression(std::size_t n, std::uint64_t seed)
      : y(std::array<std::size_t, 2>{n, 1}), context(std::array<std::size_t, 2>{n, 2}),
        in_units(std::array<std::size_t, 2>{n, 2}) {
    const auto random = testing::normal_values<double>(3 * n, seed);
    for (std::size_t i = 0; i < n; ++i) {
      const double c0 = random[3 * i], c1 = 0.5 * random[3 * i + 1];
      y(i, 0) = static_cast<T>(c0 - 2 * c1 + std::exp(c1 / 2) * random[3 * i + 2]);
      context(i, 0) = static_cast<T>(c0);
      context(i, 1) = static_cast<T>(c1);
      in_units(i, 0) = static_cast<T>(mean0 + scale0 * c0);
      in_units(i, 1) = static_cast<T>(scale1 * c1);
    }
  }
};

fit_options options(bool standardise) {
  return {.epochs = 30,
          .optimizer = {.learning_rate = 0.01},
          .schedule = schedules::cosine{},
          .standardise_context = standardise};
}
template <class Flow, class Y, class C>
double mean_log_prob(const Flow& q, const Y& y, const C& c) {
  double sum = 0;
  for (const auto v : q.log_prob(y, c)) sum += static_cast<double>(v);
  return sum / static_cast<double>(y.shape()[0]);
}
/// Contexts (n, 1) of these numbers, repeated, with samples that have nothing to do with them.
template <class T> auto column(const std::vector<T>& values, std::size_t n = 40) {
  xt::xtensor<T, 2> y(std::array<std::size_t, 2>{n, 1}), c(std::array<std::size_t, 2>{n, 1});
  const auto random = testing::normal_values<T>(n, 3);
  for (std::size_t i = 0; i < n; ++i) {
    y(i, 0) = random[i];
    c(i, 0) = values[i % values.size()];
  }
  return std::pair(y, c);
}
std::string contents(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  return text;
}

} // namespace

TEMPLATE_TEST_CASE("the units of a context cost no likelihood once it is standardised",
                   "[training]", float, double) {
  using T = TestType;
  const regression<T> training(3000, 1), held_out(1500, 2);
  auto q = make_flow<T>(expression, 3);
  const auto r = fit(q, training.y, training.context, options(false));
  const double right = mean_log_prob(q, held_out.y, held_out.context);
  // E log p under the truth is -(1 + log 2 pi) / 2 - E c1 / 2 = -1.4189.
  CHECK(right == Approx(-1.4189).margin(0.06));
  CHECK(r.remarks.empty());

  auto lost = make_flow<T>(expression, 3);
  fit(lost, training.y, training.in_units, options(false));
  CHECK(mean_log_prob(lost, held_out.y, held_out.in_units) < right - 1);

  auto by_fit = make_flow<T>(expression, 3);
  fit(by_fit, training.y, training.in_units, options(true));
  CHECK(mean_log_prob(by_fit, held_out.y, held_out.in_units) == Approx(right).margin(0.05));

  auto by_call = make_flow<T>(expression, 3);
  standardise_context(by_call, training.in_units);
  fit(by_call, training.y, training.in_units, options(false));
  CHECK(mean_log_prob(by_call, held_out.y, held_out.in_units) == Approx(right).margin(0.05));

  auto as_written =
      make_flow<T>(normal<1> | given<2>.standardise({2e4, 0}, {4e3, 1e-3}) | maf<24>, 3);
  fit(as_written, training.y, training.in_units, options(false));
  CHECK(mean_log_prob(as_written, held_out.y, held_out.in_units) == Approx(right).margin(0.05));
}

TEST_CASE("gradients are those of the standardised context", "[training]") {
  const regression<double> data(40, 1);
  auto q = make_flow<double>(normal<1> | given<2> | maf<5>.activation(activations::tanh), 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  standardise_context(q, data.in_units);
  const auto got = value_and_grad(q, data.y, data.in_units);
  const auto structure = q.structure();
  double largest = 0;
  for (std::size_t i = 0; i < structure.size(); ++i) {
    if (structure[i] == 0) continue;
    const double before = q.parameters()[i], h = 1e-5;
    q.parameters()[i] = before + h;
    const double above = -mean_log_prob(q, data.y, data.in_units);
    q.parameters()[i] = before - h;
    const double below = -mean_log_prob(q, data.y, data.in_units);
    q.parameters()[i] = before;
    CHECK(got.gradient[i] == Approx((above - below) / (2 * h)).margin(1e-8));
    largest = worse(largest, std::abs(got.gradient[i]));
  }
  CHECK(largest > 0.1);
  CHECK(largest < 100); // by raw contexts it is 2e4 times as large
}

TEMPLATE_TEST_CASE("fit says once that a context is far from order one", "[training]", float,
                   double) {
  using T = TestType;
  const auto remarks = [](const std::vector<T>& values, bool standardise = false) {
    const auto [y, c] = column<T>(values);
    auto q = make_flow<T>(normal<1> | given<1> | maf<4>, 3);
    return fit(q, y, c, {.epochs = 2, .validation_fraction = 0, .standardise_context = standardise})
        .remarks;
  };
  // Two numbers m - s and m + s have mean m and spread s; the limits are 10, 10 and 0.1.
  CHECK(remarks({-1, 1}).empty());
  CHECK(remarks({T(9.5) - 1, T(9.5) + 1}).empty());
  CHECK(remarks({-T(9.5), T(9.5)}).empty());
  CHECK(remarks({-T(0.11), T(0.11)}).empty());
  for (const auto& far : std::vector<std::vector<T>>{{T(10.5) - 1, T(10.5) + 1},
                                                     {-T(10.5) - 1, -T(10.5) + 1},
                                                     {-T(10.5), T(10.5)},
                                                     {-T(0.09), T(0.09)},
                                                     {T(1e-30), T(3e-30)}}) {
    const auto said = remarks(far);
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0], Contains("column 0") && Contains("set .standardise_context") &&
                            Contains("standardise_context(q, context)") &&
                            Contains("given<C>.standardise(mean, scale)"));
    CHECK(remarks(far, true).empty());
  }
  CHECK_THAT(remarks({T(1000) - 250, T(1000) + 250})[0],
             Contains("column 0 (mean 1000, spread 250)"));
  // Where training fails, the error says it too: here the samples below 0 are to blame.
  auto positive = make_flow<T>(normal<1> | given<1> | maf<4> | exp_map, 3);
  const auto [y, c] = column<T>({900, 1100});
  CHECK_THROWS_WITH(fit(positive, y, c),
                    Contains("loss became") && Contains("column 0 (mean 1000, spread 100)"));
  CHECK(remarks({T(1e30), T(3e30)}, true).empty());
  // Constants are no matter of units.
  for (const bool standardise : {false, true}) {
    const auto said = remarks({T(5000)}, standardise);
    REQUIRE(said.size() == 1);
    CHECK_THAT(said[0], Contains("constant in column 0") && Contains("nothing can be learned"));
  }
}

TEST_CASE("fit names the columns, three of them", "[training]") {
  const std::size_t n = 50;
  const auto random = testing::normal_values<double>(6 * n, 3);
  xt::xtensor<double, 2> y(std::array<std::size_t, 2>{n, 1}), c(std::array<std::size_t, 2>{n, 6});
  for (std::size_t i = 0; i < n; ++i) {
    y(i, 0) = random[6 * i];
    for (std::size_t k = 0; k < 6; ++k) c(i, k) = random[6 * i + k] * (k == 1 ? 1 : 1000);
    c(i, 5) = 7;
  }
  auto q = make_flow<double>(normal<1> | given<6> | maf<4>, 3);
  auto said = fit(q, y, c, {.epochs = 1}).remarks;
  REQUIRE(said.size() == 2);
  CHECK_THAT(said[0], Contains("columns 0 (") && Contains(", 2 (") && Contains(", 3 (") &&
                          Contains(" and 1 more,"));
  CHECK_THAT(said[0], !Contains(" 1 (") && !Contains(" 4 ("));
  CHECK_THAT(said[1], Contains("constant in column 5 (always 7)"));
}

TEST_CASE("the progress line says what fit warns of, on a line of its own", "[training]") {
  const auto [y, c] = column<float>({900, 1100});
  std::FILE* out = std::tmpfile();
  REQUIRE(out != nullptr);
  auto q = make_flow<float>(normal<1> | given<1> | maf<4>, 3);
  const auto r =
      fit(q, y, c, {.epochs = 3, .progress = {.mode = progress_mode::always, .out = out}});
  const std::string text = contents(out);
  CHECK(text.starts_with("fit: " + r.remarks.at(0) + "\n"));
  CHECK(text.find("far from order one") == text.rfind("far from order one"));
  std::fclose(out);
  // Silence stays silence.
  std::FILE* quiet = std::tmpfile();
  REQUIRE(quiet != nullptr);
  fit(q, y, c, {.epochs = 1, .progress = {.out = quiet}});
  CHECK(contents(quiet).empty());
  std::fclose(quiet);
}

TEST_CASE("fit takes units from the rows that it trains on, |weights| counted", "[training]") {
  const auto [y, c] = column<double>({-3, 1, 1e6});
  std::vector<double> weights(40);
  for (std::size_t i = 0; i < 40; ++i) weights[i] = i % 3 == 0 ? -0.5 : i % 3 == 1 ? 1.5 : 0;
  auto q = make_flow<double>(normal<1> | given<1> | maf<4>, 3);
  fit(q, y, c,
      {.epochs = 1, .validation_fraction = 0, .weights = weights, .standardise_context = true});
  // Rows 0, 3, ..., 39 are 14, rows 1, 4, ..., 37 are 13: weights 7 of -3, 19.5 of 1.
  const double mean = (7 * -3.0 + 19.5) / 26.5;
  CHECK(q.standardisation().mean()[0] == Approx(mean).epsilon(1e-14));
  CHECK(q.standardisation().scale()[0] ==
        Approx(std::sqrt((7 * (-3 - mean) * (-3 - mean) + 19.5 * (1 - mean) * (1 - mean)) / 26.5))
            .epsilon(1e-14));
  // Units that are there already stay.
  const auto before = q.standardisation().text();
  const auto [other_y, other_c] = column<double>({100, 300});
  const auto r = fit(q, other_y, other_c, {.epochs = 1, .standardise_context = true});
  CHECK(q.standardisation().text() == before);
  CHECK(r.remarks.size() == 1); // what networks see is far from order one

  // Samples set aside have no say: with another seed other rows are.
  const regression<double> data(200, 1);
  const auto units = [&](std::uint64_t seed, double fraction) {
    auto p = make_flow<double>(small, 3);
    fit(p, data.y, data.in_units,
        {.epochs = 1, .validation_fraction = fraction, .standardise_context = true, .seed = seed});
    return p.standardisation().text();
  };
  CHECK(units(1, 0.3) != units(2, 0.3));
  CHECK(units(1, 0) == units(2, 0));
}

TEST_CASE("a run that does not begin leaves the units as they were", "[training]") {
  const regression<double> data(60, 1);
  const auto refused = [&](const fit_options& o, const std::string& why) {
    auto q = make_flow<double>(small, 3);
    const auto before = q.log_prob(data.y, data.in_units);
    CHECK_THROWS_WITH(fit(q, data.y, data.in_units, o), Contains(why));
    CHECK((q.log_prob(data.y, data.in_units) == before));
  };
  refused(
      {.standardise_context = true, .checkpoint = {.read = []() -> std::optional<training_state> {
                                      throw std::runtime_error("no such place");
                                    }}},
      "no such place");
  refused({.batch_size = 0, .standardise_context = true}, "batch_size");
  // Numbers that float holds as one: the sentence says what to do.
  const auto [y, c] = column<float>({16777216, 16777218});
  auto q = make_flow<float>(normal<1> | given<1> | maf<4>, 3);
  CHECK_THROWS_WITH(fit(q, y, c, {.standardise_context = true}), Contains("make_flow<double>"));
  CHECK_FALSE(q.standardisation().given());
  auto unconditional = make_flow<float>(normal<1> | affine, 3);
  CHECK_THROWS_WITH(fit(unconditional, y, {.standardise_context = true}),
                    Contains("is for flows with given<C>"));
}

TEMPLATE_TEST_CASE("files carry the units of a context", "[training]", float, double) {
  using T = TestType;
  const scratch_folder folder;
  const std::string path = folder / "model.safetensors", old = folder / "old.safetensors";
  const regression<T> data(300, 1);
  auto q = make_flow<T>(small, 3);
  save(q, old); // as written by a program that knows nothing of units
  const auto plain = q.log_prob(data.y, data.in_units);
  fit(q, data.y, data.in_units, {.epochs = 2, .standardise_context = true});
  save(q, path);
  const auto expected = q.log_prob(data.y, data.in_units);

  // A model trained anew, on other data, is of the same type and text, and takes the place.
  auto loaded = make_flow<T>(small, 4);
  load(loaded, path);
  CHECK((loaded.log_prob(data.y, data.in_units) == expected));
  const regression<T> more(300, 2);
  auto retrained = make_flow<T>(small, 5);
  fit(retrained, more.y, more.context, {.epochs = 2, .standardise_context = true});
  save(retrained, path);
  load(loaded, path);
  CHECK((loaded.log_prob(more.y, more.context) == retrained.log_prob(more.y, more.context)));
  CHECK(loaded.standardisation().text() != q.standardisation().text());
  // A file without units: without.
  load(loaded, old);
  CHECK((loaded.log_prob(data.y, data.in_units) == plain));
  CHECK_FALSE(loaded.standardisation().given());

  // The other scalar type.
  using Other = std::conditional_t<std::is_same_v<T, float>, double, float>;
  save(q, path);
  auto other = make_flow<Other>(small, 4);
  CHECK_THROWS_AS(load(other, path), io::file_error);
  load(other, path, conversion::floating);
  CHECK(static_cast<double>(other.standardisation().mean()[0]) ==
        Approx(static_cast<double>(q.standardisation().mean()[0])).epsilon(1e-7));

  // Units in the expression are part of its text.
  auto written = make_flow<T>(normal<1> | given<2>.standardise({2e4, 0}, {4e3, 1e-3}) | maf<6>, 3);
  save(written, path);
  auto again = make_flow<T>(normal<1> | given<2>.standardise({2e4, 0}, {4e3, 1e-3}) | maf<6>, 4);
  load(again, path);
  CHECK((again.log_prob(data.y, data.in_units) == written.log_prob(data.y, data.in_units)));
  auto with_others =
      make_flow<T>(normal<1> | given<2>.standardise({2e4, 0}, {4e3, 2e-3}) | maf<6>, 4);
  CHECK_THROWS_WITH(load(with_others, path), Contains("standardise({20000, 0}, {4000, 0.001})"));
}

TEST_CASE("units that float cannot hold are not loaded into it", "[training]") {
  const scratch_folder folder;
  const std::string path = folder / "model.safetensors";
  auto wide = make_flow<double>(small, 3);
  xt::xtensor<double, 2> seconds{{1126259462.35, 1}, {1126259462.45, 2}};
  standardise_context(wide, seconds);
  save(wide, path);
  auto narrow = make_flow<float>(small, 4);
  CHECK_THROWS_WITH(load(narrow, path, conversion::floating), Contains("use make_flow<double>"));
  CHECK_THROWS_AS(load(narrow, path, conversion::floating), io::file_error);
  CHECK_FALSE(narrow.standardisation().given());
}

TEMPLATE_TEST_CASE("a run with units goes on from its checkpoint with the same bits", "[training]",
                   float, double) {
  using T = TestType;
  const scratch_folder folder;
  const std::string path = folder / "run.safetensors";
  const regression<T> data(300, 1);
  const auto run = [&](int stop_after, bool standardise, const checkpoints& places) {
    auto q = make_flow<T>(small, 3);
    fit(q, data.y, data.in_units,
        {.epochs = 6,
         .batch_size = 64,
         .standardise_context = standardise,
         .callback = [&](const fit_epoch& e) { return e.epoch != stop_after; },
         .checkpoint = places});
    return q;
  };
  const auto whole = run(0, true, {});
  run(3, true, checkpoint_file(path));
  const auto resumed = run(0, true, checkpoint_file(path, {.resume = true}));
  CHECK((resumed.log_prob(data.y, data.in_units) == whole.log_prob(data.y, data.in_units)));
  CHECK(resumed.standardisation().text() == whole.standardisation().text());

  // Parameters mean nothing under other units.
  CHECK_THROWS_WITH(run(0, false, checkpoint_file(path, {.resume = true})),
                    Contains("no context standardised by"));
  auto other = make_flow<T>(small, 3);
  standardise_context(other, data.context);
  CHECK_THROWS_WITH(
      fit(other, data.y, data.in_units,
          {.epochs = 6, .batch_size = 64, .checkpoint = checkpoint_file(path, {.resume = true})}),
      Contains("expected a checkpoint of this run, with context standardised by"));
  run(3, false, checkpoint_file(path));
  CHECK_THROWS_WITH(run(0, true, checkpoint_file(path, {.resume = true})),
                    Contains("got one with none"));
  CHECK_NOTHROW(run(0, false, checkpoint_file(path, {.resume = true})));
}

TEMPLATE_TEST_CASE("batches in memory and threads take the same units", "[training]", float,
                   double) {
  using T = TestType;
  const regression<T> data(300, 1);
  const auto units = [&](auto&& train) {
    auto q = make_flow<T>(small, 3);
    train(q);
    CHECK(q.standardisation().given());
    return q.standardisation().text();
  };
  const fit_options o{.epochs = 1, .validation_fraction = 0, .standardise_context = true};
  const auto by_fit = units([&](auto& q) { fit(q, data.y, data.in_units, o); });
  const auto in_memory = [&](const fit_options& how) {
    return units([&](auto& q) {
      const weighted_batch<T> batch{rows_of(data.y.data(), 300, 1),
                                    rows_of(data.in_units.data(), 300, 2)};
      fit(q, batch, how);
    });
  };
  CHECK(in_memory(o) == by_fit);
  auto threaded = o;
  threaded.threads = 2;
  CHECK(in_memory(threaded) == by_fit);
  CHECK(units([&](auto& q) { standardise_context(q, data.in_units); }) == by_fit);
}
