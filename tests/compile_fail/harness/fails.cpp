// expect-error: event sizes differ: [^;]*8 == 3
// expect-error: error:
static_assert(8 == 3, "event sizes differ: 8 == 3");
