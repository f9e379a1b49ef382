// One binary for every x86-64 processor: the density is compiled for SSE4.2, AVX2 and AVX-512, and
// the program takes the best variant that runs here. BIJOU_ISA=avx2 forces another.
#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <exception>
#include <string>
#include <vector>

#include "model.hpp"

namespace {

int run() {
  const std::size_t events = 100'000;
  std::vector<float> samples(events * proposal::size), log_q(events), again(events);

  const auto q = make_proposal(/*seed=*/7);
  std::printf("instruction set: %s\n", std::string(make_proposal.instruction_set()).c_str());

  const auto start = std::chrono::steady_clock::now();
  q->sample_and_log_prob(0, samples, log_q);
  const std::chrono::duration<double> time = std::chrono::steady_clock::now() - start;
  std::printf("%.2f million events a second\n", static_cast<double>(events) / time.count() / 1e6);
  std::printf("first event: %.4f, %.4f, ...; log q = %.4f\n", static_cast<double>(samples[0]),
              static_cast<double>(samples[1]), static_cast<double>(log_q[0]));

  q->log_prob(samples, again);
  double worst = 0;
  for (std::size_t i = 0; i < events; ++i)
    worst = std::max(worst, std::abs(double{again[i]} - double{log_q[i]}));
  std::printf("scored again: within %.1e nats\n", worst);
  return worst < 1e-3 ? 0 : 1;
}

} // namespace

int main() {
  try {
    return run();
  } catch (const std::exception& error) { // BIJOU_ISA names what this processor lacks
    std::fprintf(stderr, "%s\n", error.what());
    return 2;
  }
}
