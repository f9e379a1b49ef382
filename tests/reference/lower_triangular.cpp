// Pyro's LowerCholeskyAffine: values and log-dets both ways, gradients by points and parameters.
#include <cmath>

#include "../support/numerics.hpp"
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

constexpr std::size_t D = 4;

/// Gradients by loc and by the matrix on and below its diagonal. Pyro also has derivatives by the
/// entries above it, which its map reads; they are no parameters of ours.
template <class T>
void require_gradients(const reference_case& c, const std::string& prefix,
                       const compared_flow<T>& s, const batch_gradient<T>& gradient) {
  const auto compare = [&](const std::string& theirs, const std::string& ours, bool matrix) {
    const auto found = s.by_name(gradient.by_parameters), sizes = s.by_name(gradient.terms);
    const auto truth = c[prefix + theirs].values, scale = c["param.scale_tril"].values;
    for (std::size_t i = 0; i < truth.size(); ++i) {
      if (matrix && i % D > i / D) continue;
      const double chain = matrix && i % D == i / D ? 1 / scale[i] : 1; // d log s / ds
      CAPTURE(theirs, i);
      const double terms = std::max(1.0, chain * std::abs(double(values_of(sizes, ours)[i])));
      CHECK(near(chain * double(values_of(found, ours)[i]), truth[i],
                 (std::is_same_v<T, double> ? 1e-10 : 1e-5) * terms));
    }
  };
  compare("loc", "layers.1.loc", false);
  compare("scale_tril", "layers.1.log_scale_tril", true);
}

template <class T> void check_case() {
  const reference_case c("LowerCholeskyAffine_0_d4");
  const flow_maker<T> with_base_at = [&](const std::vector<double>& mean, std::size_t) {
    auto q =
        make_flow<T>(normal<4> | standardise(mean, std::vector<double>(D, 1)) | lower_triangular);
    auto set = named_parameters(q);
    const auto loc = c["param.loc"].values, scale = c["param.scale_tril"].values;
    for (std::size_t i = 0; i < D; ++i) values_of(set, "layers.1.loc")[i] = static_cast<T>(loc[i]);
    for (std::size_t i = 0; i < D * D; ++i)
      values_of(set, "layers.1.log_scale_tril")[i] =
          static_cast<T>(i % D == i / D ? std::log(scale[i]) : scale[i]);
    set_named_parameters(q, set);
    return compared_flow<T>(std::move(q));
  };
  check_map<T>(
      c, with_base_at,
      [&](const std::string& prefix, const compared_flow<T>& s, const batch_gradient<T>& gradient) {
        require_gradients(c, prefix, s, gradient);
      });
}

} // namespace

TEST_CASE("LowerCholeskyAffine in double") { check_case<double>(); }
TEST_CASE("LowerCholeskyAffine in float") { check_case<float>(); }
