#pragma once
/// \file
/// `condition(q, c)`: a conditional flow with its context fixed.

#include <bijou/flow/flow.hpp>
#include <bijou/kernels/direction.hpp>

#include <utility>

namespace bijou::inline BIJOU_ISA {

/// A flow under one context, with all its calls and none of its parameters: refers to the flow it
/// came from, and owns the context with its share of every first layer, computed once. Goes stale
/// when the flow's parameters change: condition it again. The bits are those of log_prob(y,
/// context).
template <class Flow>
class conditioned_flow
    : public bijector_calls<conditioned_flow<Flow>, typename Flow::value_type, Flow::size>,
      public flow_calls<conditioned_flow<Flow>, typename Flow::value_type, Flow::size> {
 public:
  using value_type = typename Flow::value_type;
  static constexpr int size = Flow::size; ///< D
  static constexpr int context_size = 0;  ///< calls take no context
  static constexpr bool invertible = Flow::invertible;

  /// What flow::condition calls.
  conditioned_flow(const Flow& q, const detail::sample_source<value_type>& context)
      : flow_(&q), fixed_(q.fold_context(context)) {}

  /// As of the flow.
  auto make_workspace() const { return flow_->make_workspace(); }
  /// {D}
  auto event_shape() const { return flow_->event_shape(); }
  /// {}
  auto batch_shape() const { return flow_->batch_shape(); }
  /// The fixed context, as the loops of the flow take it.
  auto context() const { return fixed_.shared(); }

  // The loops of the flow (bijector.hpp, flow.hpp), with its context passed on by the calls.

  template <detail::direction Way, class... Args> void map(Args&&... args) const {
    flow_->template map<Way>(std::forward<Args>(args)...);
  }
  template <class... Args> void write_log_prob(Args&&... args) const {
    flow_->write_log_prob(std::forward<Args>(args)...);
  }
  template <class... Args> void write_samples(Args&&... args) const {
    flow_->write_samples(std::forward<Args>(args)...);
  }
  template <class... Args> void write_samples_from(Args&&... args) const {
    flow_->write_samples_from(std::forward<Args>(args)...);
  }
  template <class... Args> void pull_back(Args&&... args) const {
    flow_->pull_back(std::forward<Args>(args)...);
  }
  auto make_pull_back_workspace() const { return flow_->make_pull_back_workspace(); }

 private:
  const Flow* flow_;
  typename Flow::folded_context fixed_;
};

} // namespace bijou::inline BIJOU_ISA
