// What the machine can do: multiply-adds, reading memory, exponentials, and dense products by
// OpenBLAS where it is installed. Built for every instruction set. Pin it to a core.
#include <bijou/kernels/aligned.hpp>
#include <bijou/kernels/math.hpp>

#include <cmath>
#include <cstdint>
#include <cstdio>

#include "measure.hpp"

#ifdef BIJOU_BENCH_OPENBLAS
#include <cblas.h>
#endif

using namespace bench;

namespace {

template <class T> void add_peak() {
  add("peak/" + type_name<T>(),
      [](benchmark::State& state) {
        double rate = 0;
        for (auto _ : state) rate = measure_peak<T>();
        state.counters["GFLOP/s"] = rate / 1e9;
      })
      ->Iterations(1)
      ->Repetitions(1);
}

/// Reads a block again and again: which cache it comes from is a matter of its size.
void add_read(std::size_t kibibytes) {
  add("read/" + std::to_string(kibibytes) + " KiB", [=](benchmark::State& state) {
    using pack = simd::pack<float>;
    constexpr int streams = 8;
    const aligned_vector<float> memory(kibibytes * 256, 1.0F);
    const double one = run(state, [&] {
      detail::registers_of<float, streams> sum;
      for (pack& s : sum) s = pack(0.0F);
      for (std::size_t i = 0; i < memory.size(); i += std::size_t{streams} * pack::size)
        detail::unroll<streams>([&](auto j) __attribute__((always_inline)) {
          sum[j] += pack::load(memory.data() + i + j * pack::size);
        });
      for (pack& s : sum) benchmark::DoNotOptimize(s);
    });
    state.counters["GB/s"] = static_cast<double>(kibibytes) * 1024 / one / 1e9;
  });
}

template <class T, class F> void add_exp(const std::string& name, int step, F&& f) {
  add(name + "/" + type_name<T>(), [=](benchmark::State& state) {
    constexpr int n = 2048;
    aligned_vector<T> x(n), y(n);
    for (int i = 0; i < n; ++i) x[static_cast<std::size_t>(i)] = T(i % 200) * T(0.05) - T(5);
    const double one = run(state, [&] {
      for (int i = 0; i < n; i += step) f(x.data() + i, y.data() + i);
      benchmark::ClobberMemory();
    });
    state.counters["ns_each"] = one / n * 1e9;
  });
}
template <class T> void add_exps() {
  add_exp<T>("exp", simd::pack<T>::size,
             [](const T* x, T* y) { math::exp(simd::pack<T>::load(x)).store(y); });
  add_exp<T>("std::exp", 1, [](const T* x, T* y) {
    *y = std::exp(*x);
    benchmark::DoNotOptimize(*y); // one at a time, as plain code has it
  });
}

#ifdef BIJOU_BENCH_OPENBLAS
/// C = A B^T of a dense layer: m samples, k units to n.
template <class T> void add_product(int m, int n, int k) {
  const std::string shape = std::to_string(m) + "x" + std::to_string(n) + "x" + std::to_string(k);
  add((sizeof(T) == 4 ? "sgemm/" : "dgemm/") + shape, [=](benchmark::State& state) {
    openblas_set_num_threads(options().threads);
    const auto values = [](int rows, int columns) {
      return aligned_vector<T>(static_cast<std::size_t>(rows) * static_cast<std::size_t>(columns),
                               T(0.01));
    };
    const auto a = values(m, k), b = values(n, k);
    auto c = values(m, n);
    const double one = run(state, [&] {
      if constexpr (sizeof(T) == 4)
        cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a.data(), k, b.data(), k,
                    0, c.data(), n);
      else
        cblas_dgemm(CblasRowMajor, CblasNoTrans, CblasTrans, m, n, k, 1, a.data(), k, b.data(), k,
                    0, c.data(), n);
      benchmark::ClobberMemory();
    });
    report<T>(state, static_cast<double>(m) * n * k, one);
    state.counters["samples/s"] = m / one;
  });
}
void add_products() {
  benchmark::AddCustomContext("openblas", openblas_get_config());
  benchmark::AddCustomContext("openblas_core", openblas_get_corename());
  for (const auto& [n, k] :
       {std::pair{512, 512}, {512, 64}, {128, 512}, {64, 64}, {64, 8}, {16, 64}}) {
    add_product<float>(1024, n, k);
    add_product<double>(1024, n, k);
  }
}
#else
void add_products() { std::fprintf(stderr, "OpenBLAS is not installed: no dense products\n"); }
#endif

void add_all() {
  add_peak<float>();
  add_peak<double>();
  for (const std::size_t size : {32U, 512U, 8192U, 262144U}) add_read(size);
  add_exps<float>();
  add_exps<double>();
  add_products();
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
