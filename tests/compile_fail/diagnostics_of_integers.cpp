// expect-error: diagnostics take a contiguous range of float or double
#include <bijou/bijou.hpp>

#include <vector>

using namespace bijou;

double shape(const std::vector<int>& log_weights) { return pareto_k(log_weights); }
