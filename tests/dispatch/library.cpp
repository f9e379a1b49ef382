// A library that knows nothing of variants, and comes last in the link line.
#include "model.hpp"

app::sum_function* sum_of_the_library() { return &app::sum_of_squares; }
