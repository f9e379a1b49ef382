// expect-error: give the struct a default constructor
#include <bijou/bijou.hpp>

using namespace bijou;

struct stretch {
  double by;
  explicit stretch(double b) : by(b) {}
  template <class X> X forward(X x) const { return X(2) * x; }
  template <class X> X inverse(X y) const { return X(0.5) * y; }
  template <class X> X log_abs_slope(X) const { return X(0.693147); }
};

auto p() { return normal<2> | elementwise(stretch(2)); }
