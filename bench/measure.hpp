#pragma once
/// \file
/// What the benchmarks share: the clock, medians, the peak of this core, and figures against both.

#include <bijou/kernels/unroll.hpp>

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <fstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace bench {

using namespace bijou;

/// Set by --threads and --quick, see run_all.
struct settings {
  int threads = 1;
  bool quick = false;
};
inline settings& options() {
  static settings s;
  return s;
}

/// Time on the wall.
inline double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
/// The clock: time this process has had a core for, so that other work on the machine does not
/// count; on the wall where several threads share the work.
inline double seconds() {
  return options().threads > 1 ? wall_seconds()
                               : static_cast<double>(std::clock()) / CLOCKS_PER_SEC;
}

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

/// Multiply-adds as fast as registers allow, in operations per second. Instruction sets without a
/// fused one do two.
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

/// Rate of arithmetic, and its share of the peak of the cores in use.
template <class T> void report(benchmark::State& state, double multiply_adds, double time_of_one) {
  const double rate = 2.0 * multiply_adds / time_of_one;
  state.counters["GFLOP/s"] = rate / 1e9;
  state.counters["of_peak"] = rate / (peak<T>() * options().threads);
}

/// The same for whole samples, and how many of them a second.
template <class T>
void report_samples(benchmark::State& state, double multiply_adds_each, std::size_t samples,
                    double one) {
  report<T>(state, multiply_adds_each * static_cast<double>(samples), one);
  state.counters["samples/s"] = static_cast<double>(samples) / one;
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

/// A benchmark by this name, in time on the wall.
template <class F> benchmark::internal::Benchmark* add(const std::string& name, F&& f) {
  return benchmark::RegisterBenchmark(name.c_str(), std::forward<F>(f))->UseRealTime();
}

/// Takes `--threads N` and `--quick` out of the arguments; Google Benchmark knows the others.
inline void read_options(int& argc, char** argv) {
  int kept = 1;
  for (int i = 1; i < argc; ++i) {
    const std::string_view argument = argv[i];
    if (argument == "--quick")
      options().quick = true;
    else if (argument == "--threads" && i + 1 < argc)
      options().threads = std::max(1, std::atoi(argv[++i]));
    else
      argv[kept++] = argv[i];
  }
  argc = kept;
}

/// Name, family and model of the processor, where Linux tells.
inline std::string processor() {
  std::ifstream info("/proc/cpuinfo");
  std::string text;
  const auto add = [&](const std::string& line, std::string_view key, const std::string& before) {
    if (!line.starts_with(key) || line.find_first_of("\t:", key.size()) != key.size()) return;
    text += before + line.substr(std::min(line.size(), line.find(':') + 2));
  };
  for (std::string line; std::getline(info, line) && !line.empty();) { // the first core's part
    add(line, "cpu family", "family ");
    add(line, "model", ", model ");
    add(line, "model name", ": ");
  }
  return text.empty() ? "unknown" : text;
}

#define BIJOU_BENCH_TEXT_(x) #x
#define BIJOU_BENCH_TEXT(x) BIJOU_BENCH_TEXT_(x)

/// Runs all registered benchmarks. The peak is measured before and after: it should not have moved.
inline int run_all(int argc, char** argv, void (*add_all)()) {
  read_options(argc, argv);
  benchmark::Initialize(&argc, argv);
  const std::string isa = BIJOU_BENCH_TEXT(BIJOU_ISA);
  const auto giga = [](double rate) { return std::to_string(rate / 1e9); };
  benchmark::AddCustomContext("instruction_set", isa.substr(isa.find('_') + 1));
  benchmark::AddCustomContext("cpu", processor());
  benchmark::AddCustomContext("compiler", BIJOU_BENCH_COMPILER);
  benchmark::AddCustomContext("threads", std::to_string(options().threads));
  benchmark::AddCustomContext("peak_float", giga(peak<float>()));
  benchmark::AddCustomContext("peak_double", giga(peak<double>()));
  add_all();
  benchmark::RunSpecifiedBenchmarks();
  std::fprintf(stderr, "multiply-add peak: %.1f GFLOP/s float, %.1f double; now %.1f, %.1f\n",
               peak<float>() / 1e9, peak<double>() / 1e9, measure_peak<float>() / 1e9,
               measure_peak<double>() / 1e9);
  return 0;
}

} // namespace bench
