/// \file
/// The collective calls that training stands on.

#include <bijou/mpi.hpp>

#include <array>
#include <cstddef>
#include <numeric>
#include <span>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "support.hpp"

using namespace bijou;
using Catch::Matchers::Contains;

static_assert(process_group<mpi::communicator>);
static_assert(process_group<one_process>);

TEMPLATE_TEST_CASE("sum gives all processes the sums", "[mpi]", float, double) {
  const mpi::communicator world;
  const int n = world.size(), rank = world.rank();
  for (const std::size_t size :
       {std::size_t{0}, std::size_t{1}, std::size_t{7}, std::size_t{100'000}}) {
    std::vector<TestType> values(size);
    std::iota(values.begin(), values.end(), static_cast<TestType>(rank));
    world.sum(std::span<TestType>(values));
    bool good = true;
    const int of_ranks = n * (n - 1) / 2;
    for (std::size_t i = 0; i < size; ++i)
      good = good && values[i] == static_cast<TestType>(of_ranks + n * static_cast<int>(i));
    CHECK(good);
  }
}

TEST_CASE("broadcast gives all processes one's bytes", "[mpi]") {
  const mpi::communicator world;
  for (int root = 0; root < world.size(); ++root) {
    std::array<int, 3> values{world.rank(), 2 * world.rank(), 7};
    world.broadcast(std::as_writable_bytes(std::span(values)), root);
    CHECK(values == std::array<int, 3>{root, 2 * root, 7});
  }
}

TEST_CASE("parts are disjoint, in order and whole", "[mpi]") {
  const mpi::communicator world;
  for (const std::size_t count : {0U, 1U, 3U, 100U}) {
    const auto part = world.part(count);
    double size = static_cast<double>(part.end - part.begin);
    world.sum(std::span(&size, 1));
    CHECK(size == static_cast<double>(count));
    if (world.rank() == 0) CHECK(part.begin == 0);
    if (world.rank() == world.size() - 1) CHECK(part.end == count);
  }
}

TEST_CASE("samples do not depend on the number of processes", "[mpi]") {
  const mpi::communicator world;
  const auto q = make_flow<double>(testing::guide, 3);
  philox whole{5}, stream{5};
  const auto all = q.sample(whole, 101);
  const auto mine = world.part(101);
  stream.advance(mine.begin);
  const auto y = q.sample(stream, mine.end - mine.begin);
  bool same = true;
  for (std::size_t i = 0; i < y.shape()[0]; ++i)
    for (std::size_t d = 0; d < 2; ++d) same = same && y(i, d) == all(mine.begin + i, d);
  CHECK(same);
}

TEST_CASE("MPI's errors are exceptions", "[mpi]") {
  const mpi::communicator world;
  double x = 0;
  const auto bytes = std::as_writable_bytes(std::span(&x, 1));
  CHECK_THROWS_AS(world.broadcast(bytes, 99), mpi::error);
  CHECK_THROWS_WITH(world.broadcast(bytes, 99), Contains("MPI_Bcast: ") && Contains("root"));
}
