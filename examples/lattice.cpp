// A scalar field with a quartic coupling on a lattice in two dimensions, sampled by a flow.
//
//     lattice [--steps 3000] [--threads 2]
//
// S(phi) = sum_x phi(x) (4 + m^2) phi(x) - sum_<x,y> 2 phi(x) phi(y) + lambda sum_x phi(x)^4 on L x
// L sites with periodic boundaries, at the couplings of Albergo, Kanwar and Shanahan (1904.12072,
// table I): m^2 = -4, lambda = 6.975 for L = 6 and 6.008 for L = 8. A flow is trained by reverse
// KL, from the action alone, and proposes whole configurations to a Metropolis chain, which is
// exact whatever the flow. Beside it Hybrid Monte Carlo, one chain in each SIMD lane.

#include <bijou/bijou.hpp>
#include <bijou/inference/diagnostics.hpp>
#include <bijou/training/fit_to.hpp>

#include <CLI/CLI.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

using namespace bijou;

namespace {

/// log p(phi) = -S(phi), sites row after row.
template <int L> struct phi4 {
  static constexpr int sites = L * L;
  static constexpr double mass_squared = -4;
  double lambda;

  template <class P, std::size_t D>
  P value_and_grad(const std::array<P, D>& phi, std::array<P, D>& gradient) const {
    using T = typename math::scalar_of<P>::type;
    const P diagonal(T(4 + mass_squared)), quartic(static_cast<T>(lambda));
    P action(0);
    for (int x = 0; x < L; ++x)
      for (int y = 0; y < L; ++y) {
        const auto at = [&](int i, int j) {
          return phi[static_cast<std::size_t>((i + L) % L * L + (j + L) % L)];
        };
        const P here = at(x, y);
        const P around = (at(x + 1, y) + at(x - 1, y)) + (at(x, y + 1) + at(x, y - 1));
        const P square = here * here;
        action = fma(here, fma(diagonal, here, -around), fma(quartic * square, square, action));
        gradient[std::size_t{L} * static_cast<std::size_t>(x) + static_cast<std::size_t>(y)] =
            P(2) * around - here * fma(P(4) * quartic, square, P(2) * diagonal);
      }
    return -action;
  }
};

/// Where each site stands if the even ones come first, then the odd: neighbours drive each other.
template <int L> constexpr auto checkerboard() {
  std::array<int, std::size_t{L} * L> place{};
  int even = 0, odd = (L * L + 1) / 2;
  for (int site = 0; site < L * L; ++site)
    place[static_cast<std::size_t>(site)] = (site / L + site % L) % 2 == 0 ? even++ : odd++;
  return place;
}
constexpr auto half =
    coupling<128, 128>(rational_quadratic<8>.bound(4)).activation(activations::silu);
constexpr auto both = half | flip | half | flip;
template <int L>
constexpr auto field = normal<L * L> | both | both | both | permute(checkerboard<L>());

/// A series of measurements: its mean, and the error that its autocorrelation allows.
struct estimate {
  double mean, error;
  double time; ///< integrated autocorrelation time, in steps; 0.5 where steps are independent

  /// Windows of six autocorrelation times (Madras & Sokal 1988). Chains one after another.
  static estimate of(std::span<const double> series, std::size_t chains) {
    const std::size_t length = series.size() / chains;
    double mean = 0;
    for (const double v : series) mean += v;
    mean /= static_cast<double>(series.size());
    const auto covariance = [&](std::size_t lag) {
      double sum = 0;
      for (std::size_t c = 0; c < chains; ++c)
        for (std::size_t i = 0; i + lag < length; ++i)
          sum += (series[c * length + i] - mean) * (series[c * length + i + lag] - mean);
      return sum / static_cast<double>(chains * (length - lag));
    };
    const double variance = covariance(0);
    double time = 0.5;
    for (std::size_t lag = 1; lag < length / 2 && static_cast<double>(lag) < 6 * time; ++lag)
      time += covariance(lag) / variance;
    return {mean, std::sqrt(2 * time * variance / static_cast<double>(series.size())), time};
  }
};

/// What is measured along a chain.
struct history {
  std::vector<double> square;        ///< phi^2, mean over the sites
  std::vector<double> magnetisation; ///< V m^2, m the mean over the sites

  template <class Phi> void measure(const Phi& phi, int sites) {
    double sum = 0, squares = 0;
    for (int i = 0; i < sites; ++i) {
      sum += phi(i);
      squares += phi(i) * phi(i);
    }
    square.push_back(squares / sites);
    magnetisation.push_back(sum * sum / sites);
  }
};

struct chain {
  history measured;
  std::size_t chains;
  double acceptance, seconds;
};

/// Hybrid Monte Carlo (Duane et al. 1987): leapfrog, trajectories of length 1, a chain in each
/// lane.
template <int L> chain hybrid_monte_carlo(const phi4<L>& target, std::size_t trajectories) {
  using P = simd::pack<double>;
  constexpr int lanes = P::size;
  constexpr auto sites = static_cast<std::size_t>(L * L);
  constexpr int steps = 10;
  constexpr double step = 0.1;
  std::mt19937_64 random(4);
  std::normal_distribution<double> normal_number;
  std::uniform_real_distribution<double> uniform_number;
  const auto lane_numbers = [&](auto& distribution) {
    alignas(64) std::array<double, static_cast<std::size_t>(lanes)> v;
    for (double& x : v) x = distribution(random);
    return P::load(v.data());
  };
  using values = std::array<P, sites>;
  values phi, force;
  for (P& x : phi) x = P(0.3) * lane_numbers(normal_number); // near the mode: leapfrog is stable
  P log_p = target.value_and_grad(phi, force);
  std::vector<history> lane(static_cast<std::size_t>(lanes));
  double accepted = 0;
  const std::size_t warm_up = trajectories / 10;
  const auto start = std::chrono::steady_clock::now();
  for (std::size_t t = 0; t < trajectories + warm_up; ++t) {
    values moved = phi, pull = force, momentum;
    P kinetic_before(0), kinetic_after(0);
    for (P& p : momentum) {
      p = lane_numbers(normal_number);
      kinetic_before = fma(P(0.5) * p, p, kinetic_before);
    }
    P moved_log_p = log_p;
    for (int s = 0; s < steps; ++s) {
      for (std::size_t i = 0; i < sites; ++i) {
        momentum[i] = fma(P(step / 2), pull[i], momentum[i]);
        moved[i] = fma(P(step), momentum[i], moved[i]);
      }
      moved_log_p = target.value_and_grad(moved, pull);
      for (std::size_t i = 0; i < sites; ++i) momentum[i] = fma(P(step / 2), pull[i], momentum[i]);
    }
    for (const P& p : momentum) kinetic_after = fma(P(0.5) * p, p, kinetic_after);
    const P gain = (moved_log_p - kinetic_after) - (log_p - kinetic_before);
    const auto take = math::log(lane_numbers(uniform_number)) < gain;
    for (std::size_t i = 0; i < sites; ++i) {
      phi[i] = select(take, moved[i], phi[i]);
      force[i] = select(take, pull[i], force[i]);
    }
    log_p = select(take, moved_log_p, log_p);
    if (t < warm_up) continue;
    const P taken = select(take, P(1), P(0));
    for (int l = 0; l < lanes; ++l) {
      accepted += taken[l];
      lane[static_cast<std::size_t>(l)].measure(
          [&](int i) { return phi[static_cast<std::size_t>(i)][l]; }, L * L);
    }
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  chain result{{},
               static_cast<std::size_t>(lanes),
               accepted / static_cast<double>(trajectories * lanes),
               took.count()};
  for (const history& h : lane) {
    auto& all = result.measured;
    all.square.insert(all.square.end(), h.square.begin(), h.square.end());
    all.magnetisation.insert(all.magnetisation.end(), h.magnetisation.begin(),
                             h.magnetisation.end());
  }
  return result;
}

/// Metropolis with the flow's samples as proposals, which do not depend on where the chain is.
template <int L, class Flow>
chain independence_metropolis(const phi4<L>& target, const Flow& q, std::size_t proposals,
                              int threads, double& effective) {
  philox stream(12);
  std::mt19937_64 random(4);
  std::uniform_real_distribution<double> uniform_number;
  const auto start = std::chrono::steady_clock::now();
  const auto proposed = parallel(q, threads).sample_and_log_prob(stream, proposals);
  const auto& phi = proposed.samples;
  std::vector<double> log_weights(proposals);
  for (std::size_t n = 0; n < proposals; ++n) {
    std::array<double, static_cast<std::size_t>(L * L)> values, gradient;
    for (std::size_t i = 0; i < values.size(); ++i) values[i] = phi(n, i);
    log_weights[n] =
        target.value_and_grad(values, gradient) - static_cast<double>(proposed.log_prob(n));
  }
  chain result{{}, 1, 0, 0};
  std::size_t here = 0;
  for (std::size_t n = 0; n < proposals; ++n) {
    if (n == 0 || std::log(uniform_number(random)) < log_weights[n] - log_weights[here]) {
      here = n;
      result.acceptance += 1 / static_cast<double>(proposals);
    }
    result.measured.measure(
        [&](int i) { return static_cast<double>(phi(here, static_cast<std::size_t>(i))); }, L * L);
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  result.seconds = took.count();
  effective =
      effective_sample_size(std::span<const double>(log_weights)) / static_cast<double>(proposals);
  return result;
}

/// Trains, runs both chains and compares; whether they agree and the flow is accepted often enough.
template <int L> bool study(double lambda, double wanted, int steps, int threads) {
  const phi4<L> target{lambda};
  auto q = make_flow<float>(field<L>, 1);
  std::printf("\nL = %d, m^2 = -4, lambda = %.3f; %zu parameters\n", L, lambda, q.num_parameters());
  const auto start = std::chrono::steady_clock::now();
  fit_to(q, target,
         {.epochs = steps / 100,
          .batch_size = 1024,
          .optimizer = {.learning_rate = 1e-3, .max_norm = 10},
          .schedule = schedules::cosine{.warmup = 0.05},
          .seed = 3,
          .threads = threads});
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - start;
  double effective = 0;
  const chain flow = independence_metropolis(target, q, 200'000, threads, effective);
  const chain hybrid = hybrid_monte_carlo(target, 20'000);
  std::printf("  flow: trained in %.0f s, accepted %.1f %%, effective sample size %.1f %%\n",
              took.count(), 100 * flow.acceptance, 100 * effective);
  std::printf("  hybrid Monte Carlo: accepted %.1f %%\n", 100 * hybrid.acceptance);
  std::printf("  %-22s %22s %22s %10s\n", "", "flow", "hybrid Monte Carlo", "deviation");
  bool agree = true;
  const auto compare = [&](const char* name, std::span<const double> a, std::span<const double> b) {
    const estimate x = estimate::of(a, flow.chains), y = estimate::of(b, hybrid.chains);
    const double sigmas = (x.mean - y.mean) / std::hypot(x.error, y.error);
    std::printf("  %-22s %11.5f +- %.5f %11.5f +- %.5f %8.1f\n", name, x.mean, x.error, y.mean,
                y.error, sigmas);
    std::printf("  %-22s %22.2f %22.2f\n", "  autocorrelation time", x.time, y.time);
    agree = agree && std::abs(sigmas) < 4;
  };
  compare("<phi^2>", flow.measured.square, hybrid.measured.square);
  compare("susceptibility V<m^2>", flow.measured.magnetisation, hybrid.measured.magnetisation);
  std::printf("  seconds: flow %.1f, hybrid Monte Carlo %.1f\n", flow.seconds, hybrid.seconds);
  return agree && flow.acceptance > wanted;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Lattice field theory with a flow as proposal");
  int steps = 3000, threads = 2;
  app.add_option("--steps", steps, "of training")->capture_default_str();
  app.add_option("--threads", threads, "threads of training and sampling")->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    const bool small = study<6>(6.975, 0.5, steps, threads);
    const bool large = study<8>(6.008, 0.3, steps, threads);
    return small && large ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lattice: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
