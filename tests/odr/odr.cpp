// Units that use the same flow, in one program: compiled alike they give the same bits, compiled
// for other instruction sets the same numbers.
#include "catch.hpp"
#include "use.hpp"

float odr_twin();

TEST_CASE("two translation units with the same flow are one program") {
  REQUIRE(odr_twin() == use());
}

#ifdef __x86_64__
// The names that tests/odr/CMakeLists.txt gives to its units.
float odr_sse4_2(); // NOLINT
float odr_avx2();
float odr_avx512();

TEST_CASE("units compiled for different instruction sets are one program") {
  if (__builtin_cpu_supports("sse4.2")) CHECK(odr_sse4_2() == Approx(use()));
  if (__builtin_cpu_supports("avx2")) CHECK(odr_avx2() == Approx(use()));
  if (__builtin_cpu_supports("avx512bw")) CHECK(odr_avx512() == Approx(use()));
}
#endif
