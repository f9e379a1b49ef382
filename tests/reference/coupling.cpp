// Pyro's AffineCoupling.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

template <int D, class Word> void check_coupling(const std::string& name, const Word& word) {
  const auto install = [](auto& q, const reference_case& c) { install_coupling<0>(q, c, "nn."); };
  check_word<D>(name, word, install, renamed("nn.", "layers.1.nn."));
}

} // namespace

TEST_CASE("AffineCoupling: an uneven split") {
  check_coupling<5>("AffineCoupling_0_d5", coupling<16>(clamped_affine).split(2));
}

TEST_CASE("AffineCoupling: Pyro's default, half of five rounded down") {
  REQUIRE(reference_case("AffineCoupling_0_d5").option("/options/split") == "2");
  check_coupling<5>("AffineCoupling_0_d5", coupling<16>(clamped_affine));
}

TEST_CASE("AffineCoupling: two hidden layers, scales beyond the clamp") {
  check_coupling<4>("AffineCoupling_1_d4", coupling<12, 12>(clamped_affine.clip(-0.3, 0.2)));
}
