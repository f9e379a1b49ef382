// The orbits of 7,098 small bodies of the solar system, as a density one can score and sample.
//
//     small_bodies [--epochs 60] [--threads 2] [--output .]
//
// Models (log a, e, i, H): semi-major axis a in au, eccentricity e in (0, 1), inclination i in
// (0, 180) degrees, absolute magnitude H in (-2, 12), where the catalogue ends. Trains a flow,
// compares it on unseen bodies with a Gaussian and a mixture of ten, saves and reloads it, samples
// 100,000 bodies and draws them beside the data.

#include <bijou/bijou.hpp>
#include <bijou/io/save_load.hpp>

#include <CLI/CLI.hpp>
#if __has_include(<xtensor/io/xcsv.hpp>) // since xtensor 0.26
#include <xtensor/io/xcsv.hpp>
#include <xtensor/views/xview.hpp>
#else
#include <xtensor/xcsv.hpp>
#include <xtensor/xview.hpp>
#endif

#include <array>
#include <cmath>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "baselines.hpp"
#include "picture.hpp"

namespace {

using bodies = xt::xtensor<float, 2>; // one a row: log a, e, i, H
using point = baselines::point<4>;

bodies read_bodies(const std::string& path) {
  std::ifstream file(path);
  if (!file) throw std::runtime_error("cannot read " + path);
  const auto text = xt::load_csv<std::string>(file, ',', /*skip_rows=*/1); // a column is words
  bodies all({text.shape(0), 4});
  for (std::size_t n = 0; n < all.shape(0); ++n) {
    all(n, 0) = std::log(std::stof(text(n, 0)));
    all(n, 1) = std::stof(text(n, 1));
    all(n, 2) = std::stof(text(n, 2));
    all(n, 3) = std::stof(text(n, 6));
  }
  return all;
}

/// Every fifth body is for the test; models see the rest only.
bodies part_of(const bodies& all, bool test) {
  std::vector<std::size_t> rows;
  for (std::size_t n = 0; n < all.shape(0); ++n)
    if ((n % 5 == 4) == test) rows.push_back(n);
  return xt::view(all, xt::keep(rows), xt::all());
}

/// Coordinates without bounds, log a and the logits of e, i and H, and the log of the volume that
/// one unit of them has in (log a, e, i, H).
struct unbounded {
  point u;
  double log_volume;
};
unbounded unbound(const bodies& b, std::size_t n) {
  unbounded r{{b(n, 0)}, 0};
  constexpr std::array<double, 4> low{0, 0, 0, -2}, high{0, 1, 180, 12};
  for (std::size_t d = 1; d < 4; ++d) {
    const double above = b(n, d) - low[d], below = high[d] - b(n, d);
    r.u[d] = std::log(above / below);
    r.log_volume += std::log(above * below / (high[d] - low[d]));
  }
  return r;
}

/// Log densities of bodies, nats, with mean and standard error.
struct score {
  std::vector<double> each;
  double mean = 0, error = 0;
  explicit score(std::vector<double> values) : each(std::move(values)) {
    const auto n = static_cast<double>(each.size());
    for (const double v : each) mean += v / n;
    for (const double v : each) error += (v - mean) * (v - mean) / (n * (n - 1));
    error = std::sqrt(error);
  }
  friend score operator-(const score& a, const score& b) {
    std::vector<double> difference = a.each;
    for (std::size_t n = 0; n < difference.size(); ++n) difference[n] -= b.each[n];
    return score(std::move(difference));
  }
};

/// A baseline's densities are compared in the same variables as the flow's, (log a, e, i, H), but
/// it is fitted in the unbounded ones, where it does better.
template <class Model> score score_of(const Model& model, const bodies& test) {
  std::vector<double> each;
  for (std::size_t n = 0; n < test.shape(0); ++n) {
    const auto [u, log_volume] = unbound(test, n);
    each.push_back(model.log_density(u) - log_volume);
  }
  return score(std::move(each));
}

void write_csv(const std::string& path, const bodies& b) { // a instead of log a
  bodies elements = b;
  xt::view(elements, xt::all(), 0) = xt::exp(xt::view(b, xt::all(), 0));
  std::ofstream file(path);
  xt::dump_csv(file, elements);
  if (!file) throw std::runtime_error("cannot write " + path);
}

int run(int epochs, int threads, const std::string& output) {
  using namespace bijou;
  const bodies all = read_bodies(BIJOU_EXAMPLES_DIR "/data/small_bodies.csv");
  const bodies train = part_of(all, false), test = part_of(all, true);

  std::vector<point> points;
  for (std::size_t n = 0; n < train.shape(0); ++n) points.push_back(unbound(train, n).u);
  const auto gaussian = baselines::fit_gaussian(points);
  const auto mixture = baselines::mixture<4>::fit(points, /*components=*/10, /*seed=*/1);

  // Noise to data: two spline layers; two finer splines for a, whose resonances are narrow; then
  // the data's own scale, and e, i and H into their ranges.
  std::array<double, 4> mean = gaussian.mean(), scale = gaussian.variance();
  for (double& s : scale) s = std::sqrt(s);
  constexpr auto layer = inverse(autoregressive<64, 64>(rational_quadratic<48>.bound(8)))
                             .activation(activations::silu);
  constexpr auto fine =
      on<0>(rational_quadratic<32>.bound(4)) | on<0>(rational_quadratic<128>.bound(3));
  const auto population = normal<4> | layer | flip | layer | fine |
                          inverse(standardise(mean, scale)) | on<1>(sigmoid_map) |
                          on<2>(interval_map(0, 180)) | on<3>(interval_map(-2, 12));
  auto q = make_flow<float>(population, /*seed=*/1);
  const auto fitted = fit(q, train,
                          {.epochs = epochs,
                           .batch_size = 64,
                           .optimizer = {.learning_rate = 1e-2, .weight_decay = 0.1, .max_norm = 5},
                           .schedule = schedules::cosine{.warmup = 0.03},
                           .seed = 1,
                           .threads = threads});
  std::printf("flow: %zu parameters, best after epoch %d of %zu, %.3f nats in validation, %.0f s\n",
              q.num_parameters(), fitted.best_epoch, fitted.history.size(), fitted.best_validation,
              fitted.history.back().seconds);

  const auto log_prob = q.log_prob(test);
  const score flow_score({log_prob.begin(), log_prob.end()});
  const score mixture_score = score_of(mixture, test), gaussian_score = score_of(gaussian, test);
  const score over_mixture = flow_score - mixture_score,
              over_gaussian = flow_score - gaussian_score;
  std::printf("\nlog-likelihood of %zu unseen bodies   nats a body   flow's gain\n", test.shape(0));
  std::printf("  flow                                %10.3f\n", flow_score.mean);
  std::printf("  mixture of 10 Gaussians             %10.3f   %6.3f +- %.3f\n", mixture_score.mean,
              over_mixture.mean, over_mixture.error);
  std::printf("  Gaussian                            %10.3f   %6.3f +- %.3f\n", gaussian_score.mean,
              over_gaussian.mean, over_gaussian.error);
  std::printf("An unseen body is %.2f times as likely under the flow as under the mixture.\n\n",
              std::exp(over_mixture.mean));

  save(q, output + "/small_bodies.safetensors");
  auto reloaded = make_flow<float>(population);
  load(reloaded, output + "/small_bodies.safetensors");
  if (reloaded.log_prob(test) != log_prob)
    throw std::runtime_error("the reloaded flow gives other densities");
  std::printf("saved and reloaded: densities are the same to the last bit\n");

  philox stream(2022);
  write_csv(output + "/small_bodies_data.csv", all);
  write_csv(output + "/small_bodies_samples.csv", q.sample(stream, 100'000));
  std::printf("100,000 samples in %s/small_bodies_samples.csv\n", output.c_str());
  const std::string picture = output + "/small_bodies.png";
  draw_picture("small_bodies.gp",
               {output + "/small_bodies_data.csv", output + "/small_bodies_samples.csv", picture},
               picture);
  return over_mixture.mean > 3 * over_mixture.error ? EXIT_SUCCESS : EXIT_FAILURE;
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("A flow of the small bodies of the solar system, trained, tested and drawn");
  int epochs = 60, threads = 2;
  std::string output = ".";
  app.add_option("--epochs", epochs, "passes over the data, at most")->capture_default_str();
  app.add_option("--threads", threads, "threads of the training")->capture_default_str();
  app.add_option("--output", output, "folder for the model, samples and picture")
      ->check(CLI::ExistingDirectory)
      ->capture_default_str();
  CLI11_PARSE(app, argc, argv);
  try {
    return run(epochs, threads, output);
  } catch (const std::exception& error) {
    std::fprintf(stderr, "small_bodies: %s\n", error.what());
    return EXIT_FAILURE;
  }
}
