// expect-error: bijou: scalar_target\(f\) copies f for each thread, and this f has no copy
#include <bijou/bijou.hpp>

#include <memory>
#include <utility>

using namespace bijou;

struct simulator {
  std::unique_ptr<double> memory = std::make_unique<double>(2);
  double operator()(std::span<const double> x, std::span<double> gradient) {
    gradient[0] = -x[0] * *memory;
    return -0.5 * x[0] * x[0] * *memory;
  }
};
auto q = make_flow<float>(normal<1> | affine);
const auto result = fit_to(q, scalar_target(simulator{}));
