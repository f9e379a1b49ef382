// Compiled like odr.cpp, with the same flow.
#include "use.hpp"

std::vector<double> odr_twin();
std::vector<double> odr_twin() { return use(); }
