// expect-error: bijou: initialise_from\(q, data, context\): this flow has a given<C>
#include <bijou/bijou.hpp>

using namespace bijou;

void f(const xt::xtensor<float, 2>& data) {
  auto q = make_flow<float>(normal<2> | given<1> | maf<8> | diagonal_affine);
  initialise_from(q, data);
}
