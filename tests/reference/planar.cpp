// Pyro's Planar, and a flow of three: samples of given noise, and their gradients.
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

TEST_CASE("Planar") { check_forward_word<4>("Planar_0_d4", planar, renamed("", "layers.0.")); }

TEST_CASE("three Planar on a normal") {
  const reference_case c("flow_planar_stack_d3");
  const pyro_layout layout = renamed("transforms.", "layers.");
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(normal<3> | planar | planar | planar);
    install_by_name(q, c, layout);
    const compared_flow<T> s = compared_flow<T>(std::move(q));
    const auto z = c["sample.z"].as<T>();
    require_agreement(c, "sample.x", s.forward(z).values);
    std::vector<T> log_prob(c.batch());
    const auto sample = s.gradient_of_samples(z, c["sample.v"].as<T>(), T(1), log_prob.data());
    require_agreement(c, "sample.log_prob", log_prob);
    require_parameter_gradients(c, "sample.grad.", s, sample, layout);
  };
  check(double{});
  check(float{});
}
