// One process leaves by an exception of its own, between collective calls: all end.
#include <bijou/mpi.hpp>

#include <cstdio>
#include <exception>
#include <span>
#include <stdexcept>

using namespace bijou;

int main(int argc, char** argv) {
  try {
    const mpi::environment environment(argc, argv);
    const mpi::communicator world;
    if (world.rank() == 1) {
      std::fputs("rank 1 has had enough\n", stderr);
      throw std::runtime_error("enough");
    }
    double sum = 1;
    world.sum(std::span(&sum, 1)); // waits for rank 1
  } catch (const std::exception& e) {
    std::fprintf(stderr, "%s\n", e.what());
    return 1;
  }
  std::fputs("nothing happened\n", stderr);
  return 0;
}
