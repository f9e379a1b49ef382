// expect-error: BIJOU_DISPATCH\(name, R\(A\.\.\.\)\) expects the type of a function
#include <bijou/dispatch.hpp>

BIJOU_DISPATCH(answer, int);
