#pragma once
/// \file
/// Functions that are no templates and long to compile: inline like all of a header, but for a
/// program that links bijou::compiled, which has them once.
///
/// Their header declares them, and includes their definitions unless BIJOU_COMPILED is defined.

#if defined(BIJOU_COMPILING_ONCE)
#define BIJOU_ONCE
#else
#define BIJOU_ONCE inline
#endif
