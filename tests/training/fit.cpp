#include <bijou/bases/normal.hpp>
#include <bijou/bijectors/conditioners/autoregressive.hpp>
#include <bijou/bijectors/elementwise.hpp>
#include <bijou/bijectors/elementwise/exp.hpp>
#include <bijou/bijectors/elementwise/sigmoid.hpp>
#include <bijou/bijectors/elementwise/standardise.hpp>
#include <bijou/bijectors/given.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/bijectors/on.hpp>
#include <bijou/flow/make_flow.hpp>
#include <bijou/training/fit.hpp>
#include <bijou/transformers/affine.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/allocation_counter.hpp"
#include "../support/values_of.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::values_of;

namespace {

constexpr auto small = normal<2> | maf<8> | flip | maf<8>;

/// Samples of a crescent: x_1 ~ N(1, 0.5), x_0 ~ N(x_1^2, 0.3).
template <class T> xt::xtensor<T, 2> crescent(std::size_t n, std::uint32_t seed = 1) {
  std::mt19937 generator(seed);
  std::normal_distribution<double> normal;
  xt::xtensor<T, 2> y(std::array<std::size_t, 2>{n, 2});
  for (std::size_t i = 0; i < n; ++i) {
    const double a = 1 + 0.5 * normal(generator);
    y(i, 1) = static_cast<T>(a);
    y(i, 0) = static_cast<T>(a * a + 0.3 * normal(generator));
  }
  return y;
}
/// Entropy of the crescent, nats.
const double crescent_entropy = 1 + std::log(2 * M_PI) + std::log(0.5) + std::log(0.3);

template <class Flow>
double loss(const Flow& q, const xt::xtensor<typename Flow::value_type, 2>& y) {
  double sum = 0;
  for (const auto l : q.log_prob(y)) sum -= static_cast<double>(l);
  return sum / static_cast<double>(y.shape()[0]);
}

bool same_bits(const fit_result& a, const fit_result& b) {
  return a.best_epoch == b.best_epoch &&
         std::equal(a.history.begin(), a.history.end(), b.history.begin(), b.history.end(),
                    [](const fit_epoch& x, const fit_epoch& y) {
                      return x.training == y.training && x.validation == y.validation &&
                             x.gradient_norm == y.gradient_norm;
                    });
}

} // namespace

TEMPLATE_TEST_CASE("fit brings the loss near the data's entropy", "[training]", float, double) {
  const auto y = crescent<TestType>(4000);
  const auto unseen = crescent<TestType>(4000, 2);
  auto q = make_flow<TestType>(small, 3);
  const double before = loss(q, unseen);
  const auto r = fit(q, y,
                     {.epochs = 60,
                      .batch_size = 200,
                      .optimizer = {.learning_rate = 0.02},
                      .schedule = schedules::cosine{.warmup = 0.05},
                      .patience = 0});
  CHECK(before > crescent_entropy + 1);
  CHECK(loss(q, unseen) == Approx(crescent_entropy).margin(0.08));
  CHECK(r.history.size() == 60);
  CHECK(r.reason == stop_reason::epochs);
  CHECK(r.history[0].training > r.history.back().training);
  CHECK(r.best_validation == Approx(crescent_entropy).margin(0.25));
}

TEMPLATE_TEST_CASE("fit gives the same bits for the same seed and threads", "[training]", float,
                   double) {
  const auto y = crescent<TestType>(700);
  const auto run = [&](std::uint64_t seed, int threads) {
    auto q = make_flow<TestType>(small, 3);
    auto r = fit(q, y, {.epochs = 4, .batch_size = 100, .seed = seed, .threads = threads});
    return std::pair{values_of(q), std::move(r)};
  };
  for (const int threads : {1, 2, 3}) {
    const auto a = run(5, threads), b = run(5, threads), c = run(6, threads);
    CHECK(a.first == b.first);
    CHECK(same_bits(a.second, b.second));
    CHECK(a.first != c.first);
    // Threads change the order of sums, and nothing else.
    const auto one = run(5, 1);
    CHECK(a.second.history.back().training ==
          Approx(one.second.history.back().training).epsilon(1e-4));
  }
}

TEMPLATE_TEST_CASE("fit takes any layout and kind of expression", "[training]", float, double) {
  using T = TestType;
  const auto y = crescent<T>(300);
  const fit_options options{.epochs = 2, .batch_size = 64};
  const auto parameters_after = [&](const auto& expression) {
    auto q = make_flow<T>(small, 3);
    fit(q, expression, options);
    return values_of(q);
  };
  const auto plain = parameters_after(y);
  const xt::xtensor<T, 2, xt::layout_type::column_major> columns = y;
  CHECK(parameters_after(columns) == plain);
  CHECK(parameters_after(y * T(1)) == plain); // lazy
  const xt::xtensor<double, 2> wide = y;
  CHECK(parameters_after(wide) == plain); // of another type
}

TEST_CASE("fit restores the parameters of the best epoch and stops for lack of patience",
          "[training]") {
  // Few samples and a high rate: the flow soon learns them by heart.
  const auto y = crescent<double>(60);
  auto q = make_flow<double>(small, 3);
  std::vector<std::vector<double>> seen;
  const auto r = fit(q, y,
                     {.epochs = 500,
                      .batch_size = 16,
                      .optimizer = {.learning_rate = 0.05},
                      .validation_fraction = 0.3,
                      .patience = 7,
                      .callback = [&](const fit_epoch&) {
                        seen.push_back(values_of(q));
                        return true;
                      }});
  REQUIRE(r.reason == stop_reason::patience);
  CHECK(r.history.size() == static_cast<std::size_t>(r.best_epoch + 7));
  CHECK(values_of(q) == seen[static_cast<std::size_t>(r.best_epoch - 1)]);
  double lowest = std::numeric_limits<double>::infinity();
  for (const fit_epoch& e : r.history) {
    if (e.best) CHECK(e.validation < lowest);
    lowest = std::min(lowest, e.validation);
  }
  CHECK(r.best_validation == lowest);
  CHECK(r.history[static_cast<std::size_t>(r.best_epoch - 1)].validation == lowest);
}

TEST_CASE("fit waits for twenty epochs without a better one", "[training]") {
  auto q = make_flow<double>(small, 3);
  const auto r = fit(q, crescent<double>(100), {.epochs = 50, .optimizer = {.learning_rate = 0}});
  CHECK(r.reason == stop_reason::patience);
  CHECK(r.best_epoch == 0); // as it was
  CHECK(r.history.size() == 20);
}

TEST_CASE("fit never leaves a flow worse than it was", "[training]") {
  const auto y = crescent<double>(1000);
  auto q = make_flow<double>(small, 3);
  fit(q, y, {.epochs = 40, .optimizer = {.learning_rate = 0.02}, .patience = 0});
  const auto before = values_of(q);
  const auto r = fit(q, y, {.epochs = 3, .optimizer = {.learning_rate = 5}}); // spoils it
  CHECK(r.best_epoch == 0);
  CHECK(values_of(q) == before);
  CHECK(
      std::none_of(r.history.begin(), r.history.end(), [](const fit_epoch& e) { return e.best; }));
}

TEST_CASE("fit without validation keeps the last parameters", "[training]") {
  const auto y = crescent<double>(200);
  auto q = make_flow<double>(small, 3);
  std::vector<double> last;
  const auto r = fit(
      q, y,
      {.epochs = 5, .validation_fraction = 0, .patience = 1, .callback = [&](const fit_epoch& e) {
         CHECK(std::isnan(e.validation));
         last = values_of(q);
         return true;
       }});
  CHECK(r.history.size() == 5);
  CHECK(r.best_epoch == 5);
  CHECK(std::isnan(r.best_validation));
  CHECK(values_of(q) == last);
}

TEST_CASE("fit judges by validation samples of the caller's own", "[training]") {
  const auto y = crescent<double>(500);
  const auto judge = crescent<double>(300, 9);
  auto q = make_flow<double>(small, 3);
  const auto batch = [](const auto& x) {
    return weighted_batch<double>{rows_of(x.data(), x.shape()[0], 2)};
  };
  const auto r = fit(q, batch(y), batch(judge), {.epochs = 5});
  CHECK(r.best_validation == Approx(loss(q, judge)).epsilon(1e-12));
}

TEST_CASE("fit's callback stops it", "[training]") {
  const auto y = crescent<float>(200);
  auto q = make_flow<float>(small, 3);
  const auto r = fit(q, y, {.callback = [](const fit_epoch& e) { return e.epoch < 3; }});
  CHECK(r.reason == stop_reason::callback);
  CHECK(r.history.size() == 3);
  CHECK_THROWS_WITH(
      fit(q, y, {.callback = [](const fit_epoch&) -> bool { throw std::runtime_error("enough"); }}),
      "enough");
}

TEST_CASE("fit follows the learning-rate schedule", "[training]") {
  const auto y = crescent<float>(100);
  auto q = make_flow<float>(small, 3);
  std::vector<std::int64_t> steps;
  const auto r = fit(q, y,
                     {.epochs = 3,
                      .batch_size = 40, // three batches of 34, 33 and 33
                      .optimizer = {.learning_rate = 0.5, .max_norm = 1},
                      .schedule =
                          [&](std::int64_t step, std::int64_t total) {
                            CHECK(total == 9);
                            steps.push_back(step);
                            return 1e-3 * static_cast<double>(step);
                          },
                      .validation_fraction = 0});
  CHECK(steps == std::vector<std::int64_t>{0, 1, 2, 3, 4, 5, 6, 7, 8});
  CHECK(r.history[1].learning_rate == Approx(0.5 * 5e-3));
}

TEMPLATE_TEST_CASE("fit: a weight counts as so many copies of a sample", "[training]", float,
                   double) {
  // One batch holds all, so that steps see the same sums but for their order.
  const auto y = crescent<TestType>(90);
  std::vector<double> weights(90);
  std::size_t total = 0;
  for (std::size_t i = 0; i < 90; ++i) {
    weights[i] = static_cast<double>(i % 4);
    total += i % 4;
  }
  xt::xtensor<TestType, 2> copies(std::array<std::size_t, 2>{total, 2});
  for (std::size_t i = 0, k = 0; i < 90; ++i)
    for (std::size_t c = 0; c < i % 4; ++c, ++k) {
      copies(k, 0) = y(i, 0);
      copies(k, 1) = y(i, 1);
    }
  fit_options options{.epochs = 10,
                      .batch_size = 1000,
                      .optimizer = {.learning_rate = 0.01},
                      .validation_fraction = 0};
  auto a = make_flow<TestType>(small, 3), b = make_flow<TestType>(small, 3);
  const auto ra = fit(a, copies, options);
  options.weights = weights;
  const auto rb = fit(b, y, options);
  for (std::size_t e = 0; e < 10; ++e)
    CHECK(ra.history[e].training == Approx(rb.history[e].training).epsilon(1e-4));
  // Common factors of weights change nothing.
  for (double& w : weights) w *= 1024;
  auto c = make_flow<TestType>(small, 3);
  CHECK(fit(c, y, options).history.back().training ==
        Approx(rb.history.back().training).epsilon(1e-5));
}

namespace {

/// Rows of a batch behind every `period` - 1 of which stands one that nothing can score, with the
/// weight 0; the others have the weights given, or 1.
template <class T> struct spoiled {
  xt::xtensor<T, 2> samples;
  std::vector<double> weights;

  spoiled(const xt::xtensor<T, 2>& good, const std::vector<double>& given, std::size_t period) {
    constexpr T inf = std::numeric_limits<T>::infinity(), nan = std::numeric_limits<T>::quiet_NaN();
    const T bad[] = {-1, nan, inf, -inf, 0, std::numeric_limits<T>::max(), T(1e30)};
    const std::size_t n = good.shape()[0], columns = good.shape()[1];
    samples = xt::xtensor<T, 2>(std::array<std::size_t, 2>{n + n / (period - 1), columns});
    for (std::size_t i = 0, k = 0; i < samples.shape()[0]; ++i) {
      const bool absent = i % period == period - 1;
      for (std::size_t d = 0; d < columns; ++d)
        samples(i, d) = absent ? bad[(i / period + d) % 7] : good(k, d);
      weights.push_back(absent ? 0 : given.empty() ? 1 : given[k]);
      if (!absent) ++k;
    }
  }
};

} // namespace

TEMPLATE_TEST_CASE("fit: a sample of weight 0 is absent, whatever it holds", "[training]", float,
                   double) {
  using T = TestType;
  // On the half line, so that there are samples outside. The same bits as without the rows.
  const auto expression = small | exp_map;
  const xt::xtensor<T, 2> good = xt::exp(crescent<T>(150) * T(0.3));
  std::vector<double> signs(150, 1.0);
  for (std::size_t i = 0; i < 150; i += 6) signs[i] = -0.5;
  for (const auto& given : {std::vector<double>{}, signs}) {
    const spoiled<T> bad(good, given, 6);
    for (const std::size_t batch_size : {1U, 20U, 1000U})
      for (const int threads : {1, 2}) {
        fit_options options{.epochs = 3, .batch_size = batch_size, .threads = threads};
        auto a = make_flow<T>(expression, 3), b = make_flow<T>(expression, 3);
        options.weights = bad.weights;
        const auto rb = fit(b, bad.samples, options);
        const std::vector<double> ones(150, 1.0);
        options.weights = given.empty() ? ones : given;
        const auto ra = fit(a, good, options);
        CHECK(same_bits(ra, rb));
        CHECK(values_of(a) == values_of(b));
      }
    // In batches of the caller's own, for training and for judging.
    const std::vector<T> w(bad.weights.begin(), bad.weights.end());
    const weighted_batch<T> with{rows_of<const T>(bad.samples.data(), w.size(), 2), {}, w};
    const std::vector<T> g(given.begin(), given.end());
    const weighted_batch<T> without{rows_of<const T>(good.data(), 150, 2), {}, g};
    auto a = make_flow<T>(expression, 3), b = make_flow<T>(expression, 3);
    const auto ra = fit(a, without, without, {.epochs = 2});
    const auto rb = fit(b, with, with, {.epochs = 2});
    CHECK(ra.history[1].training == Approx(rb.history[1].training).epsilon(1e-4));
    CHECK(ra.best_validation == Approx(rb.best_validation).epsilon(1e-4));
  }
  // A context that nobody has.
  xt::xtensor<T, 2> y = xt::ones<T>({40, 1}), c = xt::ones<T>({40, 1});
  std::vector<double> weights(40, 1.0);
  for (std::size_t i = 0; i < 40; ++i) y(i, 0) = static_cast<T>(i) / T(20);
  c(7, 0) = std::numeric_limits<T>::quiet_NaN();
  weights[7] = 0;
  auto q = make_flow<T>(bijou::normal<1> | given<1> | maf<8>, 3);
  CHECK(std::isfinite(fit(q, y, c, {.epochs = 2, .weights = weights}).history.back().training));
  weights[7] = 1e-3;
  CHECK_THROWS_WITH(fit(q, y, c, {.epochs = 2, .weights = weights}),
                    Contains("finite contexts, got nan in row 7"));
  std::fill(weights.begin(), weights.end(), 0.0);
  CHECK_THROWS_WITH(fit(q, y, c, {.weights = weights}), Contains("samples of weight 0 do not"));
}

TEMPLATE_TEST_CASE("fit: weights of any size are their ratios", "[training]", float, double) {
  const auto y = crescent<TestType>(200);
  std::vector<double> base(200);
  for (std::size_t i = 0; i < 200; ++i)
    base[i] = i % 5 == 0 ? -0.25 : 1 + static_cast<double>(i % 3);
  const auto run = [&](double factor) {
    std::vector<double> weights = base;
    for (double& w : weights) w *= factor;
    auto q = make_flow<TestType>(small, 3);
    auto r = fit(q, y, {.epochs = 3, .batch_size = 50, .weights = weights});
    return std::pair{values_of(q), std::move(r)};
  };
  const auto one = run(1);
  for (const double factor : {0x1p-1000, 0x1p-150, 0x1p-3, 0x1p128, 0x1p1000}) { // bit for bit
    const auto r = run(factor);
    CHECK(r.first == one.first);
    CHECK(same_bits(r.second, one.second));
  }
  for (const double factor : {1e-46, 1e-39, 1e38, 1e39, 1e300})
    CHECK(run(factor).second.history.back().training ==
          Approx(one.second.history.back().training).epsilon(1e-5));
}

TEST_CASE("fit sets aside a share of weights of both signs whose sum is positive", "[training]") {
  // 35 % of -1: of 20 rows at random, 27 of 200 seeds draw a sum of 0 or less.
  const auto y = crescent<double>(200);
  std::vector<double> weights(200, 1.0), heavy(200);
  for (std::size_t i = 0; i < 70; ++i) weights[(37 * i) % 200] = -1;
  for (std::size_t i = 0; i < 200; ++i) // ratios of 100
    heavy[i] = (i % 3 == 0 ? -0.3 : 1) * std::exp(-0.023 * static_cast<double>((37 * i) % 200));
  const weighted_batch<double> batch{rows_of<const double>(y.data(), 200, 2), {}, weights},
      uneven{rows_of<const double>(y.data(), 200, 2), {}, heavy};
  std::vector<int> drawn(200, 0);
  for (std::uint64_t seed = 0; seed < 200; ++seed) {
    const detail::row_split split(batch, 0.1, philox(seed));
    REQUIRE(split.validation.size() == 20);
    REQUIRE(split.training.size() == 180);
    double sum = 0;
    for (const auto i : split.validation) {
      sum += weights[i];
      ++drawn[i];
    }
    CHECK(sum == 6); // 13 of 130, 7 of 70
    std::vector<std::uint32_t> all = split.validation;
    all.insert(all.end(), split.training.begin(), split.training.end());
    std::sort(all.begin(), all.end());
    for (std::uint32_t i = 0; i < 200; ++i) REQUIRE(all[i] == i);

    const detail::row_split other(uneven, 0.1, philox(seed));
    double part = 0;
    for (const auto i : other.validation) part += heavy[i];
    CHECK(part > 0);
  }
  for (const int d : drawn) CHECK(d == Approx(20).margin(18)); // every row gets its turn: 4.2 sigma
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    auto q = make_flow<double>(small, 3);
    CHECK_NOTHROW(fit(q, y, {.epochs = 1, .weights = weights, .seed = seed}));
  }
  // Where it cannot be, a sentence: all positive weight in one row.
  std::vector<double> rare(200, -0.001);
  rare[5] = 1;
  auto q = make_flow<double>(small, 3);
  const weighted_batch<double> one_row{rows_of<const double>(y.data(), 200, 2), {}, rare};
  int judging = 0;
  for (std::uint64_t seed = 0; seed < 20; ++seed) {
    const auto rows = detail::row_split(one_row, 0.1, philox(seed)).validation;
    const bool judges = std::find(rows.begin(), rows.end(), 5U) != rows.end();
    judging += judges;
    CHECK_THROWS_WITH(fit(q, y, {.weights = rare, .seed = seed}),
                      Contains("fit: expected weights with a positive sum") &&
                          Contains(judges ? "for the 180 training samples: try another seed"
                                          : "for the 20 validation samples: set more aside"));
  }
  CHECK(judging > 0);
  CHECK(judging < 10);
  const std::vector<double> negative(30, -1.0);
  CHECK_THROWS_WITH(fit(q, batch, {rows_of<const double>(y.data(), 30, 2), {}, negative}, {}),
                    Contains("30 validation samples"));
}

TEST_CASE("fit: float sums a large batch as double does", "[training]") {
  // One step of a batch of 400,000 equal rows: in float alone the gradient is 0.5 % off.
  const std::size_t n = 400'000;
  const xt::xtensor<float, 2> y = xt::ones<float>({n, std::size_t{2}}) * 0.7f;
  const auto norm = [&](auto one) {
    using T = decltype(one);
    auto q = make_flow<T>(normal<2> | affine, 3);
    return fit(q, y, {.epochs = 1, .batch_size = n, .validation_fraction = 0})
        .history[0]
        .gradient_norm;
  };
  CHECK(norm(1.0f) == Approx(norm(1.0)).epsilon(1e-5));
}

TEST_CASE("fit says what it did not do", "[training]") {
  const auto y = crescent<float>(300);
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  auto q = make_flow<float>(small, 3);
  const auto few = crescent<float>(9);
  const auto shown = [&](const auto& samples, fit_options options) {
    options.progress = {.mode = progress_mode::always, .out = file};
    return fit(q, samples, options);
  };
  // Nine rows have no tenth part: no validation.
  auto r = shown(few, {.epochs = 2});
  REQUIRE(r.remarks.size() == 1);
  CHECK_THAT(r.remarks[0], Contains("there is no validation: of 9 samples a share of 0.1"));
  // Neither where it was not asked for, nor where there are enough.
  CHECK(shown(few, {.epochs = 2, .validation_fraction = 0}).remarks.empty());
  CHECK(shown(few, {.epochs = 2, .validation_fraction = 0.2}).remarks.empty());
  CHECK(shown(y, {.epochs = 2}).remarks.empty());
  const auto memory = [](const auto& x) {
    return weighted_batch<float>{rows_of(x.data(), x.shape()[0], 2)};
  };
  CHECK(fit(q, memory(few), weighted_batch<float>{}, {.epochs = 2}).remarks.empty());

  // A cosine that patience ends at full rate.
  fit_options impatient{.epochs = 1000,
                        .optimizer = {.learning_rate = 1},
                        .schedule = schedules::cosine{},
                        .patience = 2};
  r = shown(y, impatient);
  REQUIRE(r.reason == stop_reason::patience);
  REQUIRE(r.remarks.size() == 1);
  CHECK_THAT(r.remarks[0],
             Contains("after epoch " + std::to_string(r.history.size()) + " of 1000") &&
                 Contains("schedule's factor was 1;") && Contains("fallen to 0.") &&
                 Contains("patience = 0"));
  impatient.schedule = schedules::constant{};
  CHECK(shown(y, impatient).remarks.empty());

  std::rewind(file);
  std::string text(1 << 16, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK_THAT(text, Contains("fit: there is no validation: of 9 samples") &&
                       Contains("\nfit: the run ended after epoch "));
}

TEST_CASE("fit weighs validation samples too", "[training]") {
  const auto y = crescent<double>(400);
  auto q = make_flow<double>(small, 3);
  std::vector<double> weights(400, 1.0);
  for (std::size_t i = 0; i < 400; ++i)
    if (y(i, 1) < 1) weights[i] = 0; // only the right half counts
  const auto r = fit(q, y,
                     {.epochs = 60,
                      .batch_size = 100,
                      .optimizer = {.learning_rate = 0.02},
                      .patience = 0,
                      .weights = weights});
  philox stream(4);
  const auto samples = q.sample(stream, 2000);
  std::size_t left = 0;
  for (std::size_t i = 0; i < 2000; ++i) left += samples(i, 1) < 0.8;
  CHECK(left < 200); // of 700 in the data
  CHECK(r.best_validation < crescent_entropy);
}

TEMPLATE_TEST_CASE("fit's records are means over its two parts of the data", "[training]", float,
                   double) {
  // At a rate of 0 the flow stays what it is, so that every loss can be computed from log_prob. Of
  // 25 samples 2 are set aside, and batches of at most 10 hold 8, 8 and 7 of the others.
  using T = TestType;
  const double exact = sizeof(T) == 4 ? 1e-5 : 1e-12;
  const auto y = crescent<T>(25);
  auto q = make_flow<T>(small, 3);
  const double total = loss(q, y) * 25;
  fit_options options{.epochs = 3, .batch_size = 10, .optimizer = {.learning_rate = 0}};
  const auto plain = fit(q, y, options);
  for (const fit_epoch& e : plain.history)
    CHECK(23 * e.training + 2 * e.validation == Approx(total).epsilon(exact));
  // Equal weights are none at all, whichever rows are set aside.
  const std::vector<double> twos(25, 2.0);
  options.weights = twos;
  const auto doubled = fit(q, y, options);
  for (std::size_t e = 0; e < 3; ++e) {
    CHECK(doubled.history[e].training == Approx(plain.history[e].training).epsilon(exact));
    CHECK(doubled.history[e].validation == Approx(plain.history[e].validation).epsilon(exact));
  }
  // Weighted means of both parts, where the caller says which is which.
  options.weights = {};
  std::vector<T> weights;
  for (int i = 0; i < 25; ++i) weights.push_back(static_cast<T>(i % 5));
  const auto weighted = [&](std::size_t first, std::size_t last) {
    const auto each = q.log_prob(y);
    double sum = 0, norm = 0;
    for (std::size_t i = first; i < last; ++i) {
      sum -= static_cast<double>(weights[i]) * static_cast<double>(each(i));
      norm += static_cast<double>(weights[i]);
    }
    return sum / norm;
  };
  const auto part = [&](std::size_t first, std::size_t n) {
    return weighted_batch<T>{rows_of(std::as_const(y).data() + 2 * first, n, 2),
                             {},
                             std::span(weights).subspan(first, n)};
  };
  const auto r = fit(q, part(0, 17), part(17, 8), options);
  for (const fit_epoch& e : r.history) {
    CHECK(e.training == Approx(weighted(0, 17)).epsilon(exact));
    CHECK(e.validation == Approx(weighted(17, 25)).epsilon(exact));
  }
  CHECK(r.best_epoch == 0); // an equal loss is no better
  CHECK_FALSE(r.history[0].best);
}

TEST_CASE("fit records the largest norm of an epoch's gradients", "[training]") {
  // In batches of one sample at a rate of 0 the gradients are the same in every order.
  const auto y = crescent<double>(12);
  auto q = make_flow<double>(small, 3);
  const auto r = fit(
      q, y,
      {.epochs = 6, .batch_size = 1, .optimizer = {.learning_rate = 0}, .validation_fraction = 0});
  for (const fit_epoch& e : r.history) CHECK(e.gradient_norm == r.history[0].gradient_norm);
}

TEMPLATE_TEST_CASE("fit learns how samples depend on a context", "[training]", float, double) {
  // y | c ~ N(c_0 - 2 c_1, exp(c_1)).
  std::mt19937 generator(8);
  std::normal_distribution<double> normal;
  constexpr std::size_t n = 6000;
  xt::xtensor<TestType, 2> y(std::array<std::size_t, 2>{n, 1}), c(std::array<std::size_t, 2>{n, 2});
  double entropy = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double c0 = normal(generator), c1 = 0.5 * normal(generator);
    c(i, 0) = static_cast<TestType>(c0);
    c(i, 1) = static_cast<TestType>(c1);
    y(i, 0) = static_cast<TestType>(c0 - 2 * c1 + std::exp(c1) * normal(generator));
    entropy += (0.5 + 0.5 * std::log(2 * M_PI) + c1) / n;
  }
  auto q = make_flow<TestType>(bijou::normal<1> | given<2> | maf<16>, 3);
  const auto r = fit(q, y, c,
                     {.epochs = 40,
                      .optimizer = {.learning_rate = 0.02},
                      .schedule = schedules::cosine{},
                      .patience = 0,
                      .threads = 2});
  CHECK(r.history.back().training == Approx(entropy).margin(0.06));
}

TEST_CASE("fit leaves the padding of parameters zero", "[training]") {
  const auto y = crescent<float>(300);
  auto q = make_flow<float>(small, 3);
  fit(q, y, {.epochs = 3, .optimizer = {.weight_decay = 0.01}, .threads = 2});
  const auto structure = q.structure();
  for (std::size_t i = 0; i < structure.size(); ++i)
    if (structure[i] == 0) CHECK(q.parameters()[i] == 0);
}

TEMPLATE_TEST_CASE("fit: no step after the first epoch allocates", "[training]", float, double) {
  const auto y = crescent<TestType>(500);
  for (const int threads : {1, 2}) {
    auto q = make_flow<TestType>(small, 3);
    std::vector<std::size_t> allocations;
    allocations.reserve(10);
    fit(q, y,
        {.epochs = 5,
         .batch_size = 64,
         .schedule = schedules::cosine{},
         .threads = threads,
         .callback = [&](const fit_epoch&) {
           allocations.push_back(testing::heap_calls_so_far().allocations);
           return true;
         }});
    REQUIRE(allocations.size() == 5);
    for (std::size_t e = 1; e < 5; ++e) CHECK(allocations[e] == allocations[0]);
  }
}

TEST_CASE("fit stops when the loss is not finite and keeps the best parameters", "[training]") {
  // From step 41 on the rate is absurd: the density overflows.
  const auto y = crescent<float>(300);
  auto q = make_flow<float>(small, 3);
  std::vector<float> good = values_of(q);
  double best = std::numeric_limits<double>::infinity();
  int epoch = 0;
  const auto options = [&](double fraction) {
    return fit_options{
        .epochs = 100,
        .batch_size = 32,
        .optimizer = {.learning_rate = 1e-3},
        .schedule = [](std::int64_t step, std::int64_t) { return step < 40 ? 1.0 : 1e25; },
        .validation_fraction = fraction,
        .patience = 0,
        .callback =
            [&](const fit_epoch& e) {
              epoch = e.epoch;
              if (e.best && e.validation < best) {
                best = e.validation;
                good = values_of(q);
              }
              return true;
            }};
  };
  try {
    fit(q, y, options(0.1));
    FAIL("expected training_error");
  } catch (const training_error& error) {
    CHECK(error.step() == 42);
    CHECK(error.epoch() == epoch + 1);
    CHECK_THAT(error.what(), Contains("step 42") && Contains("became"));
  }
  CHECK(values_of(q) == good);
  CHECK(loss(q, y) < 10);

  // Without validation too, what the flow keeps gives a finite loss.
  q = make_flow<float>(small, 3);
  CHECK_THROWS_AS(fit(q, y, options(0)), training_error);
  CHECK(std::isfinite(loss(q, y)));
}

TEST_CASE("fit names a sample outside the support", "[training]") {
  auto q = make_flow<double>(normal<2> | maf<8> | on<0>(sigmoid_map), 3);
  xt::xtensor<double, 2> y = xt::ones<double>({50, 2}) * 0.5;
  y(17, 0) = 1.5;
  const double* rows = y.data();
  const auto before = values_of(q);
  CHECK_THROWS_WITH(fit(q, y, {.validation_fraction = 0}),
                    Contains("log_prob of sample 17 is -inf") && Contains("epoch 1"));
  CHECK(values_of(q) == before);
  const weighted_batch<double> inside{rows_of(rows, 10, 2)}, all{rows_of(rows, 50, 2)};
  CHECK_THROWS_WITH(fit(q, inside, all, {}),
                    Contains("validation loss") && Contains("validation sample 17 is -inf"));
}

TEST_CASE("fit says what is wrong with its arguments", "[training]") {
  auto q = make_flow<float>(small, 3);
  auto y = crescent<float>(50);
  const auto fails = [&](const fit_options& options, const std::string& message) {
    CHECK_THROWS_WITH(fit(q, y, options), Contains(message));
    CHECK_THROWS_AS(fit(q, y, options), std::invalid_argument);
  };
  fails({.batch_size = 0}, "batch_size >= 1");
  fails({.validation_fraction = 1}, "validation_fraction < 1, got 1");
  fails({.threads = 0}, "threads: expected at least 1, got 0");
  fails({.optimizer = {.learning_rate = -1}}, "learning_rate >= 0");
  const std::vector<double> few(3, 1.0), negative(50, -1.0);
  fails({.weights = few}, "fit: expected one weight for each of 50 samples, got 3");
  fails({.weights = negative}, "positive sum");
  std::vector<double> unknown(50, 1.0);
  unknown[9] = std::numeric_limits<double>::quiet_NaN();
  fails({.weights = unknown}, "fit: expected finite weights, got nan in row 9");
  fails({.epochs = -3}, "fit: expected epochs >= 0, got -3");
  fails({.patience = -1}, "fit: expected patience >= 0");
  fails({.validation_fraction = std::nan("")}, "validation_fraction < 1, got nan");
  fails({.schedule = [](auto, auto) { return std::nan(""); }},
        "fit: expected a schedule of finite factors, got nan in step 1 of 100");
  fails({.schedule = schedules::cosine{.warmup = 2}}, "expected 0 <= warmup <= 1");
  const std::vector<double> ones(50, 1.0);
  const weighted_batch<float> rows{rows_of(std::as_const(y).data(), 50, 2)};
  CHECK_THROWS_WITH(fit(q, rows, {.weights = ones}), Contains("weights in weighted_batch"));
  const xt::xtensor<float, 2> narrow = xt::zeros<float>({10, 3});
  CHECK_THROWS_WITH(fit(q, narrow), "fit: expected samples of shape (n, 2), got (10, 3)");
  const xt::xtensor<float, 2> none = xt::zeros<float>({0, 2});
  CHECK_THROWS_WITH(fit(q, none), Contains("got none"));
  y(7, 1) = std::numeric_limits<float>::quiet_NaN();
  fails({}, "got nan in row 7, column 1");
}

TEST_CASE("fit shows its progress where asked", "[training]") {
  std::FILE* file = std::tmpfile();
  REQUIRE(file != nullptr);
  auto q = make_flow<float>(small, 3);
  fit(q, crescent<float>(100),
      {.epochs = 2, .progress = {.mode = progress_mode::always, .out = file}});
  std::rewind(file);
  std::string text(4096, '\0');
  text.resize(std::fread(text.data(), 1, text.size(), file));
  std::fclose(file);
  CHECK_THAT(text, Contains("epoch 1/2  step 1/2  training ") && Contains("validation ") &&
                       Contains("epoch 2/2  step 2/2") && Contains(" left\n"));
}
