// Whole flows through their public calls: sampling, scoring, one event, training. Shares of the
// multiply-add peak count unmasked weights only; ratios are of times in the same run. Pin it to a
// core: taskset -c 1 bench_flows
#include <bijou/bijou.hpp>

#include <cstdint>
#include <numeric>
#include <random>
#include <span>
#include <utility>
#include <vector>

#include "measure.hpp"

using namespace bench;

namespace {

constexpr std::size_t batch = 1024;

/// A flow with some noise and samples, and all the memory that calls want.
template <class Flow> struct subject {
  using T = typename Flow::value_type;
  static constexpr int size = Flow::size;

  Flow q;
  workspace<T> ws = q.make_gradient_workspace();
  philox stream{1};
  std::vector<T> x = std::vector<T>(batch * size), y = x, log_prob = std::vector<T>(batch);

  explicit subject(Flow flow) : q(std::move(flow)) {
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    for (T& v : x) v = static_cast<T>(normal(random));
    q.forward(view(x), view(y), log_prob.data(), ws);
  }
  static batch_view<T> view(std::vector<T>& v) { return rows_of(v.data(), v.size() / size, size); }

  void forward() { q.forward(view(x), view(y), log_prob.data(), ws); }
  void score() { q.log_prob(view(y), log_prob.data(), ws); }
  void draw() { q.sample_and_log_prob(stream, view(x), log_prob.data(), ws); }
};

/// Degrees of all networks as Pyro spreads them: not aligned to the blocks of the kernels.
template <int... I, class Flow>
Flow with_linspace_degrees(Flow q, std::integer_sequence<int, I...>) {
  using T = typename Flow::value_type;
  using network = masked_network<T, 64, activations::relu_t, 512, 512>;
  const network net(linspace_degrees(Flow::size, 0, network::widths), 2);
  std::vector<T> theta(static_cast<std::size_t>(net.parameter_count()));
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  net.initialise(theta.data(), [&] { return normal(random); });
  std::vector<int> order(Flow::size);
  std::iota(order.begin(), order.end(), 0);
  (set_network<I>(q, order, net.export_dense(theta.data())), ...);
  return q;
}

template <class Flow> double multiply_adds(const Flow& q) {
  double sum = 0;
  q.compiled().each([&](const auto& layer) {
    if constexpr (requires { layer.network().multiply_adds(); })
      sum += static_cast<double>(layer.network().multiply_adds());
  });
  return sum;
}

template <class Flow>
void report_flow(benchmark::State& state, const Flow& q, std::size_t samples, double one) {
  using T = typename Flow::value_type;
  report<T>(state, multiply_adds(q) * static_cast<double>(samples), one);
  state.counters["samples/s"] = static_cast<double>(samples) / one;
}

void add(const std::string& name, auto&& f) { benchmark::RegisterBenchmark(name.c_str(), f); }

/// Scoring and sampling of a batch; and the swept direction without random numbers, in units of
/// the explicit one.
template <class Flow> void add_batch(const std::string& name, const Flow& q, bool scores_forward) {
  add(name + "/log_prob", [=](benchmark::State& state) {
    subject s(q);
    report_flow(state, q, batch, run(state, [&] { s.score(); }));
  });
  add(name + "/sample_and_log_prob", [=](benchmark::State& state) {
    subject s(q);
    report_flow(state, q, batch, run(state, [&] { s.draw(); }));
  });
  add(name + "/sweep", [=](benchmark::State& state) {
    subject s(q);
    const auto explicit_way = [&] { scores_forward ? s.score() : s.forward(); };
    const auto sweep = [&] { scores_forward ? s.forward() : s.score(); };
    report_flow(state, q, batch, run_against(state, "x_forward", sweep, explicit_way));
  });
}

/// A step of maximum likelihood with Adam, in units of the explicit direction.
template <class Flow> void add_step(const std::string& name, const Flow& q, bool scores_forward) {
  add(name + "/training_step", [=](benchmark::State& state) {
    using T = typename Flow::value_type;
    subject s(q);
    aligned_vector<T> gradient(s.q.parameters().size());
    adam<T> optimizer(gradient.size(), {});
    const auto reference = [&] { scores_forward ? s.score() : s.forward(); };
    const auto step = [&] {
      std::fill(gradient.begin(), gradient.end(), T(0));
      const negative_log_likelihood<T> loss{{subject<Flow>::view(s.y)}};
      loss.accumulate(s.q, std::span<T>(gradient), s.ws);
      optimizer.step(s.q.parameters(), std::span<const T>(gradient));
    };
    report_flow(state, q, batch, run_against(state, "x_forward", step, reference));
  });
}

/// One event at a time, every call on another one.
template <class Flow> void add_event(const std::string& name, const Flow& q) {
  using T = typename Flow::value_type;
  using out = std::span<T, static_cast<std::size_t>(Flow::size)>;
  using in = std::span<const T, static_cast<std::size_t>(Flow::size)>;
  add(name + "/event/sample_and_log_prob", [=](benchmark::State& state) {
    subject s(q);
    report_flow(state, q, 1, run(state, [&] {
                  const T log_q = s.q.sample_and_log_prob(s.stream, out(s.x.data(), s.size), s.ws);
                  benchmark::DoNotOptimize(log_q);
                }));
  });
  add(name + "/event/log_prob", [=](benchmark::State& state) {
    subject s(q);
    std::size_t i = 0;
    report_flow(state, q, 1, run(state, [&] {
                  const T* y = s.y.data() + (i++ % batch) * s.size;
                  benchmark::DoNotOptimize(s.q.log_prob(in(y, s.size), s.ws));
                }));
  });
}

void add_all() {
  constexpr auto five = std::make_integer_sequence<int, 5>{};

  constexpr auto small = iaf<64>;
  const auto w1 = make_flow<float>(normal<8> | small | small | small | small | small, 1);
  add_batch("normal<8> | 5 iaf<64>", w1, false);
  add_event("normal<8> | 5 iaf<64>", w1);

  constexpr auto layer = maf<512, 512>;
  const auto w3 = make_flow<float>(normal<64> | layer | layer | layer | layer | layer, 1);
  add_batch("normal<64> | 5 maf<512, 512>", w3, true);
  add_step("normal<64> | 5 maf<512, 512>", w3, true);
  const auto w3_linspace = with_linspace_degrees(w3, five);
  add_batch("normal<64> | 5 maf<512, 512>, linspace", w3_linspace, true);
  add_step("normal<64> | 5 maf<512, 512>, linspace", w3_linspace, true);

  constexpr auto guide = autoregressive<512, 512>(affine);
  const auto iafs = make_flow<float>(normal<64> | guide | guide | guide | guide | guide, 1);
  add_batch("normal<64> | 5 autoregressive<512, 512>(affine)", iafs, false);
  add_step("normal<64> | 5 autoregressive<512, 512>(affine)", iafs, false);
  const auto iafs_linspace = with_linspace_degrees(iafs, five);
  add_step("normal<64> | 5 autoregressive<512, 512>(affine), linspace", iafs_linspace, false);

  const auto calorimeter = make_flow<float>(normal<368> | maf<378>, 1);
  add_batch("normal<368> | maf<378>", calorimeter, true);

  constexpr auto spline = coupling<128, 128>(rational_quadratic<8>);
  const auto w5 = make_flow<float>(
      normal<16> | spline | flip | spline | flip | spline | flip | spline | flip | spline, 1);
  add_batch("normal<16> | 5 coupling<128, 128>(rational_quadratic<8>)", w5,
            true); // no sweep: both are explicit

  const auto exact = make_flow<double>(normal<8> | small | small | small | small | small, 1);
  add_batch("double: normal<8> | 5 iaf<64>", exact, false);
  const auto w3_double = make_flow<double>(normal<64> | layer | layer | layer | layer | layer, 1);
  add_batch("double: normal<64> | 5 maf<512, 512>", w3_double, true);
  add_step("double: normal<64> | 5 maf<512, 512>", w3_double, true);
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
