/// \file
/// Hostile values through every word in both directions: whoever brings no NaN gets none.

#include "hostile_values.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {
/// All values of a case together are samples * variables * 2 types * 3 scales.
template <class E> void check_all(const E& expression, std::size_t samples) {
  for (const float scale : {0.3F, 1.0F, 30.0F}) {
    check_hostile(make_subject<float>(expression, scale), samples);
    check_hostile(make_subject<double>(expression, scale), samples);
  }
}
} // namespace

TEST_CASE("hostile values: networks in both directions, with a context", "[flow]") {
  check_all(normal<3> | given<2> | iaf<8> | flip | maf<8>, 40'000);
}
TEST_CASE("hostile values: couplings and skip connections", "[flow]") {
  check_all(normal<3> | given<2> | coupling<7>(clamped_affine) | flip | coupling<7>(affine) | flip |
                iaf<7, 9>.skip(),
            40'000);
}
TEST_CASE("hostile values: splines and gates", "[flow]") {
  check_all(normal<3> | given<2> | autoregressive<8>(rational_quadratic<4>) | coupling<7>(gated) |
                inverse(autoregressive<8>(gated)),
            40'000);
}
TEST_CASE("hostile values: linear words between networks", "[flow]") {
  check_all(normal<3> | lower_triangular | householder<2> | affine | iaf<8> | lower_triangular,
            40'000);
}
TEST_CASE("hostile values: planar, radial, sylvester", "[flow]") {
  check_all(normal<3> | planar | flip | radial | iaf<7> | sylvester | flip, 40'000);
}
TEST_CASE("hostile values: words that are solved for", "[flow]") {
  check_all(normal<3> | numerically_inverted(planar) | flip |
                inverse(numerically_inverted(radial)) | numerically_inverted(sylvester),
            40'000);
}
