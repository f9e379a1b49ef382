#pragma once
/// \file
/// What the training loops ask of a flow, behind virtual calls: the loops are compiled once for
/// float and once for double, and not again for each flow.

#include <bijou/flow/standardise_context.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/training/checkpoint.hpp>

#include <span>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::detail {

/// What training_state::run holds, the most telling first.
using run_description = std::vector<std::pair<std::string, std::string>>;

/// A flow that is trained, and the units of its context as they were before.
template <class T> class trained_flow {
 public:
  virtual int size() const = 0;         ///< D
  virtual int context_size() const = 0; ///< C, 0 without given<C>
  virtual std::span<T> parameters() = 0;
  virtual workspace<T> make_gradient_workspace() const = 0;
  /// What all runs are described by; loops add their own.
  virtual run_description describe(const char* training) const = 0;

  /// C means and scales, or none where the flow takes contexts as they are.
  virtual std::span<const T> context_mean() const = 0;
  virtual std::span<const T> context_scale() const = 0;
  /// Takes them from columns; goes back to those before.
  virtual void standardise_context(const char* who, const std::vector<column_spread>& columns) = 0;
  virtual void restore_context() = 0;

 protected:
  trained_flow() = default;
  trained_flow(const trained_flow&) = default;
  trained_flow& operator=(const trained_flow&) = default;
  ~trained_flow() = default; // nobody owns one by this type
};

/// Refers to a flow.
template <class Flow> class trained final : public trained_flow<typename Flow::value_type> {
  using T = typename Flow::value_type;

 public:
  explicit trained(Flow& q) : q_(q), units_before_(q.standardisation()) {}

  int size() const override { return Flow::size; }
  int context_size() const override { return Flow::context_size; }
  std::span<T> parameters() override { return q_.parameters(); }
  workspace<T> make_gradient_workspace() const override { return q_.make_gradient_workspace(); }
  run_description describe(const char* training) const override {
    fingerprint layout;
    for (const auto owned : q_.structure()) layout.add(owned);
    constexpr bool is_float = std::is_same_v<T, float>;
    run_description run{{"training", training},
                        {"expression", q_.text()},
                        {"scalar type", is_float ? "float" : "double"},
                        {"parameters", std::to_string(q_.parameters().size())},
                        {"layout", layout.text()}};
    if (const std::string units = q_.standardisation().text(); !units.empty())
      run.emplace_back("context standardised by", units);
    return run;
  }

  std::span<const T> context_mean() const override {
    if constexpr (Flow::conditional)
      if (q_.standardisation().given()) return q_.standardisation().mean();
    return {};
  }
  std::span<const T> context_scale() const override {
    if constexpr (Flow::conditional)
      if (q_.standardisation().given()) return q_.standardisation().scale();
    return {};
  }
  void standardise_context([[maybe_unused]] const char* who,
                           [[maybe_unused]] const std::vector<column_spread>& columns) override {
    if constexpr (Flow::conditional) standardise_by(q_, who, columns);
  }
  void restore_context() override { q_.set_standardisation(units_before_); }

 private:
  Flow& q_;
  std::remove_cvref_t<decltype(std::declval<Flow>().standardisation())> units_before_;
};

} // namespace bijou::inline BIJOU_ISA::detail
