#include <bijou/random/initial_normals.hpp>

#include <cmath>
#include <vector>

#include "../catch.hpp"

using bijou::initial_normals;

TEST_CASE("initial normals are a sequence that depends on the seed alone", "[initial_normals]") {
  initial_normals a(4), b(4), c(5);
  int equal = 0;
  for (int i = 0; i < 200; ++i) {
    const double z = a();
    REQUIRE(z == b());
    equal += z == c();
  }
  CHECK(equal == 0);
}

TEST_CASE("initial normals are no sample's noise, and no two are one", "[initial_normals]") {
  initial_normals initial(4);
  std::vector<double> z(256), noise(256);
  for (double& v : z) v = initial();
  bijou::fill_normal(bijou::philox(4), 0, std::span<double>(noise));
  for (std::size_t i = 0; i < z.size(); ++i) REQUIRE(z[i] != noise[i]);
  double cross = 0, lag = 0, mean = 0, square = 0;
  for (std::size_t i = 0; i < z.size(); ++i) {
    cross += z[i] * noise[i] / 16;
    lag += z[i] * z[(i + 64) % z.size()] / 16;
    mean += z[i] / 16;
    square += (z[i] * z[i] - 1) / 16;
  }
  CHECK(std::abs(cross) < 4);
  CHECK(std::abs(lag) < 4);
  CHECK(std::abs(mean) < 4);
  CHECK(std::abs(square) < 4 * std::sqrt(2.0));
}
