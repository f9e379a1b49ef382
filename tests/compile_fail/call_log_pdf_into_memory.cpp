// expect-error: bijou: log_pdf.y. and log_det_jacobian.x. take samples
#include <bijou/bijou.hpp>

using namespace bijou;

auto q = make_flow<float>(normal<2> | iaf<8>);
auto ws = q.make_workspace();
std::vector<float> y(20), log_p(10);
const auto batch = rows_of(y.data(), 10, 2);
const double total = q.log_pdf(batch, log_p.data(), ws);
