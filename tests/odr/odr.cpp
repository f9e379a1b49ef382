// Units that use the same flow, in one program: compiled alike they give the same bits, compiled
// for other instruction sets the same numbers.
#include "catch.hpp"
#include "use.hpp"

// twin.cpp, and unit.cpp once for each instruction set.
used odr_twin();
#ifdef __x86_64__
used odr_sse4_2();
used odr_avx2();
used odr_avx512();
#endif

TEST_CASE("two translation units with the same flow are one program", "[odr]") {
  REQUIRE(odr_twin() == use());
}

#ifdef __x86_64__
TEST_CASE("units compiled for different instruction sets are one program", "[odr]") {
  const std::vector<double> here = use().values;
  const auto agrees = [&](const used& there, int lanes) {
    CHECK(there.lanes == lanes);
    REQUIRE(there.values.size() == here.size());
    for (std::size_t i = 0; i < here.size(); ++i)
      CHECK(there.values[i] == Approx(here[i]).epsilon(1e-10).margin(1e-10));
  };
  // What this machine cannot run is at least linked.
  if (__builtin_cpu_supports("sse4.2")) agrees(odr_sse4_2(), 2);
  if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma")) agrees(odr_avx2(), 4);
  if (__builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq"))
    agrees(odr_avx512(), 8);
}
#endif
