/// \file
/// The flows, and their calls on one event.

#include "events.hpp"

#include <bijou/bijou.hpp>

#include <array>
#include <cmath>
#include <memory>
#include <span>
#include <utility>

#include "../support/random_parameters.hpp"

using namespace bijou;
using testing::event_call;

namespace {

/// A flow with all that its calls want.
template <class T, class Flow> struct event_state {
  static constexpr auto D = static_cast<std::size_t>(Flow::size);
  static constexpr auto C = static_cast<std::size_t>(Flow::context_size);
  Flow q;
  std::shared_ptr<void> owner;
  workspace<T> ws = q.make_workspace();
  philox stream{42};
  std::array<T, D> event{};
  std::array<T, C> context{};

  /// Calls f with the next context, if the flow takes one.
  template <class F> auto with_context(const F& f) {
    if constexpr (C > 0) {
      context[0] += T(1e-4);
      return f(std::span<const T, C>(context));
    } else {
      return f();
    }
  }
};

/// Adds the calls of `q`, which refers to nothing but what `owner` keeps alive. A conditional flow
/// is given another context with each event, as a span.
template <class T, class Flow>
void add(std::vector<event_call>& calls, const std::string& name, Flow flow,
         const std::shared_ptr<void>& owner = {}) {
  using state = event_state<T, Flow>;
  constexpr std::size_t D = state::D;
  const auto s = std::make_shared<state>(state{std::move(flow), owner});
  const auto repeat = [s](auto call) {
    return [s, call](int events) {
      bool finite = true;
      for (int i = 0; i < events; ++i) finite &= std::isfinite(call(*s));
      return finite;
    };
  };
  const std::string full = name + (sizeof(T) == 4 ? ", float: " : ", double: ");
  calls.push_back({full + "sample", repeat([](state& my) {
                     my.with_context([&](auto... c) {
                       my.q.sample(my.stream, std::span<T, D>(my.event), c..., my.ws);
                     });
                     return my.event[0];
                   })});
  // Another event each time: samples are written where the next one is scored.
  calls.push_back({full + "log_prob", repeat([](state& my) {
                     my.event[0] += T(1e-4);
                     return my.with_context([&](auto... c) {
                       return my.q.log_prob(std::span<const T, D>(my.event), c..., my.ws);
                     });
                   })});
  calls.push_back({full + "sample_and_log_prob", repeat([](state& my) {
                     return my.with_context([&](auto... c) {
                       return my.q.sample_and_log_prob(my.stream, std::span<T, D>(my.event), c...,
                                                       my.ws);
                     });
                   })});
}

template <class T, class E> auto perturbed(const E& expression) {
  auto q = make_flow<T>(expression, 5);
  testing::perturb(q.parameters(), q.structure(), 17, 0.3F);
  return q;
}

template <class T> void add_all(std::vector<event_call>& calls) {
  add<T>(calls, "iaf", perturbed<T>(normal<4> | iaf<24> | flip | iaf<24>));
  add<T>(calls, "maf", perturbed<T>(normal<4> | maf<24> | flip | maf<24, 16>));
  constexpr auto spline = coupling<24>(rational_quadratic<8>);
  add<T>(calls, "spline coupling", perturbed<T>(normal<4> | spline | flip | spline));
  constexpr auto conditional = normal<4> | given<2> | iaf<24> | flip | iaf<24>;
  const auto q = std::make_shared<decltype(make_flow<T>(conditional))>(perturbed<T>(conditional));
  add<T>(calls, "a context of its own", perturbed<T>(conditional));
  add<T>(calls, "conditional", q->condition(std::array<T, 2>{T(1), T(2)}), q);
}

} // namespace

std::vector<event_call> testing::event_calls() {
  std::vector<event_call> calls;
  add_all<float>(calls);
  add_all<double>(calls);
  return calls;
}
