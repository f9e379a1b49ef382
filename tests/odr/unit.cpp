// Compiled once per instruction set; ODR_UNIT is its name.
#include "use.hpp"

#define ODR_NAME_(unit) odr_##unit
#define ODR_NAME(unit) ODR_NAME_(unit)

float ODR_NAME(ODR_UNIT)();
float ODR_NAME(ODR_UNIT)() { return use(); }
