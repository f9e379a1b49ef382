// Four energies of Rezende and Mohamed (1505.05770, table 1), and flows fitted to exp(-U).
//
//     energies [--steps 10000] [--threads 1] [--output .]
//
// The variational problem in two dimensions: draws of a flow q, the energy U(z), no data. Planar
// flows of 2, 8 and 32 layers as in the paper's figure 3, beside affine and spline autoregressive
// flows. Reports E_q[log q + U] + log Z in nats, which is KL(q || p) and 0 for a perfect flow; Z is
// summed on a grid. Draws the densities.

#include <bijou/bijou.hpp>
#include <bijou/inference/diagnostics.hpp>
#include <bijou/training/fit_to.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <vector>

#include "picture.hpp"

using namespace bijou;

namespace {

/// log p(z) = -U(z). U2 to U4 do not fall off in z1: |z1| <= 4, as is usual.
struct energy {
  int number; // 1 to 4

  template <class Z> auto operator()(const Z& z) const {
    using math::exp, math::sigmoid, math::sin, math::softplus, math::sqrt;
    using X = std::remove_cvref_t<decltype(z[0])>;
    const auto half_square = [](X x) { return X(0.5) * x * x; };
    const auto log_sum = [](X a, X b) { return softplus(a - b) - a; }; // log(e^-a + e^-b)
    if (number == 1) {
      const X ring = half_square((sqrt(z[0] * z[0] + z[1] * z[1]) - X(2)) / X(0.4));
      return log_sum(half_square((z[0] - X(2)) / X(0.6)), half_square((z[0] + X(2)) / X(0.6))) -
             ring;
    }
    const X w1 = sin(X(1.5707963267948966) * z[0]);
    if (number == 2) return -half_square((z[1] - w1) / X(0.4));
    if (number == 3) {
      const X w2 = X(3) * exp(-half_square((z[0] - X(1)) / X(0.6)));
      return log_sum(half_square((z[1] - w1) / X(0.35)), half_square((z[1] - w1 + w2) / X(0.35)));
    }
    const X w3 = X(3) * sigmoid((z[0] - X(1)) / X(0.3));
    return log_sum(half_square((z[1] - w1) / X(0.4)), half_square((z[1] - w1 + w3) / X(0.35)));
  }
};

template <int K> constexpr auto planars() {
  if constexpr (K == 1)
    return normal<2> | planar;
  else
    return planars<K - 1>() | planar;
}
constexpr auto into_strip = on<0>(interval_map(-4, 4));
constexpr auto gates = iaf<64, 64>;
constexpr auto bends = autoregressive<48, 48>(rational_quadratic<16>.bound(10));

/// log of the integral of exp(-U) over the strip: the trapezoidal rule, exact to 1e-6 here.
double log_partition(energy u) {
  constexpr double step = 0.01;
  double sum = 0;
  for (int i = 0; i <= 800; ++i)
    for (int j = -1200; j <= 1200; ++j) {
      const double value = std::exp(u(std::array{-4 + i * step, j * step}));
      sum += i == 0 || i == 800 ? 0.5 * value : value;
    }
  return std::log(sum * step * step);
}

/// A picture of a density: cells over [-4, 4]^2.
class density_map {
 public:
  static constexpr int cells = 160;

  void add(double z1, double z2, double weight) {
    const auto cell = [](double z) { return static_cast<int>(std::floor((z + 4) * cells / 8)); };
    const int i = cell(z1), j = cell(z2);
    if (i < 0 || i >= cells || j < 0 || j >= cells) return;
    weights_[std::size_t{cells} * static_cast<std::size_t>(j) + static_cast<std::size_t>(i)] +=
        weight;
  }
  /// A row of numbers for each row of cells.
  void write(const std::string& path) const {
    std::ofstream file(path);
    for (std::size_t i = 0; i < weights_.size(); ++i)
      file << weights_[i] << (i % cells == cells - 1 ? '\n' : ' ');
    if (!file) throw std::runtime_error("cannot write " + path);
  }

 private:
  std::vector<double> weights_ = std::vector<double>(std::size_t{cells} * cells);
};

density_map exact(energy u) {
  density_map map;
  constexpr int fine = 3 * density_map::cells;
  for (int i = 0; i < fine; ++i)
    for (int j = 0; j < fine; ++j) {
      const double z1 = -4 + (i + 0.5) * 8 / fine, z2 = -4 + (j + 0.5) * 8 / fine;
      map.add(z1, z2, std::exp(u(std::array{z1, z2})));
    }
  return map;
}

struct outcome {
  double divergence, error; ///< KL(q || p), nats, and its standard error
  double effective;         ///< effective sample size, a share of the samples
  double shape;             ///< Pareto-k of the weights
  double seconds;           ///< of training
  density_map map;
};

template <class Expression>
outcome approximate(const Expression& expression, energy u, double log_z, double learning_rate,
                    int steps, int threads) {
  auto q = make_flow<float>(expression, 1);
  const auto start = std::chrono::steady_clock::now();
  // Cold at the end only: hot, the modes are one, and the flow finds them all.
  const auto cooling = [](std::int64_t step, std::int64_t total) {
    return std::min(1.0, 0.05 + 2.0 * static_cast<double>(step) / static_cast<double>(total));
  };
  fit_to(q, u,
         {.epochs = steps / 100,
          .batch_size = 1024,
          .optimizer = {.learning_rate = learning_rate},
          .schedule = schedules::cosine{.warmup = 0.02},
          .annealing = cooling,
          .seed = 7,
          .threads = threads});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;

  outcome result{};
  result.seconds = took.count();
  constexpr std::size_t n = 400'000;
  philox stream(2015);
  const auto [z, log_q] = q.sample_and_log_prob(stream, n);
  std::vector<double> log_weights(n);
  double sum = 0, squares = 0;
  for (std::size_t i = 0; i < n; ++i) {
    const double log_p = u(std::array<double, 2>{z(i, 0), z(i, 1)});
    log_weights[i] = log_p - log_z - static_cast<double>(log_q(i));
    sum -= log_weights[i];
    squares += log_weights[i] * log_weights[i];
    result.map.add(z(i, 0), z(i, 1), 1);
  }
  result.divergence = sum / n;
  result.error = std::sqrt((squares / n - result.divergence * result.divergence) / n);
  result.effective = effective_sample_size(log_weights) / n;
  result.shape = pareto_k(log_weights);
  return result;
}

int run(int steps, int threads, const std::string& output) {
  std::printf("KL(q || p), nats +- standard error; effective sample size; Pareto-k; training\n");
  bool good = true;
  for (int number = 1; number <= 4; ++number) {
    const energy u{number};
    const double log_z = log_partition(u);
    const std::string files = output + "/energies_" + std::to_string(number) + "_";
    exact(u).write(files + "truth.txt");
    std::printf("\nU%d, log Z = %.4f\n", number, log_z);
    const auto report = [&](const char* name, const char* file, const outcome& o) {
      std::printf("  %-44s %8.4f +- %.4f %6.1f %% %6.2f %6.1f s\n", name, o.divergence, o.error,
                  100 * o.effective, o.shape, o.seconds);
      o.map.write(files + file + ".txt");
      return o.divergence;
    };
    const auto fitted = [&](const auto& expression, double rate) {
      return approximate(expression | into_strip, u, log_z, rate, steps, threads);
    };
    report("2 planar", "planar2", fitted(planars<2>(), 5e-3));
    report("8 planar", "planar8", fitted(planars<8>(), 5e-3));
    report("32 planar", "planar32", fitted(planars<32>(), 5e-3));
    report("4 iaf<64, 64>", "iaf",
           fitted(normal<2> | gates | flip | gates | flip | gates | flip | gates, 2e-3));
    const double best = report("2 autoregressive<48, 48>(rational_quadratic)", "spline",
                               fitted(normal<2> | bends | flip | bends, 2e-3));
    if (number == 1) good = good && best < 0.05;
    if (number == 2) good = good && best < 0.02;
  }

  const std::string picture = output + "/energies.png";
  std::printf("\n");
  draw_picture("energies.gp", {output + "/energies", picture}, picture);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Flows fitted to four energies in two dimensions");
  int steps = 10000, threads = 1;
  std::string output = ".";
  app.add_option("--steps", steps, "of training each flow")->capture_default_str();
  app.add_option("--threads", threads, "threads of the training")->capture_default_str();
  app.add_option("--output", output, "folder for the densities and the picture")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(steps, threads, output);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "energies: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
