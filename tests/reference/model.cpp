// A trained model of five layers, read whole from the file that torch saved.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

template <class T> void check_model() {
  constexpr auto layer = autoregressive<64>(clamped_affine);
  auto q = make_flow<T>(normal<8> | layer | layer | layer | layer | layer);
  const reference_case weights("model_iaf_d8.weights");
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (install_arn<I>(q, weights, "transforms." + std::to_string(I) + ".arn."), ...);
  }(std::make_integer_sequence<int, 5>{});

  const reference_case c("model_iaf_d8.expected");
  const auto rows = [&](const char* name) {
    const auto values = c[name].as<T>();
    xt::xtensor<T, 2> x = xt::zeros<T>({c[name].rows(), std::size_t{8}});
    std::copy(values.begin(), values.end(), x.begin());
    return x;
  };
  const auto numbers = [](const auto& x) { return std::vector<T>(x.begin(), x.end()); };
  require_agreement(c, "log_prob", numbers(q.log_prob(rows("data"))));
  const auto [x, log_q] = q.sample_from(rows("sample.z"));
  require_agreement(c, "sample.x", numbers(x));
  require_agreement(c, "sample.log_prob", numbers(log_q));
  require_agreement(c, "sample.log_prob", numbers(q.log_prob(x)));
}

} // namespace

TEST_CASE("a trained model: scores and samples in double") { check_model<double>(); }
TEST_CASE("a trained model: scores and samples in float") { check_model<float>(); }
