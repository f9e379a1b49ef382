// expect-error: bijou: arn<I>.f. counts the learned words
#include <bijou/bijou.hpp>

using namespace bijou;

const auto q = make_flow<float>(normal<2> | iaf<8>);
auto a = arn<1>(q);
