#pragma once
// A map without an inverse, for what such a map is refused.

struct bent {
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto a = x[0];
    auto b = tanh(a);
    auto c = a + b;
    y.set(0, c);
  }
};
