// Whole flows on a standard normal: scores of given data, samples of given noise, and the gradients
// of both.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

/// Gradients are named by the number of the learned transform, which Pyro counts without Permute.
pyro_layout numbered(const std::string& network, const std::string& ours) {
  return [=](const std::string& name) {
    const std::string first = "transforms.0." + network, second = "transforms.1." + network;
    return name.starts_with(first) ? renamed(first, "layers.0." + ours)(name)
                                   : renamed(second, "layers.2." + ours)(name);
  };
}

template <class T, class Expression, class Install>
void check_flow(const reference_case& c, const Expression& expression, const Install& install,
                const pyro_layout& layout) {
  auto q = make_flow<T>(expression);
  install(q, c);
  const compared_flow<T> s = compared_flow<T>(std::move(q));
  const std::size_t D = s.dimension, n = c.batch();
  const std::vector<double> ones(n * D, 1.0);

  const auto data = c["data"].as<T>();
  std::vector<T> log_prob(n);
  const auto score = s.gradient_of_scores(data, T(1), log_prob.data());
  require_agreement(c, "log_prob", log_prob);
  require_agreement(c, "z", s.inverse(data).values);
  require_agreement(c, "grad.data", score.by_points, ones);
  require_parameter_gradients(c, "grad.", s, score, layout);

  const auto z = c["sample.z"].as<T>();
  require_agreement(c, "sample.x", s.forward(z).values);
  const auto sample = s.gradient_of_samples(z, c["sample.v"].as<T>(), T(1), log_prob.data());
  require_agreement(c, "sample.log_prob", log_prob);
  require_parameter_gradients(c, "sample.grad.", s, sample, layout);
}

template <class Expression, class Install>
void check_both(const std::string& name, const Expression& expression, const Install& install,
                const pyro_layout& layout) {
  const reference_case c(name);
  check_flow<double>(c, expression, install, layout);
  check_flow<float>(c, expression, install, layout);
}

constexpr auto install_two_arns = [](auto& q, const reference_case& c) {
  install_arn<0>(q, c, "transforms.0.arn.");
  install_arn<1>(q, c, "transforms.1.arn.");
};

} // namespace

TEST_CASE("two AffineAutoregressive and a permutation") {
  constexpr auto layer = autoregressive<16>(clamped_affine);
  check_both("flow_iaf_permute_iaf_d4", normal<4> | layer | permute({3, 2, 1, 0}) | layer,
             install_two_arns, numbered("arn.", "arn."));
}

TEST_CASE("two inverses of AffineAutoregressive and a permutation") {
  constexpr auto layer = inverse(autoregressive<16, 16>(clamped_affine));
  check_both("flow_maf_permute_maf_d5", normal<5> | layer | flip | layer, install_two_arns,
             numbered("arn.", "arn."));
}

TEST_CASE("two AffineCoupling and a permutation") {
  constexpr auto layer = coupling<12>(clamped_affine);
  const auto install = [](auto& q, const reference_case& c) {
    install_coupling<0>(q, c, "transforms.0.nn.");
    install_coupling<1>(q, c, "transforms.1.nn.");
  };
  check_both("flow_coupling_permute_coupling_d4", normal<4> | layer | flip | layer, install,
             numbered("nn.", "nn."));
}
