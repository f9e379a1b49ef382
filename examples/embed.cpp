// A simulation loop that draws and scores one event at a time, from several threads.
//
// Each thread keeps a workspace and reads its own events of one random stream. No call allocates,
// and the events have the same bits whatever the number of threads.
#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <span>
#include <vector>

using namespace bijou;

constexpr int size = 8;
constexpr auto layer = iaf<64>;
constexpr auto proposal = normal<size> | layer | flip | layer | flip | layer;

struct shower {
  std::array<float, size> momenta;
  float log_q;
};

/// What a simulation would do with its events, here: keep them.
template <class Flow> std::vector<shower> simulate(const Flow& q, int events, int threads) {
  std::vector<shower> showers(static_cast<std::size_t>(events));
#pragma omp parallel num_threads(threads)
  {
    auto workspace = q.make_workspace(); // the only allocation, once a thread
#pragma omp for
    for (int i = 0; i < events; ++i) {
      shower& s = showers[static_cast<std::size_t>(i)];
      philox stream{/*seed=*/1};
      stream.advance(static_cast<std::uint64_t>(i)); // event i is a function of (seed, i)
      s.log_q = q.sample_and_log_prob(stream, std::span(s.momenta), workspace);
    }
  }
  return showers;
}

int main() {
  const auto q = make_flow<float>(proposal, /*seed=*/7);
  const int events = 200'000;
  std::vector<shower> first;
  for (const int threads : {1, 2}) {
    const auto start = std::chrono::steady_clock::now();
    const auto showers = simulate(q, events, threads);
    const std::chrono::duration<double, std::nano> time = std::chrono::steady_clock::now() - start;
    std::printf("%d thread%s: %.0f ns an event\n", threads, threads > 1 ? "s" : "",
                time.count() / events);
    if (first.empty()) first = showers;
    if (std::memcmp(first.data(), showers.data(), first.size() * sizeof(shower)) != 0) return 1;
  }
  // Scored again, by inversion: an exact inverse costs about as much as the way there.
  auto workspace = q.make_workspace();
  double worst = 0;
  bool close = true;
  for (const shower& s : first) {
    const float again = q.log_prob(std::span<const float, size>(s.momenta), workspace);
    const double error = std::abs(double{again} - double{s.log_q});
    worst = std::max(worst, error);
    close = close && error < 1e-3; // not so for NaN, which std::max forgets
  }
  std::printf("same bits with 1 and 2 threads; scored again: within %.1e nats\n", worst);
  return close ? 0 : 1;
}
