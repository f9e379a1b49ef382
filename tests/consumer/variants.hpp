#pragma once
// What the outside user's program sees of its density.
#include <bijou/dispatch.hpp>

#include <vector>

BIJOU_DISPATCH(log_densities, std::vector<double>(const std::vector<double>& samples));
