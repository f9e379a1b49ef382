// expect-error: bijou: integrate takes flows on the unit box, as in
#include <bijou/bijou.hpp>
#include <bijou/training/integrate.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
const auto i = integrate(q, [](const auto& x) { return x[0] * x[1]; });
