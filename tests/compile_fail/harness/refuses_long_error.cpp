// expect-error: assertion
// Eight errors of two or more lines each.
template <int I> constexpr bool never = false;
static_assert(never<0>);
static_assert(never<1>);
static_assert(never<2>);
static_assert(never<3>);
static_assert(never<4>);
static_assert(never<5>);
static_assert(never<6>);
static_assert(never<7>);
