// The latency of one event, call by call: median and 99.9th percentile of a million calls (fewer
// where one takes long), and the mean of calls back to back. Pin it to a core.
#include <algorithm>
#include <chrono>
#include <vector>

#include "measure.hpp"
#include "subject.hpp"
#include "workloads.hpp"

using namespace bench;

namespace {

using nanoseconds = std::chrono::duration<double, std::nano>;
using clock_type = std::chrono::steady_clock;

/// Reading the clock twice with nothing in between.
double clock_cost() {
  std::vector<double> times(100'000);
  for (double& t : times) {
    const auto start = clock_type::now();
    t = nanoseconds(clock_type::now() - start).count();
  }
  std::nth_element(times.begin(), times.begin() + 50'000, times.end());
  return times[50'000];
}

/// f() on another event every time, timed by itself, the clock's own cost taken off.
template <class F> void time_calls(benchmark::State& state, F&& f) {
  const double cost = clock_cost();
  const double warm = wall_seconds();
  for (std::size_t i = 0; i < 1000; ++i) f();
  const double most = (options().quick ? 0.2 : 5) / (wall_seconds() - warm) * 1000;
  const auto calls = static_cast<std::size_t>(std::min(1e6, most));
  std::vector<double> times(calls);
  double together = 0;
  for (auto _ : state) {
    for (std::size_t i = 0; i < calls; ++i) {
      const auto start = clock_type::now();
      f();
      times[i] = nanoseconds(clock_type::now() - start).count() - cost;
    }
    const auto start = clock_type::now();
    for (std::size_t i = 0; i < calls; ++i) f();
    together = nanoseconds(clock_type::now() - start).count() / static_cast<double>(calls);
  }
  const auto percentile = [&](double share) {
    const auto at = times.begin() + static_cast<std::ptrdiff_t>(share * static_cast<double>(calls));
    std::nth_element(times.begin(), at, times.end());
    return *at;
  };
  state.counters["ns_median"] = percentile(0.5);
  state.counters["ns_p99.9"] = percentile(0.999);
  state.counters["ns_together"] = together;
  state.counters["calls"] = static_cast<double>(calls);
}

template <class Flow> void add_events(const std::string& name, const Flow& q) {
  const auto add_event = [&](const std::string& what, auto&& one_call) {
    add(name + " " + what + "/" + type_name<typename Flow::value_type>(),
        [=, &q](benchmark::State& state) {
          subject s(q, 1024);
          time_calls(state, [&] {
            one_call(s);
            benchmark::ClobberMemory();
          });
        })
        ->Iterations(1)
        ->Repetitions(1);
  };
  add_event("sampled", [](auto& s) { s.sample_event(); });
  add_event("scored", [](auto& s) { benchmark::DoNotOptimize(s.score_event()); });
  add_event("sampled and scored", [](auto& s) { benchmark::DoNotOptimize(s.draw_event()); });
}

void add_all() {
  static const auto w1 = make_flow<float>(small_iaf, 1);
  static const auto w1_double = make_flow<double>(small_iaf, 1);
  static const auto w3 = make_flow<float>(large_maf, 1);
  static const auto w5 = make_flow<float>(spline_coupling, 1);
  add_events("W1", w1);
  add_events("W1", w1_double);
  add_events("W3", w3);
  add_events("W5", w5);
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
