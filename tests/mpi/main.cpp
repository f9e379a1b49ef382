// The main function of the MPI tests: each process runs all of them.
#include <bijou/mpi.hpp>

#include "../runner.hpp"

int main(int argc, char** argv) {
  const bijou::mpi::environment environment(argc, argv);
  return run_tests(argc, argv);
}
