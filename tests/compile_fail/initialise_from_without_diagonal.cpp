// expect-error: bijou: initialise_from\(q, data\) sets the words diagonal_affine of a flow
#include <bijou/bijou.hpp>

using namespace bijou;

void f(const xt::xtensor<float, 2>& data) {
  auto q = make_flow<float>(normal<2> | coupling<8>(diagonal_affine));
  initialise_from(q, data);
}
