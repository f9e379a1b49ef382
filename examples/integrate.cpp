// Integrals over the unit box: a flow that learns the integrand as it integrates, beside VEGAS and
// plain Monte Carlo at equal numbers of evaluations.
//
//     integrate [--evaluations 1000000] [--seeds 1] [--only camel] [--least-gain 5] [--threads 1]
//               [--output .] [--no-picture]
//
// Camels (two Gaussians on the diagonal, D = 4, 8, 16), two resonances above their threshold
// (D = 5), Genz's six families (D = 5). Reports estimate, error, distance from the known value,
// chi^2 of the iterations, unweighting efficiency and wall time; with several seeds, how often the
// known value lies within the errors. Draws the eight-dimensional camel's proposals, and errors
// against evaluations. Fails if a flow's estimate disagrees with the known value, or is not
// so many times as precise as VEGAS on a camel.

#include <bijou/bijou.hpp>
#include <bijou/training/integrate.hpp>

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
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

#include "integrands.hpp"
#include "picture.hpp"
#include "vegas.hpp"

using namespace bijou;
using integrands::estimate;
using integrands::integrand;

namespace {

struct settings {
  std::size_t evaluations = 1'000'000;
  int seeds = 1, threads = 1;
  double least_gain = 5; // VEGAS's error over the flow's, on the camels
  bool picture = true;
  std::string only, output = ".";
};

constexpr auto bend =
    autoregressive<48, 48>(rational_quadratic<8>.unit_box()).activation(activations::silu);
template <int D> constexpr auto proposal = uniform<D> | bend | flip | bend | flip | bend;

template <int D> auto untrained(std::uint64_t seed) { return make_flow<float>(proposal<D>, seed); }

template <int D, class Flow>
estimate by_flow(Flow& q, const integrand<D>& i, std::size_t evaluations, std::uint64_t seed,
                 int threads) {
  const integral_estimate e = integrate(q, i.f,
                                        {.evaluations = evaluations,
                                         .steps_per_iteration = 100,
                                         .remembered = 20,
                                         .optimizer = {.learning_rate = 6e-3},
                                         .seed = seed,
                                         .threads = threads});
  return {e.value, e.standard_error, e.chi_squared, e.unweighting_efficiency};
}

template <class F> double seconds(F&& f) {
  const auto start = std::chrono::steady_clock::now();
  f();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

/// Estimates of one integral by one method, a seed each.
class series {
 public:
  explicit series(double known) : known_(known) {}
  void add(const estimate& e, double took) {
    estimates_.push_back(e);
    seconds_.push_back(took);
  }
  /// Mean of the claimed errors.
  double error() const {
    return mean([](const estimate& e) { return e.error; });
  }
  double pull(const estimate& e) const { return (e.value - known_) / e.error; }
  double sum_of_squared_pulls() const {
    return count() * mean([&](const estimate& e) { return pull(e) * pull(e); });
  }
  bool agrees() const { return sum_of_squared_pulls() < highest_sum(); }
  void print(const char* method) const {
    const estimate& e = estimates_.front();
    std::printf("  %-8s %13.6g +- %-9.3g pull %6.2f  chi2 %5.2f  kept %6.2f %%  %6.1f s", method,
                e.value, e.error, pull(e), e.chi_squared, 100 * e.unweighting, seconds_.front());
    if (estimates_.size() > 1) {
      const auto within = [&](double sigmas) {
        return static_cast<int>(
            std::count_if(estimates_.begin(), estimates_.end(),
                          [&](const estimate& x) { return std::abs(pull(x)) < sigmas; }));
      };
      std::printf("  of %d: mean error %.3g, %d in 1 sigma, %d in 2, rms pull %.2f",
                  static_cast<int>(count()), error(), within(1), within(2),
                  std::sqrt(sum_of_squared_pulls() / count()));
    }
    std::printf("\n");
  }

 private:
  double count() const { return static_cast<double>(estimates_.size()); }
  template <class F> double mean(F&& f) const {
    double sum = 0;
    for (const estimate& e : estimates_) sum += f(e);
    return sum / count();
  }
  /// What a chi-squared variable of so many degrees of freedom exceeds once in 10^4 times (Wilson
  /// and Hilferty's approximation).
  double highest_sum() const {
    const double k = 2 / (9 * count());
    return count() * std::pow(1 - k + 3.72 * std::sqrt(k), 3);
  }

  double known_;
  std::vector<estimate> estimates_;
  std::vector<double> seconds_;
};

struct comparison {
  series flow, vegas, plain;
};

template <int D> comparison compare(const integrand<D>& i, const settings& s) {
  comparison c{series(i.integral), series(i.integral), series(i.integral)};
  for (int k = 1; k <= s.seeds; ++k) {
    const auto seed = static_cast<std::uint64_t>(k);
    estimate e{};
    double took = seconds([&] { e = integrands::plain_monte_carlo(i, s.evaluations, seed); });
    c.plain.add(e, took);
#if BIJOU_HAVE_GSL
    took = seconds([&] { integrands::vegas<D>(i, s.evaluations, seed, false); });
    c.vegas.add(integrands::vegas<D>(i, s.evaluations, seed, true).result(), took);
#endif
    auto q = untrained<D>(seed);
    took = seconds([&] { e = by_flow(q, i, s.evaluations, seed, s.threads); });
    c.flow.add(e, took);
  }
  return c;
}

/// Whether the flow did what it should.
template <int D> bool report(const integrand<D>& i, const settings& s, double least_gain) {
  if (i.name.find(s.only) == std::string::npos) return true;
  const comparison c = compare(i, s);
  std::printf("\n%s: %.8g\n", i.name.c_str(), i.integral);
  c.plain.print("plain");
  if (integrands::have_vegas) c.vegas.print("VEGAS");
  c.flow.print("flow");
  bool good = c.flow.agrees();
  if (!good) std::printf("  the flow's estimates disagree with the known value\n");
  if (integrands::have_vegas && c.vegas.agrees()) {
    const double gain = c.vegas.error() / c.flow.error();
    std::printf("  VEGAS's error / the flow's: %.1f\n", gain);
    good = good && gain >= least_gain;
  } else if (integrands::have_vegas) {
    std::printf("  VEGAS is wrong\n");
  }
  std::fflush(stdout);
  return good;
}

// --- the picture ------------------------------------------------------------------------------

/// Counts of the first two coordinates, in cells over the unit square.
template <class Points> void write_map(const std::string& path, const Points& points) {
  constexpr std::size_t cells = 100;
  std::vector<double> counts(cells * cells);
  for (const auto& [x, y] : points) {
    const auto cell = [](double v) {
      return std::min(static_cast<std::size_t>(v * cells), cells - 1);
    };
    ++counts[cells * cell(y) + cell(x)];
  }
  std::ofstream file(path);
  for (std::size_t i = 0; i < counts.size(); ++i)
    file << counts[i] << (i % cells == cells - 1 ? '\n' : ' ');
  if (!file) throw std::runtime_error("cannot write " + path);
}

void map_proposals(const settings& s) {
  const auto camel = integrands::camel<8>();
  auto q = untrained<8>(1);
  by_flow(q, camel, s.evaluations, 1, s.threads);
  philox stream(2);
  const auto y = q.sample(stream, 400'000);
  std::vector<std::array<double, 2>> points;
  for (std::size_t i = 0; i < y.shape()[0]; ++i) points.push_back({y(i, 0), y(i, 1)});
  write_map(s.output + "/integrate_flow.txt", points);
#if BIJOU_HAVE_GSL
  write_map(s.output + "/integrate_vegas.txt",
            integrands::vegas<8>(camel, s.evaluations, 1, true).points());
#endif
}

/// Relative errors against evaluations: the claimed one, or the true one where that is larger.
template <int D> void scan(const settings& s) {
  const auto camel = integrands::camel<D>();
  const std::string path = s.output + "/integrate_camel" + std::to_string(D) + ".txt";
  std::ofstream file(path);
  for (const double part : {0.03, 0.1, 0.3, 1.0}) {
    const auto n = static_cast<std::size_t>(part * static_cast<double>(s.evaluations));
    const auto relative = [&](const estimate& e) {
      return std::max(e.error, std::abs(e.value - camel.integral)) / camel.integral;
    };
    auto q = untrained<D>(1);
    file << n << ' ' << relative(integrands::plain_monte_carlo(camel, n, 1)) << ' '
         << relative(by_flow(q, camel, n, 1, s.threads));
#if BIJOU_HAVE_GSL
    file << ' ' << relative(integrands::vegas<D>(camel, n, 1, true).result());
#endif
    file << '\n';
  }
  if (!file) throw std::runtime_error("cannot write " + path);
}

void draw(const settings& s) {
  if (!integrands::have_vegas) {
    std::printf("\nno picture: it takes the GNU Scientific Library\n");
    return;
  }
  map_proposals(s);
  scan<4>(s);
  scan<8>(s);
  scan<16>(s);
  const std::string picture = s.output + "/integrate.png";
  std::printf("\n");
  draw_picture("integrate.gp", {s.output + "/integrate", picture}, picture);
}

int run(const settings& s) {
  std::printf("%zu evaluations; estimate +- error of the first seed; pull = (estimate - known) / "
              "error;\nchi^2 per degree of freedom; kept by unweighting\n",
              s.evaluations);
  bool good = report(integrands::camel<4>(), s, s.least_gain);
  good = report(integrands::camel<8>(), s, s.least_gain) && good;
  good = report(integrands::camel<16>(), s, s.least_gain) && good;
  good = report(integrands::resonances::pair(), s, 0) && good;
  for (const auto& i : integrands::genz<5>::families()) good = report(i, s, 0) && good;
  if (s.picture) draw(s);
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("Integrals by a flow, VEGAS and plain Monte Carlo");
  settings s;
  app.add_option("--evaluations", s.evaluations, "of each integrand by each method")
      ->capture_default_str();
  app.add_option("--seeds", s.seeds, "repetitions")->capture_default_str();
  app.add_option("--only", s.only, "integrals whose name contains this");
  app.add_option("--least-gain", s.least_gain, "of the flow over VEGAS, on a camel")
      ->capture_default_str();
  app.add_option("--threads", s.threads, "threads of the flow")->capture_default_str();
  app.add_option("--output", s.output, "folder for the picture and its data")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  app.add_flag("!--no-picture", s.picture, "tables only");
  CLI11_PARSE(app, argc, argv);
  try {
    return run(s);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "integrate: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
