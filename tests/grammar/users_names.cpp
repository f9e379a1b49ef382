// Names that users give their own things, at namespace scope under `using namespace bijou`.
#include <bijou/bijou.hpp>

#include "../catch.hpp"

using namespace bijou;

struct event {
  int number;
};
struct item {};
struct word {};
struct chain {};

constexpr auto base = normal<8>;
constexpr auto layer = iaf<64>;
constexpr auto guide = base | layer | layer;
constexpr auto prior = base;
constexpr auto model = prior | maf<8>;

TEST_CASE("names of one's own are one's own", "[grammar]") {
  CHECK(sizeof(guide) == 1);
  const auto q = make_flow<float>(guide, 1);
  // Two layers with parameters of their own.
  CHECK(q.num_parameters() == 2 * make_flow<float>(base | layer, 1).num_parameters());
  CHECK(describe(model) == describe(normal<8> | maf<8>));
  CHECK(event{3}.number == 3);
}
