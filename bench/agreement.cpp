// That bijou and the peers compute the same numbers: W1 and W3 with weights, inputs and results
// that bench/peers/export_weights.py wrote.
//     bench_agreement FOLDER
#include <bijou/bijou.hpp>
#include <bijou/io/save_load.hpp>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <exception>
#include <string>
#include <utility>
#include <vector>

#include "workloads.hpp"

using namespace bench;

namespace {

using file = io::safetensors;

/// The network of layer i; weights come with their masks.
dense_network<float> network_of(const file& f, int i) {
  dense_network<float> net;
  const auto name = [&](const char* kind, std::size_t l) {
    return "layers." + std::to_string(i) + "." + kind + "." + std::to_string(l);
  };
  for (std::size_t l = 0; f.contains(name("weight", l)); ++l) {
    const auto shape = f.tensor(name("weight", l)).shape;
    dense_layer<float> layer{static_cast<int>(shape[0]),
                             static_cast<int>(shape[1]),
                             f.as<float>(name("weight", l)),
                             f.as<float>(name("bias", l)),
                             {}};
    for (const float m : f.as<float>(name("mask", l))) layer.mask.push_back(m != 0);
    net.layers.push_back(std::move(layer));
  }
  return net;
}

template <int... I, class Flow>
void take_weights(Flow& q, const file& f, std::integer_sequence<int, I...>) {
  const auto order_of = [&](int i) {
    const auto p = f.as<std::int64_t>("layers." + std::to_string(i) + ".permutation");
    return std::vector<int>(p.begin(), p.end());
  };
  (set_network<I>(q, order_of(I), network_of(f, I)), ...);
}

xt::xtensor<float, 2> rows_of_file(const file& f, const std::string& name) {
  const auto shape = f.tensor(name).shape;
  const auto values = f.as<float>(name);
  xt::xtensor<float, 2> x = xt::zeros<float>({shape[0], shape[1]});
  std::copy(values.begin(), values.end(), x.begin());
  return x;
}

/// The largest difference, relative to values beyond 1; NaN where one of them is.
template <class A, class B> double distance(const A& ours, const B& theirs) {
  double worst = 0;
  auto a = ours.begin();
  for (const float b : theirs) {
    const double difference = std::abs(double{*a++} - double{b});
    if (std::isnan(difference)) return difference;
    worst = std::max(worst, difference / std::max(1.0, std::abs(double{b})));
  }
  return worst;
}

/// Takes the explicit direction, which is the one that the peers time: what inverts it amplifies
/// rounding by the smallest scale, which five layers of random weights make as small as they like.
template <bool sampled, class E>
bool agrees(const std::string& path, const E& expression, double allowed) {
  const file f = file::read(path);
  auto q = make_flow<float>(expression, 1);
  take_weights(q, f, std::make_integer_sequence<int, 5>{});
  const auto y = rows_of_file(f, "y");
  const auto log_q = f.as<float>("log_q");
  double worst = 0;
  if constexpr (sampled) {
    const auto pushed = q.sample_from(rows_of_file(f, "z"));
    worst = distance(pushed.samples, y) + distance(pushed.log_prob, log_q);
  } else {
    worst = distance(q.log_prob(y), log_q);
  }
  std::printf("%s: %s within %.1e of the peers' (allowed: %.0e)\n", path.c_str(),
              sampled ? "samples and their log densities" : "log densities", worst, allowed);
  return worst < allowed;
}

} // namespace

int main(int argc, char** argv) {
  try {
    const std::string folder = argc > 1 ? argv[1] : ".";
    constexpr auto small = autoregressive<64>(clamped_affine);
    constexpr auto large = inverse(autoregressive<512, 512>(clamped_affine));
    const bool w1 = agrees<true>(folder + "/w1.safetensors",
                                 normal<8> | small | small | small | small | small, 1e-4);
    const bool w3 = agrees<false>(folder + "/w3.safetensors",
                                  normal<64> | large | large | large | large | large, 1e-3);
    return w1 && w3 ? 0 : 1;
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_agreement: %s\n", error.what());
    return 1;
  }
}
