// expect-compile
static_assert(1 == 2);
