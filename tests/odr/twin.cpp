// Compiled like odr.cpp, with the same flow.
#include "use.hpp"

used odr_twin();
used odr_twin() { return use(); }
