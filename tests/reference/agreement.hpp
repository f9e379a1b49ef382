#pragma once
/// \file
/// The check that bijou and Pyro agree on a map or a flow: values, log-dets and every gradient,
/// both ways.

#include <bijou/bijou.hpp>

#include <array>
#include <cstddef>
#include <functional>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../support/reference.hpp"
#include "compared_flow.hpp"
#include "pyro_layout.hpp"

namespace bijou::testing {

// --- comparison -------------------------------------------------------------------------------

/// Requires agreement with Pyro's doubles in c[name]. A double may be off by 1e-10 of the
/// magnitude: that of the result, or of the terms where it is a sum of such, `terms`. A float may
/// be off by 1e-5 times max(1, magnitude); where Pyro in float32 is off by more, by as much as Pyro
/// is at worst; and by `slack`.
template <class T>
void require_agreement(const reference_case& c, const std::string& name, const std::vector<T>& ours,
                       const std::vector<double>& terms = {},
                       const std::vector<double>& slack = {});

// --- checks -----------------------------------------------------------------------------------

/// Gradients by parameters against the arrays of the case that begin with `prefix`.
template <class T>
void require_parameter_gradients(const reference_case& c, const std::string& prefix,
                                 const compared_flow<T>& s, const batch_gradient<T>& gradient,
                                 const pyro_layout& layout, const std::vector<T>& slack = {});

/// What the inverse of a map gives at the points of a case, or near them.
template <class T> struct inverse_side {
  mapped_batch<T> back;
  batch_gradient<T> gradient;

  /// All numbers that are compared, to do the same to each.
  auto numbers() {
    return std::array{&back.values, &back.log_det, &gradient.by_points, &gradient.by_parameters};
  }
};

/// Makes a flow of noise N(-mean, 1) and the map with Pyro's parameters; its context begins with
/// that of sample i.
template <class T>
using flow_maker = std::function<compared_flow<T>(const std::vector<double>& mean, std::size_t i)>;

/// Pyro has the gradient of sum(ladj) + sum(x w). Ours is of the score: with the base moved to
/// x_i - w_i, -log q = |x - (x_i - w_i)|^2 / 2 + ladj, whose derivative by x at x_i is w_i.
template <class T>
inverse_side<T> inverse_of(const reference_case& c, const flow_maker<T>& with_base_at,
                           const std::vector<T>& y);

/// How much the inverse changes if each coordinate of its points moves by two units in the last
/// place of a float.
inverse_side<double> change_by_rounding(const reference_case& c,
                                        const flow_maker<double>& with_base_at);

/// Compares gradients by parameters with the arrays of a case that begin with `prefix`: for maps
/// whose parameters are not Pyro's by another name.
template <class T>
using parameter_comparison = std::function<void(
    const std::string& prefix, const compared_flow<T>& s, const batch_gradient<T>& gradient)>;

/// What a case of one map holds of its forward direction.
template <class T>
void check_forward_map(const reference_case& c, const compared_flow<T>& s,
                       const pyro_layout& layout, const std::string& log_det,
                       const std::string& gradient);

/// All that a case of one map holds. `slack` is for the inverse in float, and may be empty.
template <class T>
void check_map(const reference_case& c, const flow_maker<T>& with_base_at,
               const parameter_comparison<T>& require_parameters,
               const inverse_side<double>& slack = {});
/// The same where parameters are found by a layout.
template <class T>
void check_map(const reference_case& c, const flow_maker<T>& with_base_at,
               const pyro_layout& layout, const inverse_side<double>& slack);

/// A case of a map without an inverse, with Pyro's parameters by name, in double and float.
/// `log_det` and `gradient` are what Pyro's arrays for these are called.
template <int D, class Word>
void check_forward_word(const std::string& name, const Word& word, const pyro_layout& layout,
                        const std::string& log_det = "ladj",
                        const std::string& gradient = "grad.") {
  DYNAMIC_SECTION(name) {
    const reference_case c(name);
    REQUIRE(c.dimension() == static_cast<std::size_t>(D));
    const auto check = [&]<class T>(T) {
      auto q = make_flow<T>(normal<D> | word);
      install_by_name(q, c, layout);
      check_forward_map<T>(c, compared_flow<T>(std::move(q)), layout, log_det, gradient);
    };
    check(double{});
    check(float{});
  }
}

/// Whether the inverse in float may be that of points two units in the last place away, or is not
/// compared at all: for cases so steep that Pyro's own float32 results are far off.
enum class float_points { exact, rounded, forward_only };

/// A case of one map against a word, in double and float. `install(q, c)` gives flow q Pyro's
/// parameters; `layout` says where they are found in it. C is the size of the context.
template <int D, int C = 0, class Word, class Install>
void check_word(const std::string& name, const Word& word, const Install& install,
                const pyro_layout& layout, float_points points = float_points::exact) {
  DYNAMIC_SECTION(name) {
    const reference_case c(name);
    REQUIRE(c.dimension() == static_cast<std::size_t>(D));
    inverse_side<double> slack;
    const auto check = [&]<class T>(T) {
      const flow_maker<T> with_base_at = [&](const std::vector<double>& mean, std::size_t first) {
        const std::vector<double> ones(mean.size(), 1.0);
        const auto moved = standardise(mean, ones);
        if constexpr (C > 0) {
          auto q = make_flow<T>(normal<D> | given<C> | moved | word);
          install(q, c);
          auto context = c["buffer.context"].as<T>();
          context.erase(context.begin(), context.begin() + static_cast<std::ptrdiff_t>(first * C));
          return compared_flow<T>(std::move(q), context);
        } else {
          auto q = make_flow<T>(normal<D> | moved | word);
          install(q, c);
          return compared_flow<T>(std::move(q));
        }
      };
      if (std::is_same_v<T, float> && points == float_points::forward_only) {
        const std::vector<double> zeros(std::size_t{D}, 0.0);
        check_forward_map<T>(c, with_base_at(zeros, 0), layout, "ladj", "grad.");
        return;
      }
      check_map<T>(c, with_base_at, layout, slack);
      if constexpr (std::is_same_v<T, double>)
        if (points == float_points::rounded) slack = change_by_rounding(c, with_base_at);
    };
    check(double{});
    check(float{});
  }
}

} // namespace bijou::testing
