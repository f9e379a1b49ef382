#pragma once
/// \file
/// A flow seen through functions of plain vectors: `subject`, so that a check is compiled once for
/// float and once for double (check.cpp), and not once for each expression.

#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "../support/random_parameters.hpp"

namespace bijou::testing {

/// Samples and a number for each.
template <class T> struct mapped_batch {
  std::vector<T> values, log_det;
};
/// A value with its gradients by the flow's parameters and by each input.
template <class T> struct gradients {
  double value;
  std::vector<T> by_parameters, by_inputs, log_prob, by_context;
};

/// The calls of a flow whose type is not known, on memory for n samples (n, D), contexts (n, C) and
/// results: what flow_behind_calls makes of a type.
template <class T> struct flow_calls_of {
  using in = batch_view<const T>;
  using out = batch_view<T>;

  workspace<T> memory; ///< of all calls

  flow_calls_of() = default;
  flow_calls_of(const flow_calls_of&) = delete;
  flow_calls_of& operator=(const flow_calls_of&) = delete;
  virtual ~flow_calls_of() = default;
  virtual void set_parameters(std::span<const T> p) = 0;
  virtual void forward(in x, in context, out y, T* log_det) = 0;
  virtual void inverse(in y, in context, out x, T* log_det) = 0;
  virtual void log_prob(in y, in context, T* log_prob) = 0;
  virtual void sample_from(in noise, in context, out y, T* log_q) = 0;
  virtual void log_prob_gradient(in y, in context, std::span<const T> weights, T scale,
                                 gradients<T>& to, out by_inputs) = 0;
  virtual void sample_gradient(in noise, in context,
                               const std::function<void(const sampled_tile<T>&)>& function,
                               gradients<T>& to, out by_inputs) = 0;
};

/// A flow as functions of samples (n, D) and a context (n, C), row by row. Copies share the flow.
template <class T> class subject {
 public:
  using values = std::vector<T>;

  std::string text;
  std::size_t size = 0, context_size = 0;
  std::vector<std::array<double, 2>> noise_ends; ///< of each variable of the base; may be infinite
  bool invertible = false;     ///< else it has no inverse, log_prob and log_prob_gradient
  bool differentiable = false; ///< else it was made without gradients of log_prob
  std::size_t tile = 0;        ///< samples in a full tile
  std::span<T> parameters;
  std::vector<std::uint8_t> structure;
  std::shared_ptr<flow_calls_of<T>> flow;

  /// The setter that keeps structure.
  void set_parameters(std::span<const T> p) const { flow->set_parameters(p); }
  /// Fills the workspace with NaN: a call must not read what another has left there.
  void spoil_workspace() const;

  mapped_batch<T> forward(const values& x, const values& context) const;
  mapped_batch<T> inverse(const values& y, const values& context) const;
  values log_prob(const values& y, const values& context) const;
  /// Samples made of noise, with log q in place of the log-det.
  mapped_batch<T> sample_from(const values& noise, const values& context) const;
  /// Of scale * sum_i w_i log p(y_i).
  gradients<T> log_prob_gradient(const values& y, const values& context, const values& weights,
                                 T scale) const;
  /// Of sum_i w_i (sum_d sin(y_d + d) + 0.3 log q_i), y the samples made of noise.
  gradients<T> sample_gradient(const values& noise, const values& context,
                               const values& weights) const;
  /// Of a function of the samples made of noise, whose value it does not know.
  gradients<T> sample_gradient(const values& noise, const values& context,
                               const std::function<void(const sampled_tile<T>&)>& function) const;

  /// Whether the base is a box, and not the line.
  bool on_box() const { return std::isfinite(noise_ends[0][1]); }
  /// Draws noise of the base's support, the same for float and double.
  values noise(std::size_t n, std::uint64_t seed) const;
  values context(std::size_t n, std::uint64_t seed) const;

 private:
  using map_call = void (flow_calls_of<T>::*)(batch_view<const T>, batch_view<const T>,
                                              batch_view<T>, T*);
  mapped_batch<T> mapped(map_call call, const values& v, const values& context) const;
  batch_view<const T> rows(const values& v, std::size_t columns) const {
    return rows_of(v.data(), v.size() / std::max<std::size_t>(columns, 1),
                   static_cast<int>(columns));
  }
  batch_view<T> to(values& v) const {
    return rows_of(v.data(), v.size() / size, static_cast<int>(size));
  }
  gradients<T> no_gradients(std::size_t count) const;
};

/// What of a subject is to be differentiated: adjoints take half of the time to compile.
enum class wants { evaluation, log_prob_gradient, gradients };

/// The calls of a flow of some type.
template <class Flow, wants Wants>
struct flow_behind_calls final : flow_calls_of<typename Flow::value_type> {
  using T = typename Flow::value_type;
  using typename flow_calls_of<T>::in;
  using typename flow_calls_of<T>::out;

  Flow flow;

  explicit flow_behind_calls(Flow q) : flow(std::move(q)) {
    this->memory =
        Wants == wants::evaluation ? flow.make_workspace() : flow.make_gradient_workspace();
  }
  void set_parameters(std::span<const T> p) override { flow.set_parameters(p); }
  void forward(in x, in context, out y, T* log_det) override {
    if constexpr (Flow::conditional)
      flow.forward(x, context, y, log_det, this->memory);
    else
      flow.forward(x, y, log_det, this->memory);
  }
  void inverse([[maybe_unused]] in y, [[maybe_unused]] in context, [[maybe_unused]] out x,
               [[maybe_unused]] T* log_det) override {
    if constexpr (!Flow::invertible)
      return;
    else if constexpr (Flow::conditional)
      flow.inverse(y, context, x, log_det, this->memory);
    else
      flow.inverse(y, x, log_det, this->memory);
  }
  void log_prob([[maybe_unused]] in y, [[maybe_unused]] in context,
                [[maybe_unused]] T* log_prob) override {
    if constexpr (!Flow::invertible)
      return;
    else if constexpr (Flow::conditional)
      flow.log_prob(y, context, log_prob, this->memory);
    else
      flow.log_prob(y, log_prob, this->memory);
  }
  void sample_from(in noise, in context, out y, T* log_q) override {
    if constexpr (Flow::conditional)
      flow.sample_from(noise, context, y, log_q, this->memory);
    else
      flow.sample_from(noise, y, log_q, this->memory);
  }
  void log_prob_gradient([[maybe_unused]] in y, [[maybe_unused]] in context,
                         [[maybe_unused]] std::span<const T> weights, [[maybe_unused]] T scale,
                         [[maybe_unused]] gradients<T>& to,
                         [[maybe_unused]] out by_inputs) override {
    if constexpr (Wants != wants::evaluation && Flow::invertible) {
      weighted_batch<T> batch{y, {}, weights};
      if constexpr (Flow::conditional) batch.context = context;
      to.value = accumulate_log_prob_gradient(flow, batch, scale, std::span(to.by_parameters),
                                              this->memory, by_inputs, to.log_prob.data(),
                                              context_rows(to));
    }
  }
  void sample_gradient([[maybe_unused]] in noise, [[maybe_unused]] in context,
                       [[maybe_unused]] const std::function<void(const sampled_tile<T>&)>& function,
                       [[maybe_unused]] gradients<T>& to, [[maybe_unused]] out by_inputs) override {
    if constexpr (Wants == wants::gradients)
      accumulate_sample_gradient(flow, noise, function, std::span(to.by_parameters), this->memory,
                                 by_inputs, Flow::conditional ? context : in{}, context_rows(to));
  }

 private:
  static out context_rows(gradients<T>& to) {
    if constexpr (Flow::conditional)
      return rows_of(to.by_context.data(), to.log_prob.size(), Flow::context_size);
    else
      return {};
  }
};

/// A flow seen so.
template <wants Wants, class Flow> auto subject_of(Flow q) {
  using T = typename Flow::value_type;
  auto calls = std::make_shared<flow_behind_calls<Flow, Wants>>(std::move(q));
  subject<T> result;
  result.text = calls->flow.text();
  result.size = static_cast<std::size_t>(Flow::size);
  result.context_size = static_cast<std::size_t>(Flow::context_size);
  const bijou::detail::layer_maker<Flow::size> start(calls->flow.base());
  for (std::size_t d = 0; d < result.size; ++d)
    result.noise_ends.push_back({start.bounds.low[d], start.bounds.high[d]});
  result.invertible = Flow::invertible;
  result.differentiable = Wants != wants::evaluation;
  result.tile = Flow::program_type::lanes;
  result.parameters = calls->flow.parameters();
  result.structure = calls->flow.structure();
  result.flow = std::move(calls);
  return result;
}

/// A flow of T with perturbed parameters: nothing is tested near the identity only. The parameters
/// of float and double subjects of one expression are equal.
template <class T, wants Wants = wants::gradients, class E>
subject<T> make_subject(const E& expression, float scale = 0.3F, std::uint64_t seed = 17) {
  subject<T> result = subject_of<Wants>(make_flow<T>(expression, 5));
  perturb(result.parameters, result.structure, seed, scale);
  return result;
}

} // namespace bijou::testing
