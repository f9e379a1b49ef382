#pragma once
/// \file
/// Whether an emulator runs the tests. It takes fifty times as long, with long double in software:
/// loops over random cases are shorter there. This machine's own build runs all of them.

namespace bijou::testing {

#ifdef BIJOU_TEST_EMULATED
inline constexpr bool emulated = true;
#else
inline constexpr bool emulated = false;
#endif

/// How many of n random cases to try.
constexpr int trials(int n) { return emulated ? n / 10 : n; }

} // namespace bijou::testing
