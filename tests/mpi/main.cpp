// The main function of the MPI tests: each process runs all of them.
#define CATCH_CONFIG_RUNNER
#include <bijou/mpi.hpp>

#include "../catch.hpp"

int main(int argc, char** argv) {
  const bijou::mpi::environment environment(argc, argv);
  return Catch::Session().run(argc, argv);
}
