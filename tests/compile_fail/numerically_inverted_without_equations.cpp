// expect-error: bijou: numerically_inverted\(word\) takes a word whose layer solves for its noise
#include <bijou/bijou.hpp>

using namespace bijou;

// A word of one's own without a closed inverse, and without equations for one.
struct one_way {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
};
constexpr auto p = iaf<64> | numerically_inverted(one_way{}) | iaf<64>;
