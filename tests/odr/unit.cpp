// Compiled once per instruction set; ODR_UNIT is its name.
#include "use.hpp"

#define BIJOU_ODR_PASTE(unit) odr_##unit
#define BIJOU_ODR_NAME(unit) BIJOU_ODR_PASTE(unit)

used BIJOU_ODR_NAME(ODR_UNIT)();
used BIJOU_ODR_NAME(ODR_UNIT)() { return use(); }
