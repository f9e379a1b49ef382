// The variants of one program: all of them where they can run, the one that is chosen, and that
// none runs another's code. CMakeLists.txt runs this under several values of BIJOU_ISA and, in
// qemu, on several processors; BIJOU_TEST_EXPECT says which variant that should choose.
#include <cstdlib>
#include <map>

#include "catch.hpp"
#include "model.hpp"

namespace {

const std::map<std::string_view, int> lanes{{"sse4.2", 2}, {"avx2", 4}, {"avx512", 8}, {"neon", 2}};

std::vector<std::string_view> here() {
  std::vector<std::string_view> names;
  for (const auto name : bijou::instruction_sets)
    if (bijou::processor_has(name)) names.push_back(name);
  return names;
}

template <class T> void agree(const std::vector<T>& a, const std::vector<T>& b, double tolerance) {
  REQUIRE(a.size() == b.size());
  REQUIRE(a.size() == 70 * (3 + 2));
  for (std::size_t i = 0; i < a.size(); ++i)
    CHECK(double{a[i]} == Approx(double{b[i]}).epsilon(tolerance).margin(tolerance));
}

} // namespace

TEST_CASE("variants run their own code and give the same numbers", "[dispatch]") {
  REQUIRE_FALSE(here().empty());
  const auto first = app::compute.variant(here().front())(7, false);
  for (const auto name : here()) {
    INFO(name);
    const auto result = app::compute.variant(name)(7, false);
    CHECK(result.lanes == lanes.at(name));
    agree(result.floats, first.floats, 1e-5);
    agree(result.doubles, first.doubles, 1e-12);
  }
}

TEST_CASE("a call takes the best variant, or the one that BIJOU_ISA names", "[dispatch]") {
  const char* const forced = std::getenv("BIJOU_ISA");
  const char* const given = std::getenv("BIJOU_TEST_EXPECT");
  std::string_view expected = given != nullptr ? given : here().back();
  if (forced != nullptr && !bijou::processor_has(forced)) expected = "error";
  INFO("BIJOU_ISA is " << (forced != nullptr ? forced : "not set"));
  if (expected != "error") {
    CHECK(app::compute.instruction_set() == expected);
    CHECK(app::compute(7, false).lanes == lanes.at(expected));
    return;
  }
  REQUIRE(forced != nullptr);
  for (int again = 0; again < 2; ++again) {
    try {
      app::compute(7, false);
      FAIL("no exception");
    } catch (const std::invalid_argument& error) {
      std::string what = "bijou: BIJOU_ISA is " + std::string(forced) + "; this processor has ";
      for (const auto name : here()) what.append(name == here().front() ? "" : ", ").append(name);
      CHECK(error.what() == what);
    }
  }
  CHECK_THROWS_AS(app::compute.instruction_set(), std::invalid_argument);
}

TEST_CASE("an empty BIJOU_ISA forces nothing", "[dispatch]") {
  using bijou::dispatching::choose;
  CHECK(choose("") == choose(nullptr));
  CHECK(bijou::instruction_sets.at(choose(nullptr)) == here().back());
}

TEST_CASE("names of no instruction set are refused", "[dispatch]") {
  for (const char* name : {"AVX2", "avx", "avx1024", ""}) {
    CHECK_FALSE(bijou::processor_has(name));
    CHECK_THROWS_AS(app::compute.variant(name), std::invalid_argument);
  }
}

TEST_CASE("functions of variants are their own, data and types are the program's", "[dispatch]") {
  const std::vector<float> x(1000, 0.5F);
  // With the first definition of the program this would be AVX2 code.
  CHECK(sum_of_the_library()(x) == 250);
  for (const auto name : here()) {
    const auto own = app::inner::own_sum.variant(name)();
    if (own == nullptr) continue;
    CHECK(own(x) == 250);
#if defined(__x86_64__)
    CHECK(own != sum_of_the_library());
#endif
  }
  const int before = app::calls;
  for (const auto name : here())
    CHECK_THROWS_AS(app::compute.variant(name)(7, true), app::model_error);
  CHECK(app::calls == before + static_cast<int>(here().size()));
}
