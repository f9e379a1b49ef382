/// \file
/// What public calls say when shapes, counts or memory do not fit: what was expected, and what was
/// given. Nothing is changed then.

#include <array>
#include <stdexcept>

#include "check.hpp"

using namespace bijou;

namespace {

using array1 = xt::xtensor<double, 1>;
using array2 = xt::xtensor<double, 2>;

array2 zeros(std::size_t n, std::size_t d) {
  array2 a(std::array<std::size_t, 2>{n, d});
  a.fill(0);
  return a;
}

/// The sentence with which a call is refused; empty if it is not.
template <class Call> std::string refusal(const Call& call) {
  try {
    call();
  } catch (const std::invalid_argument& e) {
    return e.what();
  }
  return "";
}

const auto q = make_flow<double>(normal<8> | maf<16>, 1);
const auto conditional = make_flow<double>(normal<4> | given<3> | maf<8>, 1);

} // namespace

TEST_CASE("samples of another shape", "[flow]") {
  struct mistake {
    array2 samples;
    std::string got;
  };
  for (const auto& [y, got] :
       {mistake{zeros(100, 7), "(100, 7)"}, {zeros(8, 100), "(8, 100)"}, {zeros(0, 7), "(0, 7)"}}) {
    const std::string rest = ": expected samples of shape (n, 8), got " + got;
    CHECK(refusal([&] { q.log_prob(y); }) == "log_prob" + rest);
    CHECK(refusal([&] { q.batch_log_pdf(y); }) == "log_prob" + rest);
    CHECK(refusal([&] { q.log_pdf(y); }) == "log_prob" + rest);
    CHECK(refusal([&] { q.forward(y); }) == "forward" + rest);
    CHECK(refusal([&] { q.inverse(y); }) == "inverse" + rest);
    CHECK(refusal([&] { q.log_det_jacobian(y); }) == "forward" + rest);
    CHECK(refusal([&] { value_and_grad(q, y); }) == "value_and_grad" + rest);
    CHECK(refusal([&] { q.sample_from(y); }) ==
          "sample_from: expected noise of shape (n, 8), got " + got);
    auto trained = q;
    CHECK(refusal([&] { fit(trained, y); }) == "fit" + rest);
    CHECK(std::ranges::equal(trained.parameters(), q.parameters()));
  }
}

TEST_CASE("one event of another length", "[flow]") {
  const array1 event = xt::zeros<double>({7});
  CHECK(refusal([&] { q.log_prob(event); }) ==
        "log_prob: expected samples of shape (n, 8), got (7,)");
  // Rank 1 is one event, never a batch of numbers.
  const auto one = make_flow<double>(normal<1> | affine);
  CHECK(refusal([&] { one.log_prob(event); }) ==
        "log_prob: expected samples of shape (n, 1), got (7,)");
  CHECK(one.log_prob(array1{0.5}) == one.log_prob(array2{{0.5}})(0));
}

TEST_CASE("arrays of another rank", "[flow]") {
  const xt::xtensor<double, 3> cube = xt::zeros<double>({2, 3, 8});
  CHECK(refusal([&] { q.log_prob(cube); }) ==
        "log_prob: expected samples of shape (n, 8), got (2, 3, 8)");
}

TEST_CASE("contexts of another shape or count", "[flow]") {
  const auto y = zeros(5, 4);
  const std::string size = "expected a context of shape (n, 3), got (5, 2)";
  CHECK(refusal([&] { conditional.log_prob(y, zeros(5, 2)); }) == "log_prob: " + size);
  CHECK(refusal([&] { conditional.forward(y, zeros(5, 2)); }) == "forward: " + size);
  CHECK(refusal([&] { conditional.inverse(y, zeros(5, 2)); }) == "inverse: " + size);
  CHECK(refusal([&] { conditional.sample_from(y, zeros(5, 2)); }) == "sample_from: " + size);
  CHECK(refusal([&] { value_and_grad(conditional, y, zeros(5, 2)); }) == "value_and_grad: " + size);
  const std::string count = "expected one row of context for each of 5 samples, got 6";
  CHECK(refusal([&] { conditional.log_prob(y, zeros(6, 3)); }) == "log_prob: " + count);
  CHECK(refusal([&] { conditional.forward(y, zeros(6, 3)); }) == "forward: " + count);
  CHECK(refusal([&] { conditional.inverse(y, zeros(6, 3)); }) == "inverse: " + count);
  CHECK(refusal([&] { value_and_grad(conditional, y, zeros(6, 3)); }) ==
        "value_and_grad: " + count);
  philox stream{1};
  CHECK(refusal([&] { conditional.sample(stream, 5, zeros(6, 3)); }) == "sample: " + count);
  CHECK(refusal([&] { conditional.sample_and_log_prob(stream, 5, zeros(6, 3)); }) ==
        "sample_and_log_prob: " + count);
  CHECK(stream == philox{1}); // not moved
  CHECK(refusal([&] {
          conditional.condition(std::array{1.0, 2.0});
        }) == "condition: expected a context of 3 values, got 2");
  CHECK(refusal([&] {
          conditional.condition(std::array{1.0, 2.0, 3.0, 4.0});
        }) == "condition: expected a context of 3 values, got 4");
}

TEST_CASE("intervals move with their variables", "[flow]") {
  constexpr auto two = normal<2> | on<0>(interval_map(0, 1)) | on<1>(interval_map(0, 5)) | flip;
  CHECK(refusal([&] { make_flow<float>(two | inverse(on<0>(interval_map(0, 5)))); }).empty());
  CHECK_THAT(refusal([&] { make_flow<float>(two | inverse(on<0>(interval_map(0, 1)))); }),
             Catch::Matchers::EndsWith("but variable 0 ranges over [0, 5]"));
  constexpr auto low = normal<2> | on<0>(interval_map(0, 5)) | on<1>(interval_map(1, 5)) | flip;
  CHECK(refusal([&] { make_flow<float>(low | inverse(on<0>(interval_map(1, 5)))); }).empty());
  CHECK_THAT(refusal([&] { make_flow<float>(low | inverse(on<0>(interval_map(0, 5)))); }),
             Catch::Matchers::EndsWith("but variable 0 ranges over [1, 5]"));
  // Other maps onto an interval, one of which has no upper end.
  CHECK(refusal([] {
          make_flow<float>(normal<1> | softclip_map(5) | inverse(interval_map(-5, 5)));
        }).empty());
  CHECK_THAT(
      refusal([] { make_flow<float>(normal<1> | softclip_map(5) | inverse(softclip_map(4))); }),
      Catch::Matchers::EndsWith(
          "expects the interval [-4, 4], but variable 0 ranges over [-5, 5]"));
  CHECK_THAT(refusal([] { make_flow<float>(normal<1> | elu_map | inverse(interval_map(-1, 3))); }),
             Catch::Matchers::EndsWith(
                 "expects the interval [-1, 3], but variable 0 ranges over [-1, inf]"));
}

TEST_CASE("memory of another size", "[flow]") {
  const std::vector<double> y(8 * 5), context(3 * 6);
  std::vector<double> out(8 * 5), log_p(5), gradient(q.parameters().size());
  const auto in = rows_of(y.data(), 5, 8), in4 = rows_of(y.data(), 5, 4);
  auto ws = q.make_gradient_workspace();
  workspace<double> empty;
  auto small = q.make_workspace();
  const auto size = std::to_string(q.workspace_size());
  const std::string wanted = "bijou: expected a workspace of " + size +
                             " values, got 0; take "
                             "make_workspace() of this flow";
  CHECK(refusal([&] { q.log_prob(in, log_p.data(), empty); }) == wanted);
  workspace<double> short_of_one = q.make_workspace();
  CHECK_NOTHROW(q.log_prob(in, log_p.data(), short_of_one));
  short_of_one.memory.resize(q.workspace_size() - 1);
  CHECK_THROWS_AS(q.log_prob(in, log_p.data(), short_of_one), std::invalid_argument);
  CHECK(refusal([&] { q.forward(in, rows_of(out.data(), 5, 8), nullptr, empty); }) == wanted);
  CHECK(refusal([&] { q.inverse(in, rows_of(out.data(), 5, 8), nullptr, empty); }) == wanted);
  philox stream{1};
  CHECK(refusal([&] { q.sample(stream, rows_of(out.data(), 5, 8), empty); }) == wanted);
  CHECK(stream == philox{1});
  CHECK_THAT(refusal([&] {
               accumulate_log_prob_gradient(q, weighted_batch<double>{in}, 1.0, std::span(gradient),
                                            small);
             }),
             Catch::Matchers::StartsWith("bijou: expected a workspace of ") &&
                 Catch::Matchers::EndsWith("got " + size +
                                           "; take make_gradient_workspace() of this flow"));
  std::vector<double> short_gradient(3);
  const auto parameters = std::to_string(gradient.size());
  CHECK(refusal([&] {
          accumulate_log_prob_gradient(q, weighted_batch<double>{in}, 1.0,
                                       std::span(short_gradient), ws);
        }) == "gradient: expected " + parameters + " values, got 3");
  std::vector<double> long_gradient(gradient.size() + 1);
  CHECK_THROWS_AS(accumulate_log_prob_gradient(q, weighted_batch<double>{in}, 1.0,
                                               std::span(long_gradient), ws),
                  std::invalid_argument);
  CHECK(refusal([&] {
          accumulate_sample_gradient(
              q, in, [](const auto&) {}, std::span(short_gradient), ws);
        }) == "gradient: expected " + parameters + " values, got 3");
  CHECK(refusal([&] {
          accumulate_log_prob_gradient(q, weighted_batch<double>{in, {}, short_gradient}, 1.0,
                                       std::span(gradient), ws);
        }) == "log_prob: expected one weight for each of 5 samples, got 3");
  auto c_ws = conditional.make_gradient_workspace();
  std::vector<double> c_gradient(conditional.parameters().size());
  const std::string count = "expected one row of context for each of 5 samples, got ";
  CHECK(refusal([&] {
          conditional.log_prob(in4, rows_of(context.data(), 6, 3), log_p.data(), c_ws);
        }) == "log_prob: " + count + "6");
  CHECK(refusal([&] {
          accumulate_log_prob_gradient(conditional, weighted_batch<double>{in4}, 1.0,
                                       std::span(c_gradient), c_ws);
        }) == "log_prob: " + count + "0");
  CHECK(refusal([&] {
          accumulate_sample_gradient(
              conditional, in4, [](const auto&) {}, std::span(c_gradient), c_ws);
        }) == "sample: " + count + "0");
  for (const double g : gradient) CHECK(g == 0);
}

TEST_CASE("parameters of another count", "[flow]") {
  auto changed = q;
  const std::vector<double> two(2);
  CHECK(refusal([&] { changed.set_parameters(two); }) ==
        "set_parameters: expected " + std::to_string(q.parameters().size()) + " values, got 2");
  CHECK(std::ranges::equal(changed.parameters(), q.parameters()));
  CHECK(refusal([&] { arn<0>(q)(two); }) == "network: expected 8 inputs, got 2");
}

TEST_CASE("what only make_flow can know", "[flow]") {
  CHECK(refusal([] {
          make_flow<float>(normal<3> | iaf<4>.order(std::vector{1, 0}));
        }) == "order: expected an order of 3 indices, got 2");
  CHECK(refusal([] {
          iaf<4>.order(std::vector{0, 0, 1});
        }) == "order: expected each of 0 to 2 once, got 0 at position 1");
  CHECK_THAT(refusal([] {
               make_flow<float>(normal<2> | interval_map(0, 1) | inverse(interval_map(0, 2)));
             }),
             Catch::Matchers::StartsWith("make_flow: inverse(interval_map(0, 2)) expects the "
                                         "interval"));
}

TEST_CASE("options that the scalar type cannot hold", "[flow]") {
  // Each is refused in float and made in double.
  const auto only_double = [](const auto& e, const std::string& sentence) {
    INFO(sentence);
    CHECK(refusal([&] { make_flow<float>(e); }) == sentence);
    CHECK(refusal([&] { make_flow<double>(e); }).empty());
  };
  only_double(normal<1> | affine | interval_map(1126259462.3, 1126259462.5),
              "interval_map(1126259462.3, 1126259462.5): in float the interval [1126259462.3, "
              "1126259462.5] has no numbers between its ends: use make_flow<double>, or shift the "
              "data");
  only_double(normal<2> | on<1>(interval_map(0, 1e-46)),
              "interval_map(0, 1e-46): in float the interval [0, 1e-46] has no numbers between its "
              "ends: use make_flow<double>, or shift the data");
  for (const auto& [low, high] : {std::pair{-1e39, 0.0}, {0.0, 1e39}, {-3e38, 3e38}})
    CHECK_THAT(refusal([&] { make_flow<float>(normal<1> | interval_map(low, high)); }),
               Catch::Matchers::EndsWith("is wider than the type reaches: use make_flow<double>, "
                                         "or scale the data"));
  // One number between the ends is enough; double has its own limit.
  CHECK(refusal([] { make_flow<float>(normal<1> | interval_map(1e8, 1e8 + 16)); }).empty());
  CHECK(refusal([] { make_flow<float>(normal<1> | interval_map(1e8, 1e8 + 8)); }) != "");
  CHECK(refusal([] {
          make_flow<double>(normal<1> | interval_map(1, 1 + 2.220446049250313e-16));
        }) == "interval_map(1, 1.0000000000000002): in double the interval [1, "
              "1.0000000000000002] has no numbers between its ends: shift the data");
  CHECK(refusal([] {
          make_flow<double>(normal<1> | interval_map(1, 1 + 4.440892098500626e-16));
        }).empty());

  using list = std::vector<double>;
  only_double(normal<1> | standardise(list{1126259462.4}, list{0.05}),
              "standardise: in float a step of the scale 0.05 from the mean 1126259462.4 leads to "
              "the same number: use make_flow<double>, or shift the data");
  only_double(normal<2> | inverse(standardise(list{0, 1}, list{1, 1e-9})),
              "standardise: in float a step of the scale 1e-09 from the mean 1 leads to the same "
              "number: use make_flow<double>, or shift the data");
  only_double(normal<2> | standardise(std::array{0.0, 0.0}, std::array{1.0, -1e-46}),
              "standardise: in float the scale -1e-46 is no normal number: use make_flow<double>, "
              "or scale the data");
  only_double(normal<1> | standardise(list{0}, list{1e39}),
              "standardise: in float the scale 1e+39 is no normal number: use make_flow<double>, "
              "or scale the data");
  only_double(normal<1> | standardise(list{1e39}, list{1e39}),
              "standardise: in float the scale 1e+39 is no normal number: use make_flow<double>, "
              "or scale the data");

  only_double(normal<1> | rational_quadratic<4>.bound(1e39),
              "rational_quadratic<4>.bound(1e+39): in float twice the bound, 2e+39, is no normal "
              "number: use make_flow<double>, or scale the data");
  only_double(normal<2> | autoregressive<4>(rational_quadratic<4>.bound(1e-46)),
              "rational_quadratic<4>.bound(1e-46): in float twice the bound, 2e-46, is no normal "
              "number: use make_flow<double>, or scale the data");
  only_double(
      normal<2> | inverse(coupling<4>(rational_quadratic<4>.boundary_slope(1e-46))),
      "rational_quadratic<4>.boundary_slope(1e-46): in float the square of the boundary "
      "slope, 1e-92, is no normal number: use make_flow<double>, or choose one nearer to 1");
  only_double(uniform<1> | rational_quadratic<4>.unit_box().knot_epsilon(1e-46),
              "rational_quadratic<4>.unit_box().knot_epsilon(1e-46): in float knot_epsilon over "
              "the width of the box, 1e-46, is no normal number: use make_flow<double>, or choose "
              "another");
  only_double(normal<2> | coupling<4>(clamped_affine.clip(-100, 3)),
              "clamped_affine.clip(-100, 3): in float e^-100 is no normal number: use "
              "make_flow<double>, or clip to less");
  only_double(normal<2> | clamped_affine.clip(-5, 1e2),
              "clamped_affine.clip(-5, 100): in float e^-100 is no normal number: use "
              "make_flow<double>, or clip to less");
  only_double(normal<2> | iaf<4>.sigmoid_bias(-200),
              "gated.sigmoid_bias(-200): in float e^-200 is no normal number: use "
              "make_flow<double>, or choose a bias nearer to 0");
  // In a bijector too.
  CHECK(refusal([] { make_bijector<float, 1>(interval_map(1e8, 1e8 + 8)); }) != "");
}

TEST_CASE("a batch of no samples is one of no results", "[flow]") {
  const auto none = zeros(0, 8);
  CHECK(q.log_prob(none).size() == 0);
  CHECK(q.forward(none).y.shape()[1] == 8);
  CHECK(q.inverse(none).log_det.size() == 0);
  CHECK(q.log_pdf(none) == 0);
  philox stream{1};
  CHECK(q.sample(stream, 0).shape()[0] == 0);
  CHECK(stream == philox{1});
}
