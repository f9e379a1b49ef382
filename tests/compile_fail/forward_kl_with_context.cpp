// expect-error: bijou: forward_kl is for flows without given<C>: its samples have no contexts
#include <bijou/bijou.hpp>
#include <bijou/training/importance.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | given<3> | iaf<8>);
const std::vector<float> y(2), f(1), log_q0(1);
const integrand_batch<float> batch{rows_of(y.data(), 1, 2), f, log_q0};
auto g = value_and_grad(q, forward_kl{batch});
