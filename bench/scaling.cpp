/// \file
/// What a training step costs where processes share it: the gradient of this process's samples, the
/// collective sum by the number of parameters, the optimizer; and what does not shrink with more
/// processes. docs/scaling.md makes a model of it.
///
///     mpirun -n 2 build/gcc-release/bench/bench_scaling > scaling.tsv
///
/// Columns: what, workload (workloads.hpp), processes, parameters, samples of each process, then
/// the median and the least of its times, microseconds. A time is that of the slowest process; of a
/// core where processes do not wait for each other (gradient, optimizer, order), else on the wall.

#include <bijou/bijou.hpp>
#include <bijou/mpi.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <ctime>
#include <mpi.h>
#include <numeric>
#include <span>
#include <vector>

#include "workloads.hpp"

using namespace bench;

namespace {

double wall_seconds() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}
/// Time that this process has had a core for: other work on the machine does not count.
double core_seconds() {
  std::timespec t{};
  clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
  return static_cast<double>(t.tv_sec) + 1e-9 * static_cast<double>(t.tv_nsec);
}

struct row {
  const char* what;
  const char* workload;
  std::size_t parameters, samples;
};

/// Times f on all processes at once, for about a third of a second; rank 0 prints.
template <class F>
void measure(const mpi::communicator& world, double (*clock)(), const row& r, F&& f) {
  f(); // memory is touched, code is there
  double once = wall_seconds();
  f();
  once = wall_seconds() - once;
  MPI_Allreduce(MPI_IN_PLACE, &once, 1, MPI_DOUBLE, MPI_MAX, world.handle());
  std::vector<double> times(static_cast<std::size_t>(std::clamp(0.3 / once, 9.0, 1000.0)));
  for (double& t : times) {
    MPI_Barrier(world.handle());
    const double start = clock();
    f();
    t = clock() - start;
  }
  MPI_Allreduce(MPI_IN_PLACE, times.data(), static_cast<int>(times.size()), MPI_DOUBLE, MPI_MAX,
                world.handle());
  std::sort(times.begin(), times.end());
  if (world.rank() == 0)
    std::printf("%s\t%s\t%d\t%zu\t%zu\t%.2f\t%.2f\n", r.what, r.workload, world.size(),
                r.parameters, r.samples, 1e6 * times[times.size() / 2], 1e6 * times[0]);
}

/// Steps of one workload: accumulate(q, samples, gradient, workspace) makes a gradient.
template <class Flow, class Accumulate>
void measure_steps(const mpi::communicator& world, const char* workload, const Flow& flow,
                   std::span<const std::size_t> sizes, const Accumulate& accumulate) {
  using T = typename Flow::value_type;
  const std::size_t parameters = flow.parameters().size();
  const auto with = [&](std::size_t samples, const auto& group, const auto& time) {
    Flow q = flow;
    const bijou::detail::processes_of processes(group);
    bijou::detail::parameter_steps<T> steps(q.parameters(), q.make_gradient_workspace(),
                                            {.learning_rate = 1e-5}, 1, 1, processes);
    const auto gradient = [&] {
      steps.reduce([&] {
        steps.for_each_share(
            [&](std::size_t, std::span<T> g, workspace<T>& ws) { accumulate(q, samples, g, ws); });
        return 0.0; // nobody asks for the loss
      });
    };
    time(gradient, [&] { steps.step(1); });
  };
  for (const std::size_t samples : sizes) {
    with(samples, one_process{}, [&](const auto& gradient, const auto& move) {
      measure(world, core_seconds, {"gradient", workload, parameters, samples}, gradient);
      if (samples == sizes.front())
        measure(world, core_seconds, {"optimizer", workload, parameters, 0}, move);
    });
    with(samples, world, [&](const auto& gradient, const auto& move) {
      measure(world, wall_seconds, {"step", workload, parameters, samples}, [&] {
        gradient();
        move();
      });
    });
  }
}

} // namespace

int main(int argc, char** argv) {
  const mpi::environment environment(argc, argv);
  const mpi::communicator world;
  if (world.rank() == 0) std::puts("what\tworkload\tprocesses\tparameters\tsamples\tmedian\tleast");

  for (const std::size_t count : {1'000U, 10'000U, 100'000U, 1'000'000U, 10'000'000U}) {
    std::vector<float> numbers(count);
    measure(world, wall_seconds, {"sum", "-", count, 0}, [&] { world.sum(std::span(numbers)); });
  }
  for (const std::size_t rows : {10'000U, 100'000U, 1'000'000U}) {
    std::vector<std::uint32_t> order(rows);
    std::iota(order.begin(), order.end(), 0U);
    measure(world, core_seconds, {"order", "-", 0, rows}, [&] { shuffle(order, philox{}, 1); });
  }

  const std::vector<std::size_t> sizes{1, 64, 128, 256, 512, 1024};
  const auto large = make_flow<float>(large_maf, 1);
  philox stream{2};
  const auto y = large.sample(stream, sizes.back());
  measure_steps(world, "W4", large, sizes,
                [&](const auto& q, std::size_t samples, std::span<float> g, workspace<float>& ws) {
                  accumulate_log_prob_gradient(
                      q, weighted_batch<float>{rows_of(y.data(), samples, 64)},
                      -1 / static_cast<float>(samples), g, ws);
                });
  const auto guide = make_flow<float>(iaf_guide<10>, 1);
  measure_steps(world, "W6", guide, sizes,
                [&](const auto& q, std::size_t samples, std::span<float> g, workspace<float>& ws) {
                  elbo(ring_target{}, {.samples = samples}).accumulate(q, stream, g, ws);
                });
  return 0;
}
