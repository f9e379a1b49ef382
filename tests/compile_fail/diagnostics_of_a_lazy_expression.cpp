// expect-error: diagnostics take a contiguous range of float or double
// expect-error: xt::eval
#include <bijou/bijou.hpp>

using namespace bijou;

double effective(const xt::xtensor<double, 1>& log_p, const xt::xtensor<double, 1>& log_q) {
  return effective_sample_size(log_p - log_q);
}
