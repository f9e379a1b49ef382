// Whole flows through their public calls: the workloads that peers run too, what inversion and
// training cost in units of the explicit direction, and double beside float. Pin it to a core.
#include <initializer_list>
#include <numeric>
#include <random>

#include "measure.hpp"
#include "subject.hpp"
#include "workloads.hpp"

using namespace bench;

namespace {

enum class call { forward, inverse, score, draw };
template <class Flow> void make(subject<Flow>& s, call c) {
  switch (c) {
  case call::forward:
    return s.forward();
  case call::inverse:
    return s.inverse();
  case call::score:
    return s.score();
  case call::draw:
    return s.draw();
  }
}

/// f(state, batch) by the name `name/type/batch`, for batches of several sizes; quick: of 1,024.
template <class T, class F>
void add_batches(const std::string& name, std::initializer_list<std::size_t> batches, F f) {
  for (const std::size_t batch : batches)
    if (batch == 1024 || !options().quick)
      add(name + "/" + type_name<T>() + "/" + std::to_string(batch),
          [=](benchmark::State& state) { f(state, batch); });
}
template <class Flow>
void add_call(const std::string& name, const Flow& q, call c,
              std::initializer_list<std::size_t> batches) {
  using T = typename Flow::value_type;
  add_batches<T>(name, batches, [c, &q](benchmark::State& state, std::size_t batch) {
    subject s(q, batch, options().threads);
    report_samples<T>(state, multiply_adds(q), batch, run(state, [&] { make(s, c); }));
  });
}
/// The swept direction in units of the explicit one, without random numbers.
template <class Flow>
void add_sweep(const std::string& name, const Flow& q, call sweep, call explicit_way) {
  using T = typename Flow::value_type;
  add_batches<T>(name + " by sweeps", {1024}, [=, &q](benchmark::State& state, std::size_t batch) {
    subject s(q, batch, options().threads);
    const double one = run_against(
        state, "x_forward", [&] { make(s, sweep); }, [&] { make(s, explicit_way); });
    report_samples<T>(state, multiply_adds(q), batch, one);
  });
}
/// A training step in units of the explicit direction.
template <class Flow>
void add_step(const std::string& name, const Flow& q, call explicit_way,
              std::initializer_list<std::size_t> batches) {
  using T = typename Flow::value_type;
  add_batches<T>(name, batches, [=, &q](benchmark::State& state, std::size_t batch) {
    trainer t(q, batch, options().threads);
    const double one = run_against(
        state, "x_forward", [&] { t.step(); }, [&] { make(t.data(), explicit_way); });
    report_samples<T>(state, multiply_adds(q), batch, one);
  });
}

/// A step on the ELBO, on one thread.
template <class Flow> void add_guide(const std::string& name, const Flow& q) {
  using T = typename Flow::value_type;
  add_batches<T>(name, {64, 1024}, [&](benchmark::State& state, std::size_t batch) {
    guide g(q, ring_target{}, batch);
    report_samples<T>(state, multiply_adds(q), batch, run(state, [&] { g.step(); }));
  });
}

/// Degrees of all networks as Pyro spreads them: not aligned to the blocks of the kernels.
template <int... I, class Flow>
Flow with_linspace_degrees(Flow q, std::integer_sequence<int, I...>) {
  using T = typename Flow::value_type;
  using network = masked_network<T, wide_lanes<T>, activations::relu_t>;
  const network net(linspace_degrees(Flow::size, 0, std::array{512, 512}), 2);
  std::vector<T> theta(static_cast<std::size_t>(net.parameter_count()));
  std::mt19937 random(1);
  std::normal_distribution<double> normal;
  net.initialise(theta.data(), [&] { return normal(random); });
  std::vector<int> order(Flow::size);
  std::iota(order.begin(), order.end(), 0);
  (set_network<I>(q, order, net.export_dense(theta.data())), ...);
  return q;
}

template <class T, class E> const auto& flow_of(const E& e) {
  static const auto q = make_flow<T>(e, 1);
  return q;
}

void add_all() {
  const auto& w1 = flow_of<float>(small_iaf);
  add_call("W1", w1, call::draw, {1, 64, 1024, 65536});
  add_call("W1 scored", w1, call::score, {1024});
  add_call("W1", flow_of<double>(small_iaf), call::draw, {1024});

  const auto& w2 = flow_of<float>(large_iaf);
  add_call("W2", w2, call::draw, {1, 64, 1024, 65536});
  add_sweep("W2 scored", w2, call::inverse, call::forward);
  add_step("W2 trained", w2, call::forward, {1024});

  const auto& w3 = flow_of<float>(large_maf);
  add_call("W3", w3, call::score, {1, 64, 1024, 4096, 65536});
  add_call("W3s", w3, call::draw, {1, 64, 1024, 4096});
  add_sweep("W3s", w3, call::forward, call::inverse);
  add_step("W4", w3, call::score, {256, 1024, 4096});
  const auto& w3_double = flow_of<double>(large_maf);
  add_call("W3", w3_double, call::score, {1024});
  add_sweep("W3s", w3_double, call::forward, call::inverse);
  add_step("W4", w3_double, call::score, {1024});

  // Networks from elsewhere, with degrees spread as Pyro does.
  constexpr auto networks = std::make_integer_sequence<int, 5>{};
  static const auto w2_linspace = with_linspace_degrees(w2, networks);
  static const auto w3_linspace = with_linspace_degrees(w3, networks);
  add_call("W3 linspace", w3_linspace, call::score, {1024});
  add_sweep("W3s linspace", w3_linspace, call::forward, call::inverse);
  add_step("W4 linspace", w3_linspace, call::score, {1024});
  add_step("W2 linspace trained", w2_linspace, call::forward, {1024});

  static const auto calorimeter = make_flow<float>(normal<368> | maf<378>, 1);
  add_call("D=368 H=378", calorimeter, call::score, {1024});
  add_sweep("D=368 H=378 sampled", calorimeter, call::forward, call::inverse);

  add_call("W5", flow_of<float>(spline_coupling), call::score, {1, 64, 1024, 65536});
  add_call("W5 sampled", flow_of<float>(spline_coupling), call::draw, {1024});

  if (options().threads > 1) return;
  add_guide("W6d2", flow_of<float>(iaf_guide<2>));
  add_guide("W6d10", flow_of<float>(iaf_guide<10>));
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
