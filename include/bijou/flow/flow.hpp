#pragma once
/// \file
/// A flow: a base distribution pushed through a bijector. Samples, densities and their gradients.

#include <bijou/flow/bijector.hpp>
#include <bijou/flow/support.hpp>
#include <bijou/kernels/function_ref.hpp>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

template <class Flow> class conditioned_flow; // flow/condition.hpp

/// The distribution of y = f(x), x drawn from the base: log p(y) = log p_base(f^-1(y)) +
/// log|det d f^-1/dy|, in nats.
///
/// A point outside the support, or where the density is too small for T, has log_prob -inf; a
/// sample with a NaN, or with one in its context, has log_prob NaN, and no other sample is touched
/// by it. Sampling is a function of (seed, stream, number of the sample).
template <class T, class E>
class flow : public bijector<T, E>, public flow_calls<flow<T, E>, T, program<T, E>::size> {
  using super = bijector<T, E>;

 public:
  using base_type = base_of<E>;
  using super::conditional;
  using super::context_size;
  using super::size;

  /// An empty flow, to be assigned to; every other call needs one that was made.
  flow() = default;
  /// What make_flow calls.
  flow(const E& e, std::uint64_t seed) : super(e, seed), base_(base_value(e)) {}

  /// The distribution of the noise, with its options.
  const base_type& base() const { return base_; }

  /// This flow under one context: (C,) or anything with C values in order. Refers to this flow; not
  /// for temporaries. Allocates.
  /// \throws std::invalid_argument if there are not C values
  template <class Context> auto condition(const Context& context) const& {
    static_assert(conditional, "bijou: condition(context) is for flows with given<C>");
    std::vector<T> numbers;
    for (const auto& v : context) numbers.push_back(static_cast<T>(v));
    if (numbers.size() != static_cast<std::size_t>(context_size))
      throw std::invalid_argument("condition: expected a context of " +
                                  std::to_string(context_size) + " values, got " +
                                  std::to_string(numbers.size()));
    return conditioned_flow<flow>(*this, rows_of<const T>(numbers.data(), 1, context_size));
  }
  template <class Context> void condition(const Context&) && {
    static_assert(never<Context>, "bijou: condition(context) refers to its flow, so that a "
                                  "temporary would be gone: give the flow a name first");
  }

  // --- the loops behind log_prob and sample (calls.hpp)

  using typename super::contexts;
  using typename super::samples;
  using sink = detail::sample_sink<T>;
  using values = detail::value_sink<T>;

  /// log p of all samples of a source.
  void write_log_prob(const samples& y, values log_prob, workspace<T>& ws,
                      const contexts& context) const {
    this->check_workspace(ws);
    if (y.count() > super::few) {
      const auto inverse = [this](const tile<T>& t) { this->program_.inverse(t); };
      detail::score_tiles<T, lanes>(frame(), size, base_functions(), y, log_prob, ws.memory.data(),
                                    context, inverse);
      return;
    }
    for (std::size_t i = 0; i < y.count(); ++i) {
      const event_tile<T> e = this->event(ws, context, i);
      y.load(i, size, e.x, this->program_.position().data());
      const pack outside = guard_.event(e.x);
      this->program_.inverse(e);
      T log_p = detail::log_prob_of_point(broadcast_base(e.x), pack(*e.log_det), outside)[0];
      if (detail::is_nan(log_p) && !this->brought_nan(y, i, e)) [[unlikely]]
        log_p = detail::too_small<T>;
      log_prob.set(i, log_p);
    }
  }

  /// log p of the first K variables, of a source of samples (n, K); `first` is the base of as many.
  /// For chains without permutations in which no variable depends on a later one: marginal.hpp.
  template <int K, class Base>
  void write_log_prob_of_first(const Base& first, const samples& y, values log_prob,
                               workspace<T>& ws, const contexts& context) const {
    this->check_workspace(ws);
    const auto inverse = [this](const tile<T>& t) { this->program_.inverse_first(t, K); };
    detail::score_tiles<T, lanes>(frame(), K, detail::base_functions<T>::template of<lanes>(first),
                                  y, log_prob, ws.memory.data(), context, inverse);
  }

  using noise_source = detail::noise_source<T>;
  /// Draws `count` samples into a sink, with log p where log_prob is not null.
  void write_samples(philox& stream, std::size_t count, const sink& y, values log_prob,
                     workspace<T>& ws, const contexts& context) const {
    make_samples({stream, count}, y, log_prob, ws, context);
    stream.advance(count);
  }
  /// The same with the noise given: row i of a source makes sample i.
  void write_samples_from(const samples& noise, const sink& y, values log_prob, workspace<T>& ws,
                          const contexts& context) const {
    make_samples(noise, y, log_prob, ws, context);
  }

  // --- gradients: the loops behind training/value_and_grad.hpp

  /// Adds the gradient of sum_i w_i log p(y_i) to `gradient` (laid out as parameters()), and puts
  /// that with respect to y_i into sink g_y, that with respect to its context into sink g_context
  /// (either may be nowhere). `log_prob` and `weights` (null: all `scale`) may be
  /// null; else w_i = scale * weights[i]. Samples of weight 0 are as if they were not there.
  /// Samples outside the support add nothing to gradients, nor do those so far out that the type
  /// cannot hold theirs. Cost: about three and a half times log_prob; for a tile with such samples
  /// twice that, and memory for a gradient. \return sum_i w_i log p(y_i), nats
  double add_log_prob_gradient(const samples& y, const T* weights, double scale, T* log_prob,
                               T* gradient, const sink& g_y, const sink& g_context,
                               workspace<T>& ws, const contexts& context) const {
    check_gradient_workspace(ws);
    const double total = detail::add_score_gradient<T, lanes>(
        frame(), base_functions(), y, weights, scale, log_prob, gradient, g_y, g_context,
        ws.memory.data(), context, differentiable<detail::direction::inverse>());
    this->clear_padding({gradient, this->parameters_.size()});
    return total;
  }

  /// Adds the gradient of a function of samples to `gradient`: y_i = f(noise_i), log q_i its log p.
  /// For each tile `function(samples)` reads rows of y and log q and writes the function's
  /// derivatives by them: see sampled_tile. The gradient by the noise goes to sink g_noise, that by
  /// the contexts to sink g_context.
  /// PathOnly: log q depends on the parameters through the samples alone; its derivative by the
  /// parameters at fixed samples is left out. For chains that have an inverse.
  /// Cost: about three and a half times sampling, twice that with PathOnly.
  template <bool PathOnly = false>
  void add_sample_gradient(const noise_source& noise,
                           detail::function_ref<void(const sampled_tile<T>&)> function, T* gradient,
                           const sink& g_noise, const sink& g_context, workspace<T>& ws,
                           const contexts& context) const {
    check_gradient_workspace(ws);
    const auto add = [&](const detail::differentiable_chain<T>* inverse) {
      detail::add_function_gradient<T, lanes>(
          frame(), base_functions(), noise, function, gradient, g_noise, g_context,
          ws.memory.data(), context, differentiable<detail::direction::forward>(), inverse);
    };
    if constexpr (PathOnly) {
      const auto inverse = differentiable<detail::direction::inverse>();
      add(&inverse);
    } else {
      add(nullptr);
    }
    this->clear_padding({gradient, this->parameters_.size()});
  }

  using valued_tile = detail::valued_tile<T>;
  /// A function of samples y_i = f(z_i), plus log|det df/dz|, nats, and the gradient by z_i: the
  /// density that a density of samples has where the noise is. Where the chain has left the type's
  /// range the value is -inf and the gradient 0. Cost: about three and a half times sampling.
  void pull_back(const samples& z, detail::function_ref<void(const valued_tile&)> function,
                 const sink& g_z, values value_of, workspace<T>& ws,
                 const contexts& context) const {
    this->check_workspace(ws, pull_back_size(), "make_workspace()");
    // The adjoints give the parameters' gradient too: room for what nobody asks for.
    T* const unwanted = ws.memory.data() + plan::gradient_size;
    std::fill_n(unwanted, this->parameters_.size(), T(0));
    detail::pull_back_tiles<T, lanes>(frame(), z, function, g_z, value_of, unwanted,
                                      ws.memory.data(), context,
                                      differentiable<detail::direction::forward>());
  }
  /// Memory for pull_back.
  workspace<T> make_pull_back_workspace() const { return {aligned_vector<T>(pull_back_size())}; }

 protected:
  using pack = simd::pack<T>;
  using super::lanes;
  using typename super::plan;

  std::size_t pull_back_size() const { return plan::gradient_size + this->parameters_.size(); }
  detail::base_functions<T> base_functions() const {
    return detail::base_functions<T>::template of<lanes>(base_);
  }
  detail::flow_frame<T> frame() const {
    detail::flow_frame<T> f = super::frame();
    f.support = guard_.bounds();
    return f;
  }
  template <detail::direction Way> detail::differentiable_chain<T> differentiable() const {
    return detail::differentiable_chain<T>::template of<Way>(this->program_);
  }

 private:
  static void check_gradient_workspace(const workspace<T>& ws) {
    super::check_workspace(ws, plan::gradient_size, "make_gradient_workspace()");
  }

  void make_samples(const noise_source& noise, const sink& y, values log_prob, workspace<T>& ws,
                    const contexts& context) const {
    this->check_workspace(ws);
    if (noise.count > super::few) return make_tiles_of_samples(noise, y, log_prob, ws, context);
    const int* const position = this->program_.position().data();
    for (std::size_t i = 0; i < noise.count; ++i) {
      const event_tile<T> e = this->event(ws, context, i);
      if (noise.stream)
        base_.fill(*noise.stream, noise.start + i, e.x);
      else
        noise.given->load(i, size, e.x, super::noise_position.data());
      const pack log_p = log_prob ? broadcast_base(e.x) : pack(T(0));
      this->program_.forward(e);
      y.store(i, size, e.x, position);
      if (!log_prob) continue;
      if (detail::is_nan(*e.log_det)) [[unlikely]]
        mend_log_det(log_p[0], e);
      log_prob.set(i, detail::log_prob_of_sample(log_p, pack(*e.log_det))[0]);
    }
  }
  /// Apart, so that single events do not save registers for it.
  [[gnu::noinline]] void make_tiles_of_samples(const noise_source& noise, const sink& y,
                                               values log_prob, workspace<T>& ws,
                                               const contexts& context) const {
    const auto forward = [this](const tile<T>& t) { this->program_.forward(t); };
    detail::sample_tiles<T, lanes>(frame(), base_functions(), noise, y, log_prob, ws.memory.data(),
                                   context, forward);
  }
  /// A sample that was saturated on its way from the noise is where its density is too small.
  [[gnu::cold, gnu::noinline]] static void mend_log_det(T log_p, const event_tile<T>& e) {
    if (!detail::is_nan(log_p) && !detail::any_nan(e.context, context_size, 1))
      *e.log_det = std::numeric_limits<T>::infinity();
  }
  /// The base's log p of one event, by the function that tiles use: its values in every lane.
  pack broadcast_base(const T* x) const {
    alignas(64) T wide[static_cast<std::size_t>(size) * pack::size];
    for (int d = 0; d < size; ++d) pack(x[d]).store(wide + d * pack::size);
    return base_.template log_prob<T>(wide, pack::size);
  }

  [[no_unique_address]] base_type base_{};
  detail::support_guard<T, E> guard_{this->program_};
};

} // namespace bijou::inline BIJOU_ISA
