// expect-error: bijou: no word of this flow reads the context of its given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

xt::xtensor<float, 1> in_use(const xt::xtensor<float, 2>& y, const xt::xtensor<float, 2>& context) {
  auto q = make_flow<float>(normal<1> | given<3> | rational_quadratic<8> | on<0>(affine));
  fit(q, y, context);
  return q.log_prob(y, context);
}
