#pragma once
/// \file
/// What the benchmarks share: the clock, medians, the peak of this core, and figures against both.

#include <bijou/kernels/unroll.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <ctime>
#include <string>
#include <utility>
#include <vector>

namespace bench {

using namespace bijou;

/// Time this process has had a core for: other work on the machine does not count.
inline double seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

template <class F> double median_seconds(F&& f, int repetitions = 9, double each = 0.01) {
  f();
  std::vector<double> times;
  for (int i = 0; i < repetitions; ++i) {
    int calls = 0;
    const double start = seconds();
    for (int chunk = 1; seconds() - start < each; chunk *= 2) { // reading the clock takes time too
      for (int j = 0; j < chunk; ++j) f();
      calls += chunk;
    }
    times.push_back((seconds() - start) / calls);
  }
  std::nth_element(times.begin(), times.begin() + repetitions / 2, times.end());
  return times[static_cast<std::size_t>(repetitions / 2)];
}

/// Multiply-adds as fast as registers allow, in operations per second.
template <class T> double measure_peak() {
  constexpr int chains = simd::registers >= 32 ? 24 : 12, steps = 20000;
  using pack = simd::pack<T>;
  T start[2] = {T(1.0000001), T(1e-9)};
  benchmark::DoNotOptimize(start);
  const pack a(start[0]), b(start[1]);
  const double time = median_seconds([&] {
    detail::registers_of<T, chains> sum;
    for (int c = 0; c < chains; ++c) // chains that began alike would be one to the compiler
      sum[c] = pack(static_cast<T>(c));
    for (int i = 0; i < steps; ++i)
      detail::unroll<chains>([&](auto c)
                                 __attribute__((always_inline)) { sum[c] = fma(sum[c], a, b); });
    for (pack& s : sum) {
      T out[pack::size];
      s.store(out);
      benchmark::DoNotOptimize(out);
    }
  });
  return 2.0 * chains * steps * pack::size / time;
}
template <class T> double peak() {
  static const double value = measure_peak<T>();
  return value;
}

template <class T> std::string type_name() { return sizeof(T) == 4 ? "float" : "double"; }

template <class T> void report(benchmark::State& state, double multiply_adds, double time_of_one) {
  const double rate = 2.0 * multiply_adds / time_of_one;
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["of_peak"] = rate / peak<T>();
}

/// Runs f under Google Benchmark; returns seconds a call.
template <class F> double run(benchmark::State& state, F&& f) {
  const double start = seconds();
  for (auto _ : state) f();
  return (seconds() - start) / static_cast<double>(state.iterations());
}

/// The same, and how long f takes in units of `reference`, which is timed before and after.
template <class F, class Reference>
double run_against(benchmark::State& state, const std::string& name, F&& f, Reference&& reference) {
  const double before = median_seconds(reference, 5);
  const double one = run(state, f);
  const double after = median_seconds(reference, 5);
  state.counters[name] = 2 * one / (before + after);
  return one;
}

/// Runs all registered benchmarks, the peak printed before and after: it should not have moved.
inline int run_all(int argc, char** argv, void (*add)()) {
  benchmark::Initialize(&argc, argv);
  std::printf("multiply-add peak: %.1f GFLOP/s float, %.1f double\n", peak<float>() / 1e9,
              peak<double>() / 1e9);
  add();
  benchmark::RunSpecifiedBenchmarks();
  std::printf("multiply-add peak again: %.1f GFLOP/s float, %.1f double\n",
              measure_peak<float>() / 1e9, measure_peak<double>() / 1e9);
  return 0;
}

} // namespace bench
