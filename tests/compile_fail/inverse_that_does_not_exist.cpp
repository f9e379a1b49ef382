// expect-error: bijou: this word has no inverse
#include <bijou/bijou.hpp>

using namespace bijou;

// A word of one's own without an inverse.
struct one_way {
  using bijou_tag = word_tag;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = false;
};
constexpr auto p = inverse(iaf<64> | one_way{} | flip | iaf<64>);
