// A scalar field with a quartic coupling on a lattice in two dimensions, sampled by a flow.
//
//     lattice [--sizes 6 8] [--steps 3000] [--threads 2] [--output .]
//
// S(phi) = sum_x phi(x) (4 + m^2) phi(x) - sum_<x,y> 2 phi(x) phi(y) + lambda sum_x phi(x)^4 on L x
// L sites with periodic boundaries, at the couplings of Albergo, Kanwar and Shanahan (1904.12072,
// table I): m^2 = -4, lambda = 6.975 for L = 6 and 6.008 for L = 8. A flow is trained by reverse
// KL, from the action alone, and proposes whole configurations to a Metropolis chain, which is
// exact whatever the flow. Beside it Hybrid Monte Carlo, one chain in each SIMD lane. Draws
// configurations, distributions and autocorrelations of both.

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
#include <random>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "picture.hpp"

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

/// Measurements along chains of one length, a chain after the other.
class series {
 public:
  series(std::span<const double> values, std::size_t chains)
      : values_(values), length_(values.size() / chains) {
    for (const double v : values) mean_ += v / static_cast<double>(values.size());
    variance_ = autocovariance(0);
  }

  double mean() const { return mean_; }
  double autocorrelation(std::size_t lag) const { return autocovariance(lag) / variance_; }
  /// In steps; 0.5 where steps are independent. Up to six times itself (Madras & Sokal 1988).
  double integrated_time() const {
    double time = 0.5;
    for (std::size_t lag = 1; lag < length_ / 2 && static_cast<double>(lag) < 6 * time; ++lag)
      time += autocorrelation(lag);
    return time;
  }
  /// Of the mean.
  double standard_error() const {
    return std::sqrt(2 * integrated_time() * variance_ / static_cast<double>(values_.size()));
  }

 private:
  double autocovariance(std::size_t lag) const {
    double sum = 0;
    std::size_t pairs = 0;
    for (std::size_t chain = 0; chain < values_.size(); chain += length_)
      for (std::size_t i = chain; i + lag < chain + length_; ++i, ++pairs)
        sum += (values_[i] - mean_) * (values_[i + lag] - mean_);
    return sum / static_cast<double>(pairs);
  }

  std::span<const double> values_;
  std::size_t length_;
  double mean_ = 0, variance_ = 0;
};

/// What is measured along a chain.
struct history {
  std::vector<double> square;         ///< phi^2, mean over the sites
  std::vector<double> magnetisation;  ///< m, mean of phi over the sites
  std::vector<double> susceptibility; ///< V m^2

  template <class Phi> void measure(const Phi& phi, int sites) {
    double sum = 0, squares = 0;
    for (int i = 0; i < sites; ++i) {
      sum += phi(i);
      squares += phi(i) * phi(i);
    }
    square.push_back(squares / sites);
    magnetisation.push_back(sum / sites);
    susceptibility.push_back(sum * sum / sites);
  }
  void append(const history& next) {
    for (const auto part : {&history::square, &history::magnetisation, &history::susceptibility})
      (this->*part).insert((this->*part).end(), (next.*part).begin(), (next.*part).end());
  }
};

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

template <int L> using configuration = std::array<double, static_cast<std::size_t>(L* L)>;

template <int L> struct chain {
  history measured;
  std::size_t chains;
  double acceptance, seconds;
  std::vector<configuration<L>> shown; ///< after each third of a chain
};

/// Hybrid Monte Carlo (Duane et al. 1987): leapfrog, trajectories of length 1, a chain in each
/// lane.
template <int L> chain<L> hybrid_monte_carlo(const phi4<L>& target, std::size_t trajectories) {
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
  chain<L> result{{}, static_cast<std::size_t>(lanes), 0, 0, {}};
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
      result.acceptance += taken[l] / static_cast<double>(trajectories * lanes);
      lane[static_cast<std::size_t>(l)].measure(
          [&](int i) { return phi[static_cast<std::size_t>(i)][l]; }, L * L);
    }
    if ((t - warm_up + 1) % (trajectories / 3) == 0) {
      auto& shown = result.shown.emplace_back();
      for (std::size_t i = 0; i < sites; ++i) shown[i] = phi[i][0];
    }
  }
  result.seconds = seconds_since(start);
  for (const history& h : lane) result.measured.append(h);
  return result;
}

/// Configurations of a flow, and their log weights log p - log q.
template <int L> class proposals {
 public:
  template <class Flow>
  proposals(const phi4<L>& target, const Flow& q, std::size_t count, std::uint64_t seed,
            int threads)
      : phi_(count), log_weights_(count) {
    philox stream(seed);
    const auto drawn = parallel(q, threads).sample_and_log_prob(stream, count);
    configuration<L> gradient;
    for (std::size_t n = 0; n < count; ++n) {
      for (std::size_t i = 0; i < phi_[n].size(); ++i) phi_[n][i] = drawn.samples(n, i);
      log_weights_[n] =
          target.value_and_grad(phi_[n], gradient) - static_cast<double>(drawn.log_prob(n));
    }
  }

  /// A share of the configurations.
  double effective() const {
    return effective_sample_size(log_weights_) / static_cast<double>(log_weights_.size());
  }
  history measured() const {
    history result;
    for (const auto& phi : phi_) measure(phi, result);
    return result;
  }
  /// Metropolis: proposals do not depend on where the chain is.
  chain<L> metropolis() const {
    std::mt19937_64 random(4);
    std::uniform_real_distribution<double> uniform_number;
    chain<L> result{{}, 1, 0, 0, {}};
    const std::size_t count = phi_.size();
    std::size_t here = 0;
    for (std::size_t n = 0; n < count; ++n) {
      if (n == 0 || std::log(uniform_number(random)) < log_weights_[n] - log_weights_[here]) {
        here = n;
        result.acceptance += 1 / static_cast<double>(count);
      }
      measure(phi_[here], result.measured);
      if ((n + 1) % (count / 3) == 0) result.shown.push_back(phi_[here]);
    }
    return result;
  }

 private:
  static void measure(const configuration<L>& phi, history& to) {
    to.measure([&](int i) { return phi[static_cast<std::size_t>(i)]; }, L * L);
  }

  std::vector<configuration<L>> phi_;
  std::vector<double> log_weights_;
};

/// While a flow is trained.
struct progress {
  double step, acceptance, effective;
};

/// Densities of the magnetisation over [-0.6, 0.6].
constexpr std::size_t bins = 60;
constexpr double bin_width = 1.2 / bins;
std::array<double, bins> histogram(const history& measured) {
  std::array<double, bins> density{};
  for (const double m : measured.magnetisation)
    if (std::abs(m) < 0.6)
      density[static_cast<std::size_t>((m + 0.6) / bin_width)] +=
          1 / (bin_width * static_cast<double>(measured.magnetisation.size()));
  return density;
}

/// What lattice.gp reads: blocks with two empty lines behind each.
template <int L>
void write_figure(const std::string& path, const std::vector<progress>& training,
                  const history& proposed, const chain<L>& flow, const chain<L>& hybrid) {
  std::ofstream file(path);
  file << "# step of training, acceptance, effective sample size\n";
  for (const auto& p : training)
    file << p.step << ' ' << p.acceptance << ' ' << p.effective << '\n';
  file << "\n\n# lag, autocorrelation of V m^2: flow, hybrid Monte Carlo\n";
  const series a(flow.measured.susceptibility, flow.chains);
  const series b(hybrid.measured.susceptibility, hybrid.chains);
  for (std::size_t lag = 0; lag <= 16; ++lag)
    file << lag << ' ' << a.autocorrelation(lag) << ' ' << b.autocorrelation(lag) << '\n';
  file << "\n\n# m, its density: the flow's proposals, its chain, hybrid Monte Carlo\n";
  const std::array densities{histogram(proposed), histogram(flow.measured),
                             histogram(hybrid.measured)};
  for (std::size_t i = 0; i < bins; ++i) {
    file << (static_cast<double>(i) + 0.5) * bin_width - 0.6;
    for (const auto& density : densities) file << ' ' << density[i];
    file << '\n';
  }
  for (const auto* shown : {&flow.shown, &hybrid.shown})
    for (const auto& phi : *shown) {
      file << "\n\n# a configuration\n";
      for (std::size_t i = 0; i < phi.size(); ++i)
        file << phi[i] << ((i + 1) % L == 0 ? '\n' : ' ');
    }
  if (!file.flush()) throw std::runtime_error("cannot write " + path);
}

struct settings {
  int steps, threads;
  std::string output;
};

/// Trains, runs both chains and compares; whether they agree and the flow is accepted often enough.
template <int L> bool study(double lambda, double wanted, const settings& chosen) {
  const phi4<L> target{lambda};
  auto q = make_flow<float>(field<L>, 1);
  std::printf("\nL = %d, m^2 = -4, lambda = %.3f; %zu parameters\n", L, lambda, q.num_parameters());
  std::vector<progress> training;
  const auto start = std::chrono::steady_clock::now();
  fit_to(
      q, target,
      {.epochs = chosen.steps / 100,
       .batch_size = 1024,
       .optimizer = {.learning_rate = 1e-3, .max_norm = 10},
       .schedule = schedules::cosine{.warmup = 0.05},
       .seed = 3,
       .threads = chosen.threads,
       .callback = [&](const fit_epoch& epoch) {
         const proposals<L> some(target, q, 8192, 5, chosen.threads);
         training.push_back({100.0 * epoch.epoch, some.metropolis().acceptance, some.effective()});
         return true;
       }});
  const double training_time = seconds_since(start);
  const auto trained = std::chrono::steady_clock::now();
  const proposals<L> proposed(target, q, 200'000, 12, chosen.threads);
  chain<L> flow = proposed.metropolis();
  flow.seconds = seconds_since(trained);
  const chain<L> hybrid = hybrid_monte_carlo(target, 20'000);
  std::printf("  flow: trained in %.0f s, accepted %.1f %%, effective sample size %.1f %%\n",
              training_time, 100 * flow.acceptance, 100 * proposed.effective());
  std::printf("  hybrid Monte Carlo: accepted %.1f %%\n", 100 * hybrid.acceptance);
  std::printf("  %-22s %22s %22s %10s\n", "", "flow", "hybrid Monte Carlo", "deviation");
  bool agree = true;
  const auto compare = [&](const char* name, std::vector<double> history::*measured) {
    const series x(flow.measured.*measured, flow.chains);
    const series y(hybrid.measured.*measured, hybrid.chains);
    const double sigmas =
        (x.mean() - y.mean()) / std::hypot(x.standard_error(), y.standard_error());
    std::printf("  %-22s %11.5f +- %.5f %11.5f +- %.5f %8.1f\n", name, x.mean(), x.standard_error(),
                y.mean(), y.standard_error(), sigmas);
    std::printf("  %-22s %22.2f %22.2f\n", "  autocorrelation time", x.integrated_time(),
                y.integrated_time());
    agree = agree && std::abs(sigmas) < 4;
  };
  compare("<phi^2>", &history::square);
  compare("susceptibility V<m^2>", &history::susceptibility);
  std::printf("  seconds: flow %.1f, hybrid Monte Carlo %.1f\n", flow.seconds, hybrid.seconds);
  write_figure(chosen.output + "/lattice_" + std::to_string(L) + ".txt", training,
               proposed.measured(), flow, hybrid);
  return agree && flow.acceptance > wanted;
}

bool study(int size, const settings& chosen) {
  return size == 6 ? study<6>(6.975, 0.5, chosen) : study<8>(6.008, 0.3, chosen);
}

/// Of the files of all sizes, with gnuplot.
void draw(const std::vector<int>& sizes, const std::string& output) {
  const std::string picture = output + "/lattice.png";
  std::vector<std::string> arguments{output + "/lattice", picture};
  for (const int size : sizes) arguments.push_back(std::to_string(size));
  std::printf("\n");
  draw_picture("lattice.gp", arguments, picture);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Lattice field theory with a flow as proposal");
  std::vector<int> sizes{6, 8};
  settings chosen{3000, 2, "."};
  app.add_option("--sizes", sizes, "of the lattices: 6, 8 or both")
      ->expected(1, 2)
      ->check(CLI::IsMember({6, 8}))
      ->capture_default_str();
  app.add_option("--steps", chosen.steps, "of training")->capture_default_str();
  app.add_option("--threads", chosen.threads, "threads of training and sampling")
      ->capture_default_str();
  app.add_option("--output", chosen.output, "folder for the picture and what it shows")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    bool good = true;
    for (const int size : sizes) good = study(size, chosen) && good;
    draw(sizes, chosen.output);
    return good ? EXIT_SUCCESS : EXIT_FAILURE;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "lattice: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
