// expect-error: diagnostics take a contiguous range of float or double
#include <bijou/bijou.hpp>

#include <list>

using namespace bijou;

log_evidence_estimate evidence(const std::list<double>& w) { return log_evidence(w); }
