// How close the masked network comes to the machine, and what the inverse and gradients cost in
// units of a forward pass. Rates count unmasked multiply-adds only, two operations each, against
// the multiply-add peak measured in the same run. Pin it to a core: taskset -c 1 bench_networks
#include <bijou/networks/activations.hpp>
#include <bijou/networks/masked_network.hpp>

#include <algorithm>
#include <cstdint>
#include <random>
#include <string>
#include <vector>

#include "measure.hpp"

using namespace bench;

namespace {

template <class T> T* allocate(std::vector<T>& v, std::ptrdiff_t n) {
  v.assign(static_cast<std::size_t>(n) + 64, T(0));
  const auto past_line = reinterpret_cast<std::uintptr_t>(v.data()) % 256;
  return v.data() + (256 - past_line) % 256 / sizeof(T);
}

/// H -> H, the staircase of one hidden layer alone.
template <class T> void staircase_product(benchmark::State& state) {
  const int d = static_cast<int>(state.range(0)), h = static_cast<int>(state.range(1));
  constexpr int L = default_lanes<T>;
  const auto degrees = autoregressive_degrees(d, 0, std::array{h, h}).hidden[0];
  std::vector<int> limits;
  for (int m : degrees)
    limits.push_back(
        static_cast<int>(std::upper_bound(degrees.begin(), degrees.end(), m) - degrees.begin()));
  const staircase s(limits, h, 0);
  std::vector<T> memory[4];
  T* w = allocate(memory[0], s.end());
  T* x = allocate(memory[1], h * L);
  T* y = allocate(memory[2], h * L);
  T* bias = allocate(memory[3], h);
  std::fill_n(w, s.end(), T(0.01));
  std::fill_n(x, h * L, T(0.1));
  const double one = run(state, [&] {
    const detail::product_term<T> term{&s, x, nullptr, 0, h};
    detail::multiply_rows<T, L, activations::relu_t>(w, 0, h, {&term, 1}, {bias, y, nullptr, true},
                                                     L);
    benchmark::ClobberMemory();
  });
  report<T>(state, static_cast<double>(s.structural()) * L, one);
  // What a dense product would have to do in this time.
  state.counters["dense_GFLOP/s"] = 2.0 * h * h * L / one / 1e9;
}

enum class what { forward, sweep, adjoint, sweep_adjoint, weight_gradient };

/// `Layers` networks with parameters of their own, as in a flow; one tile.
template <class Net> struct chain {
  using T = typename Net::value_type;
  static constexpr int L = Net::lanes;
  Net net;
  int layers;
  std::vector<std::vector<T>> memory{64};
  std::vector<T*> theta, hidden, out, ghidden, gout, grad;
  T *x, *y, *gx, *scratch;

  chain(const degree_assignment& degrees, int layers_) : net(degrees, 2), layers(layers_) {
    std::size_t used = 0;
    const auto make = [&](std::ptrdiff_t n) { return allocate(memory[used++], n); };
    std::mt19937 random(1);
    std::normal_distribution<double> normal;
    for (int i = 0; i < layers; ++i) {
      theta.push_back(make(net.parameter_count()));
      net.initialise(theta.back(), [&] { return normal(random); });
      grad.push_back(make(net.parameter_count()));
      hidden.push_back(make(net.hidden_rows() * L));
      ghidden.push_back(make(net.hidden_rows() * L));
      out.push_back(make(net.out_rows() * L));
      gout.push_back(make(net.out_rows() * L));
    }
    const int d = net.plan().variables();
    x = make(d * L);
    y = make(d * L);
    gx = make(d * L);
    scratch = make(net.scratch_size());
    for (int i = 0; i < d * L; ++i) x[i] = y[i] = static_cast<T>(normal(random));
    for (int i = 0; i < layers; ++i) run_one(what::forward, i);
    for (int i = 0; i < layers; ++i) {
      for (int j = 0; j < net.out_rows() * L; ++j) at(gout, i)[j] = static_cast<T>(normal(random));
      run_one(what::adjoint, i);
    }
  }
  static T* at(const std::vector<T*>& v, int i) { return v[static_cast<std::size_t>(i)]; }

  void run_one(what w, int i) {
    const network_pass<T> p{at(theta, i),  nullptr, nullptr,    x, nullptr,
                            at(hidden, i), nullptr, at(out, i), L};
    const network_cotangents<T> c{at(gout, i), at(ghidden, i), gx};
    // As little as a transformer can do, so that the network is what is timed.
    const auto solve = [&](int rank, int last) {
      for (int k = rank * L; k < last * L; ++k) x[k] = y[k] - at(out, i)[k * 2];
    };
    switch (w) {
    case what::forward:
      net.forward(p, [](int, int) {});
      break;
    case what::sweep:
      net.sweep(p, solve);
      break;
    case what::adjoint:
      net.adjoint(p, c);
      break;
    case what::sweep_adjoint:
      net.sweep_adjoint(p, c, [](int, int) {});
      break;
    case what::weight_gradient:
      net.weight_gradient(p, c, {L, at(grad, i), scratch});
      break;
    }
  }
  void run(what w) {
    for (int i = 0; i < layers; ++i) run_one(w, i);
    benchmark::ClobberMemory();
  }
};

/// Every pass of a network; its forward pass is measured before and after each for comparison.
template <class Net>
void add_network(const std::string& name, const degree_assignment& degrees, int layers = 1) {
  using T = typename Net::value_type;
  const auto names = {std::pair{what::forward, "forward"},
                      {what::sweep, "sweep"},
                      {what::adjoint, "adjoint"},
                      {what::sweep_adjoint, "sweep_adjoint"},
                      {what::weight_gradient, "weight_gradient"}};
  for (const auto& [w, label] : names)
    benchmark::RegisterBenchmark(
        (name + "/" + label + "/" + type_name<T>()).c_str(), [=, w = w](benchmark::State& state) {
          chain<Net> c(degrees, layers);
          const double one = run_against(
              state, "x_forward", [&] { c.run(w); }, [&] { c.run(what::forward); });
          report<T>(state, static_cast<double>(c.net.multiply_adds()) * Net::lanes * layers, one);
        });
}

template <class T> void add_all() {
  using activations::relu_t;
  constexpr int L = default_lanes<T>, wide = wide_lanes<T>;
  constexpr int large_lanes = L * 4 / static_cast<int>(sizeof(T)); // as flows choose
  const std::string type = type_name<T>();
  benchmark::RegisterBenchmark(("staircase D=64 H=512/" + type).c_str(), staircase_product<T>)
      ->Args({64, 512});
  benchmark::RegisterBenchmark(("staircase D=8 H=64/" + type).c_str(), staircase_product<T>)
      ->Args({8, 64});
  using large = masked_network<T, large_lanes, relu_t>;
  constexpr std::array big{512, 512};
  constexpr std::array many{378}, two{128}, small{64};
  add_network<large>("5x D=64 H=512,512", autoregressive_degrees(64, 0, big), 5);
  add_network<large>("5x D=64 H=512,512 linspace", linspace_degrees(64, 0, big), 5);
  using usual = masked_network<T, wide, relu_t>;
  add_network<usual>("D=368 H=378", autoregressive_degrees(368, 0, many));
  add_network<usual>("D=64 H=128", autoregressive_degrees(64, 0, two));
  add_network<masked_network<T, L, relu_t>>("D=8 H=64", autoregressive_degrees(8, 0, small));
}

} // namespace

int main(int argc, char** argv) {
  return run_all(argc, argv, [] {
    add_all<float>();
    add_all<double>();
  });
}
