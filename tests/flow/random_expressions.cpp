/// \file
/// Expressions that nobody chose: a generator picks words at compile time, and every flow that it
/// makes must hold what all flows hold.

#include <array>
#include <cstdint>

#include "check.hpp"

using namespace bijou;

namespace {

/// A word or chain for three variables on the line. Of networks there are few kinds, so that the
/// compiler meets the same layers again; all else differs from pick to pick.
template <std::uint64_t Pick> constexpr auto some_words() {
  constexpr auto kind_of_word = Pick % 12;
  constexpr auto option = (Pick >> 8) % 6;
  // NOLINTNEXTLINE(bugprone-branch-clone): it takes the branches that are left out for equal ones
  if constexpr (kind_of_word == 0)
    return iaf<5>.order({1, 2, 0});
  else if constexpr (kind_of_word == 1)
    return maf<5>;
  else if constexpr (kind_of_word == 2)
    return inverse(iaf<5>.order({2, 1, 0}));
  else if constexpr (kind_of_word == 3)
    return autoregressive<5>(rational_quadratic<3>);
  else if constexpr (kind_of_word == 4)
    return coupling<5>(affine).split(1 + option % 2);
  else if constexpr (kind_of_word == 5)
    return flip;
  else if constexpr (kind_of_word == 6)
    return permute({1, 2, 0});
  else if constexpr (kind_of_word == 7)
    return shuffle(option);
  else if constexpr (kind_of_word == 8)
    return on<option % 3>(rational_quadratic<3>);
  else if constexpr (kind_of_word == 9)
    return affine | gated;
  else if constexpr (kind_of_word == 10)
    return inverse(standardise(std::array{1.0, -0.5, 0.25}, std::array{1.5, -0.75, 2.0}));
  else
    return sigmoid_map | rational_quadratic<3>.unit_box() | inverse(sigmoid_map);
}

/// `Left` more words; one in four times the rest of them is turned round as a whole.
template <std::uint64_t State, int Left> constexpr auto some_chain() {
  constexpr std::uint64_t next = detail::mixed_bits(State);
  if constexpr (Left == 1)
    return some_words<(next >> 16)>();
  else if constexpr (next % 4 == 0)
    return some_words<(next >> 16)>() | inverse(some_chain<next, Left - 1>());
  else
    return some_words<(next >> 16)>() | some_chain<next, Left - 1>();
}

template <std::uint64_t Seed, int Words> void check_random() {
  // The first word reads the context, whatever the others do.
  testing::check_double(normal<3> | given<2> | maf<5> | some_chain<Seed, Words>());
}

} // namespace

TEST_CASE("random expressions of 2 words", "[flow]") { check_random<1, 2>(); }
TEST_CASE("random expressions of 4 words", "[flow]") { check_random<2, 4>(); }
TEST_CASE("random expressions of 6 words", "[flow]") { check_random<3, 6>(); }
TEST_CASE("random expressions of 9 words", "[flow]") { check_random<4, 9>(); }
