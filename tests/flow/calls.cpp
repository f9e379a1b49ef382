/// \file
/// The table of calls (docs/calls.md), cell by cell: every kind of samples, contexts and outputs
/// gives the bits of the loops on plain memory; what is given its outputs allocates nothing.

#include <array>
#include <limits>
#include <span>
#include <string>

#if __has_include(<xtensor/views/xview.hpp>)
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xview.hpp>
#endif

#include "../support/allocation_counter.hpp"
#include "check.hpp"

using namespace bijou;

namespace {

constexpr std::size_t n = 150; // a full tile or more, and a rest; two threads have some
constexpr std::size_t event = 7;

template <class T> using matrix = xt::xtensor<T, 2>;
template <class T> using column_major = xt::xtensor<T, 2, xt::layout_type::column_major>;
template <class T> using vector = xt::xtensor<T, 1>;

/// A result in row-major order, whatever holds it.
template <class T, class X> std::vector<T> numbers(const X& x) {
  if constexpr (std::is_arithmetic_v<X>)
    return {x};
  else if constexpr (requires { x.dimension(); })
    return {x.template begin<xt::layout_type::row_major>(),
            x.template end<xt::layout_type::row_major>()};
  else
    return {x.begin(), x.end()};
}

/// Samples (rows, columns) in every kind of memory that a call reads.
template <class T> struct readable {
  std::size_t rows, columns;
  std::vector<T> plain;
  matrix<T> whole;
  column_major<T> turned;
  matrix<T> spaced; ///< every other row and column of it

  readable(std::vector<T> values, std::size_t d)
      : rows(values.size() / d), columns(d), plain(std::move(values)),
        whole(std::array<std::size_t, 2>{rows, d}), turned(whole.shape()),
        spaced(std::array<std::size_t, 2>{2 * rows, 2 * d}) {
    spaced.fill(std::numeric_limits<T>::quiet_NaN());
    for (std::size_t i = 0; i < rows; ++i)
      for (std::size_t k = 0; k < d; ++k)
        whole(i, k) = turned(i, k) = spaced(2 * i, 2 * k) = plain[i * d + k];
  }
  batch_view<const T> view() const {
    return {spaced.data(), rows, static_cast<std::ptrdiff_t>(4 * columns), 2};
  }
  auto lazy() const { return whole + T(0); } // no sample is -0
  template <std::size_t D> std::span<const T, D> span(std::size_t i) const {
    return std::span<const T, D>(plain.data() + i * D, D);
  }
  vector<T> one(std::size_t i) const { return xt::view(whole, i, xt::all()); }
};

/// Everything that a call writes samples into; `written()` is what it wrote.
template <class T> struct writable {
  matrix<T> whole{std::array<std::size_t, 2>{n, 3}};
  column_major<T> turned{std::array<std::size_t, 2>{n, 3}};
  matrix<T> spaced{std::array<std::size_t, 2>{2 * n, 6}};
  std::vector<T> log = std::vector<T>(n);
  vector<T> log_vector{std::array<std::size_t, 1>{n}};
  matrix<T> log_table{std::array<std::size_t, 2>{n, 2}};

  auto part() { return xt::view(spaced, xt::range(0, 2 * n, 2), xt::range(0, 6, 2)); }
  batch_view<T> view() { return {spaced.data(), n, 12, 2}; }
  auto log_column() { return xt::view(log_table, xt::all(), 1); }
};

/// Two results are equal to the bit: checked once for all cells.
template <class T>
void same(const char* cell, const std::vector<T>& actual, const std::vector<T>& expected) {
  INFO(cell);
  CHECK(testing::other_bits(actual, expected) == testing::agreed);
}
/// The call allocates nothing.
void silent(const char* cell, std::size_t allocations) {
  INFO(cell);
  CHECK(allocations == 0);
}
template <class Call> void silent(const char* cell, const Call& call) {
  silent(cell, testing::allocations_in(call));
}

/// What the loops of a flow make of plain memory, a row of context for each sample.
template <class T> struct expected {
  std::vector<T> x, y, log_det, log_det_back, log_prob, log_q;
  std::vector<T> drawn, log_drawn; ///< samples 0 ... of philox{5}
};
template <class T, class Flow>
expected<T> loops(const Flow& q, const std::vector<T>& noise,
                  const bijou::detail::context_source<T>& context) {
  const auto in = [](const std::vector<T>& v) { return rows_of(v.data(), n, 3); };
  const auto out = [](std::vector<T>& v) { return rows_of(v.data(), n, 3); };
  const std::vector<T> many(3 * n), one(n);
  expected<T> e{many, many, one, one, one, one, many, one};
  auto ws = q.make_workspace();
  q.template map<detail::direction::forward>(in(noise), out(e.y), e.log_det.data(), ws, context);
  q.template map<detail::direction::inverse>(in(e.y), out(e.x), e.log_det_back.data(), ws, context);
  q.write_log_prob(in(e.y), e.log_prob.data(), ws, context);
  q.write_samples_from(in(noise), out(e.drawn), e.log_q.data(), ws, context);
  philox stream{5};
  q.write_samples(stream, n, out(e.drawn), e.log_drawn.data(), ws, context);
  return e;
}

/// Calls f with each of the arguments.
template <class F, class... A> void for_each(F&& f, A&&... a) { (f(std::forward<A>(a)), ...); }

/// The rows of the table for batches: c is nothing, or one context.
template <class T, class Flow, class... C>
void check_batches(const Flow& q, const readable<T>& noise, const expected<T>& e, const C&... c) {
  const readable<T> data(e.y, 3);
  auto ws = q.make_workspace();
  writable<T> out;
  const auto scored = [&](const auto& y) {
    same("log_prob", numbers<T>(q.log_prob(y, c...)), e.log_prob);
    same("log_prob, workspace", numbers<T>(q.log_prob(y, c..., ws)), e.log_prob);
    silent("log_prob into memory", [&] { q.log_prob(y, c..., out.log.data(), ws); });
    same("log_prob into memory", out.log, e.log_prob);
  };
  for_each(scored, data.whole, data.turned, data.lazy(), data.view());
  {
    std::fill(out.log.begin(), out.log.end(), T(0));
    silent("into a span", [&] { q.log_prob(data.view(), c..., std::span<T>(out.log), ws); });
    same("into a span", out.log, e.log_prob);
    silent("into a vector", [&] { q.log_prob(data.view(), c..., out.log_vector, ws); });
    same("into a vector", numbers<T>(out.log_vector), e.log_prob);
    auto column = out.log_column();
    out.log_table.fill(7);
    silent("into a column", [&] { q.log_prob(data.whole, c..., column, ws); });
    same("into a column", numbers<T>(column), e.log_prob);
    CHECK((xt::view(out.log_table, xt::all(), 0) == vector<T>(out.log_vector * 0 + 7)));
    same("batch_log_pdf", numbers<T>(q.batch_log_pdf(data.whole, c...)), e.log_prob);
    double sum = 0;
    for (const T v : e.log_prob) sum += static_cast<double>(v);
    CHECK(q.log_pdf(data.view(), c...) == sum);
  }
  const auto mapped = [&](const auto& x) {
    const auto f = q.forward(x, c...);
    same("forward", numbers<T>(f.y), e.y);
    same("forward, log_det", numbers<T>(f.log_det), e.log_det);
    same("forward, workspace", numbers<T>(q.forward(x, c..., ws).y), e.y);
    same("log_det_jacobian", numbers<T>(q.log_det_jacobian(x, c...)), e.log_det);
    const auto s = q.sample_from(x, c...);
    same("sample_from", numbers<T>(s.samples), e.y);
    same("sample_from, log_prob", numbers<T>(s.log_prob), e.log_q);
  };
  for_each(mapped, noise.whole, noise.lazy(), noise.view());
  same("inverse", numbers<T>(q.inverse(data.view(), c...).x), e.x);
  same("inverse, log_det", numbers<T>(q.inverse(data.turned, c...).log_det), e.log_det_back);
  const auto written = [&](auto&& to, const auto& read) {
    silent("forward into memory", [&] { q.forward(noise.view(), c..., to, out.log.data(), ws); });
    same("forward into memory", read(), e.y);
    same("forward into memory, log_det", out.log, e.log_det);
    silent("inverse into memory", [&] { q.inverse(data.view(), c..., to, nullptr, ws); });
    same("inverse into memory", read(), e.x);
    silent("sample_from into memory",
           [&] { q.sample_from(noise.whole, c..., to, std::span(out.log), ws); });
    same("sample_from into memory", read(), e.y);
    same("sample_from into memory, log_prob", out.log, e.log_q);
    same("log_det returned", numbers<T>(q.forward(noise.whole, c..., to, ws)), e.log_det);
    philox stream{5};
    silent("sample into memory", [&] { q.sample(stream, to, c..., ws); });
    CHECK(stream.position() == n);
    same("sample into memory", read(), e.drawn);
    stream = philox{5};
    silent("sample_and_log_prob into memory",
           [&] { q.sample_and_log_prob(stream, to, c..., out.log.data(), ws); });
    CHECK(stream.position() == n);
    same("sample_and_log_prob into memory", read(), e.drawn);
    same("sample_and_log_prob into memory, log_prob", out.log, e.log_drawn);
    same("log_prob returned", numbers<T>(q.sample_and_log_prob(philox{5}, to, c..., ws)),
         e.log_drawn);
  };
  written(out.whole, [&] { return numbers<T>(out.whole); });
  written(out.turned, [&] { return numbers<T>(out.turned); });
  out.spaced.fill(7);
  written(out.part(), [&] { return numbers<T>(out.part()); });
  written(out.view(), [&] { return numbers<T>(out.part()); });
  for (std::size_t i = 0; i < 2 * n; ++i) CHECK(out.spaced(i, 1) == 7); // nothing else is touched
  same("sample", numbers<T>(q.sample(philox{5}, n, c...)), e.drawn);
  same("sample, workspace", numbers<T>(q.sample(philox{5}, n, c..., ws)), e.drawn);
  const auto [y, log_q] = q.sample_and_log_prob(philox{5}, n, c...);
  same("sample_and_log_prob", numbers<T>(y), e.drawn);
  same("sample_and_log_prob, log_prob", numbers<T>(log_q), e.log_drawn);
}

/// Those for one event.
template <class T, class Flow, class... C>
void check_event(const Flow& q, const readable<T>& noise, const expected<T>& e, const C&... c) {
  const readable<T> data(e.y, 3);
  const auto row = [](const std::vector<T>& v, std::size_t i) {
    return testing::rows_from(v, i, 1, v.size() / n);
  };
  auto ws = q.make_workspace();
  std::array<T, 3> to{};
  vector<T> to_vector{T(0), T(0), T(0)};
  T log = 0;
  const auto read = [&](const auto& x, const auto& y) {
    same("log_prob", numbers<T>(q.log_prob(y, c...)), row(e.log_prob, event));
    silent("log_prob returned", [&] { log = q.log_prob(y, c..., ws); });
    same("log_prob returned", {log}, row(e.log_prob, event));
    silent("log_prob into a number", [&] { q.log_prob(y, c..., log = 0, ws); });
    same("log_prob into a number", {log}, row(e.log_prob, event));
    same("forward", numbers<T>(q.forward(x, c...).y), row(e.y, event));
    same("inverse", numbers<T>(q.inverse(y, c...).x), row(e.x, event));
    same("sample_from", numbers<T>(q.sample_from(x, c...).log_prob), row(e.log_q, event));
    silent("forward into memory", [&] { q.forward(x, c..., to, log, ws); });
    same("forward into memory", numbers<T>(to), row(e.y, event));
    same("forward into memory, log_det", {log}, row(e.log_det, event));
    silent("inverse into memory", [&] { log = q.inverse(y, c..., std::span(to), ws); });
    same("inverse into memory", numbers<T>(to), row(e.x, event));
    same("inverse into memory, log_det", {log}, row(e.log_det_back, event));
    silent("sample_from into memory", [&] { q.sample_from(x, c..., to_vector, &log, ws); });
    same("sample_from into memory", numbers<T>(to_vector), row(e.y, event));
    same("sample_from into memory, log_prob", {log}, row(e.log_q, event));
  };
  read(noise.template span<3>(event), data.template span<3>(event));
  read(noise.one(event), data.one(event));
  silent("forward of a span", [&] { to = q.forward(data.template span<3>(event), c..., ws).y; });
  const auto draw = [&](auto&& y) {
    philox stream{5};
    stream.advance(event);
    silent("sample into memory", [&] { q.sample(stream, y, c..., ws); });
    same("sample into memory", numbers<T>(y), row(e.drawn, event));
    CHECK(stream.position() == event + 1);
    stream = philox{5};
    stream.advance(event);
    silent("sample_and_log_prob returned",
           [&] { log = q.sample_and_log_prob(stream, y, c..., ws); });
    same("sample_and_log_prob returned", {log}, row(e.log_drawn, event));
  };
  draw(to);
  draw(std::span<T, 3>(to));
  draw(to_vector);
}

constexpr auto words = iaf<7>.skip() | flip | inverse(iaf<7>) | on<1>(exp_map);

template <class T, class E> auto perturbed(const E& e) {
  auto q = make_flow<T>(e, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
/// The context of every sample, or of sample 7 for all.
template <class T> std::vector<T> contexts(bool each) {
  auto c = testing::normal_values<T>(2 * n, 8);
  if (!each)
    for (std::size_t i = 0; i < 2 * n; ++i) c[i] = c[2 * event + i % 2];
  return c;
}

} // namespace

TEMPLATE_TEST_CASE("calls without a context", "[flow]", float, double) {
  using T = TestType;
  const auto q = perturbed<T>(normal<3> | words);
  const readable<T> noise(testing::normal_values<T>(3 * n, 3), 3);
  const auto e = loops<T>(q, noise.plain, q.context());
  check_batches(q, noise, e);
  check_event(q, noise, e);
}

TEMPLATE_TEST_CASE("calls with a context", "[flow]", float, double) {
  using T = TestType;
  const auto q = perturbed<T>(normal<3> | given<2> | words);
  const readable<T> noise(testing::normal_values<T>(3 * n, 3), 3);
  const auto expect = [&](const readable<T>& c) {
    return loops<T>(q, noise.plain, {rows_of(c.plain.data(), n, 2)});
  };
  // Every kind of context is read in double; that a call is of another type is seen with one each.
  constexpr bool every_kind = std::is_same_v<T, double>;
  SECTION("a row for each") {
    const readable<T> each(contexts<T>(true), 2);
    const auto e = expect(each);
    check_batches(q, noise, e, each.view());
    check_event(q, noise, e, each.template span<2>(event));
    if constexpr (every_kind) {
      check_batches(q, noise, e, each.whole);
      check_batches(q, noise, e, each.lazy());
      check_event(q, noise, e, each.one(event));
      const batch_view<const T> row = rows_of(each.plain.data() + 2 * event, 1, 2);
      check_event(q, noise, e, row);
    }
  }
  SECTION("one for all") {
    const readable<T> all(contexts<T>(false), 2);
    const auto e = expect(all);
    const std::array<T, 2> array{all.plain[0], all.plain[1]};
    check_batches(q, noise, e, all.template span<2>(0));
    check_event(q, noise, e, array);
    if constexpr (every_kind) {
      check_batches(q, noise, e, all.one(0));
      check_batches(q, noise, e, matrix<T>(xt::view(all.whole, xt::range(0, 1), xt::all())));
      check_batches(q, noise, e, rows_of(all.plain.data(), 1, 2));
      const auto fixed = q.condition(array);
      check_batches(fixed, noise, e);
      check_event(fixed, noise, e);
    }
  }
}

TEST_CASE("calls that threads share", "[flow]") {
  using T = double;
  const auto q = perturbed<T>(normal<3> | given<2> | words);
  const auto team = parallel(q, 2);
  const readable<T> noise(testing::normal_values<T>(3 * n, 3), 3), each(contexts<T>(true), 2),
      all(contexts<T>(false), 2);
  const auto expect = [&](const readable<T>& c) {
    return loops<T>(q, noise.plain, {rows_of(c.plain.data(), n, 2)});
  };
  check_batches(team, noise, expect(each), each.view());
  check_batches(team, noise, expect(all), all.span<2>(0));
  check_event(team, noise, expect(each), each.span<2>(event));
}

TEMPLATE_TEST_CASE("few samples, one context", "[flow]", float, double) {
  // Two samples take the path of single events, with a context that was folded for both.
  using T = TestType;
  const auto q = perturbed<T>(normal<3> | given<2> | words);
  const auto y = testing::uniform_values<T>(6, 4, 0.5F, 2);
  const std::array<T, 2> c{T(1), T(-0.5)};
  auto ws = q.make_workspace();
  std::array<T, 2> together{}, alone{};
  q.log_prob(rows_of(y.data(), 2, 3), c, together.data(), ws);
  for (std::size_t i = 0; i < 2; ++i)
    alone[i] = q.log_prob(std::span<const T, 3>(y.data() + 3 * i, 3), c, ws);
  CHECK(together == alone);
}

TEST_CASE("what a call says of shapes and counts that do not fit", "[flow]") {
  const auto q = perturbed<double>(normal<3> | given<2> | words);
  auto ws = q.make_workspace();
  const auto y = testing::uniform_values<double>(15, 4, 0.5F, 2);
  const auto batch = rows_of(y.data(), 5, 3);
  const std::array<double, 2> c{1, 2};
  std::vector<double> out(18), log(4);
  const auto refusal = [](const auto& call) -> std::string {
    try {
      call();
    } catch (const std::invalid_argument& error) {
      return error.what();
    }
    return "";
  };
  CHECK(refusal([&] { q.log_prob(batch, c, log, ws); }) ==
        "log_prob: expected room for log_prob of 5 samples, got 4");
  CHECK(refusal([&] { q.log_prob(batch, c, std::span(log), ws); }) ==
        "log_prob: expected room for log_prob of 5 samples, got 4");
  CHECK(refusal([&] { q.forward(batch, c, rows_of(out.data(), 6, 3), nullptr, ws); }) ==
        "forward: expected an output for 5 samples, got 6");
  matrix<double> other(std::array<std::size_t, 2>{5, 2}), fewer(std::array<std::size_t, 2>{4, 3});
  CHECK(refusal([&] { q.inverse(batch, c, other, nullptr, ws); }) ==
        "inverse: expected an output of shape (n, 3), got (5, 2)");
  CHECK(refusal([&] { q.inverse(batch, c, fewer, nullptr, ws); }) ==
        "inverse: expected an output for 5 samples, got 4");
  CHECK(refusal([&] {
          q.log_prob(batch, vector<double>{1, 2, 3});
        }) == "log_prob: expected a context of shape (n, 2), got (3,)");
  CHECK(refusal([&] { q.sample_from(batch, rows_of(y.data(), 4, 2)); }) ==
        "sample_from: expected one row of context for each of 5 samples, got 4");
  philox stream{1};
  CHECK(refusal([&] { q.sample(stream, other, c, ws); }) ==
        "sample: expected samples of shape (n, 3), got (5, 2)");
  CHECK(refusal([&] { q.sample(stream, fewer, rows_of(y.data(), 3, 2), ws); }) ==
        "sample: expected one row of context for each of 4 samples, got 3");
  CHECK(refusal([&] { q.sample(stream, -1, c); }) ==
        "sample: expected a number of samples, got -1");
  CHECK(stream == philox{1}); // not moved
  workspace<double> empty;
  CHECK(refusal([&] { q.log_prob(batch, c, nullptr, empty); }) ==
        "bijou: expected a workspace of " + std::to_string(q.workspace_size()) +
            " values, got 0; take make_workspace() of this flow");
}

TEST_CASE("views that are no strides of memory are written element by element", "[flow]") {
  const auto q = perturbed<double>(normal<3> | words);
  auto ws = q.make_workspace();
  matrix<double> all(std::array<std::size_t, 2>{5, 3});
  all.fill(7);
  auto picked = xt::view(all, xt::keep(4, 0, 2), xt::all());
  q.sample(philox{5}, picked, ws);
  const auto y = q.sample(philox{5}, 3);
  CHECK((picked == y));
  CHECK(all(1, 0) == 7);
  CHECK(all(4, 2) == y(0, 2));
}

TEMPLATE_TEST_CASE("the sum over a batch is taken in double", "[flow]", float, double) {
  using T = TestType;
  const auto q = make_flow<T>(normal<1>);
  const std::size_t many = 100'000;
  const T y = T(0.1);
  // A view of stride 0: equal rows without memory.
  const double sum = q.log_pdf(batch_view<const T>{&y, many, 0, 1});
  const double each = static_cast<double>(q.log_prob(vector<T>{y}));
  CHECK(testing::near(sum, static_cast<double>(many) * each, 1e-6)); // in float it is off by 80
}
