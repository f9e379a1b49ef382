// Compiled like odr.cpp, with the same flow.
#include "use.hpp"

float odr_twin();
float odr_twin() { return use(); }
