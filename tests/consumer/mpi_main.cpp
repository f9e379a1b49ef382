// A user with an MPI library.
#include <bijou/bijou.hpp>
#include <bijou/mpi.hpp>

using namespace bijou;

int main(int argc, char** argv) {
  const mpi::environment environment(argc, argv);
  const mpi::communicator world;
  auto q = make_flow<float>(normal<2> | iaf<8>, 7);
  const auto target = [](const auto& x) { return -x[0] * x[0] - x[1] * x[1]; };
  fit_to(q, target, {.epochs = 1, .steps_per_epoch = 2}, world);
  return 0;
}
