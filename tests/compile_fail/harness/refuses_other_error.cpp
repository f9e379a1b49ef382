// expect-error: divisible by
static_assert(1 == 2, "another sentence");
