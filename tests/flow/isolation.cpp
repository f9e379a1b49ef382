/// \file
/// A NaN or an infinity in one sample changes no bit of any other.

#include "check.hpp"

using namespace bijou;
using testing::check_isolation;
using testing::make_subject;

TEMPLATE_TEST_CASE("isolation: sweeps degree by degree, fewer units than variables", "[flow]",
                   float, double) {
  check_isolation(make_subject<TestType>(normal<9> | iaf<7> | flip | maf<7>));
}
TEMPLATE_TEST_CASE("isolation: networks that are swept in blocks", "[flow]", float, double) {
  check_isolation(make_subject<TestType>(normal<20> | iaf<300, 200>, 0.1F));
}
TEMPLATE_TEST_CASE("isolation: couplings, splines, a context, skip connections", "[flow]", float,
                   double) {
  check_isolation(make_subject<TestType>(normal<3> | given<2> | coupling<7>(rational_quadratic<4>) |
                                         flip | affine | iaf<7>.skip() | on<0>(exp_map) |
                                         on<1>(sigmoid_map)));
}
