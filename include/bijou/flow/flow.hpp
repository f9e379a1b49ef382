#pragma once
/// \file
/// A flow: a base distribution pushed through a bijector. Samples, densities and their gradients.

#include <bijou/flow/bijector.hpp>
#include <bijou/flow/support.hpp>

#include <algorithm>
#include <cstdint>
#include <span>
#include <utility>

namespace bijou::inline BIJOU_ISA {

/// The distribution of y = f(x), x drawn from the base: log p(y) = log p_base(f^-1(y)) +
/// log|det d f^-1/dy|, in nats.
///
/// A point outside the support has log_prob -inf; a sample with a NaN has log_prob NaN, and no
/// other sample is touched by it. Sampling is a function of (seed, stream, number of the sample).
template <class T, class E>
class flow : public bijector<T, E>, public xtensor_flow_calls<flow<T, E>, T, program<T, E>::size> {
  using super = bijector<T, E>;

 public:
  using base_type = base_of<E>;
  using super::conditional;
  using super::context_size;
  using super::size;

  flow() = default;
  flow(const E& e, std::uint64_t seed) : super(e, seed) {}

  // --- the loops behind log_prob and sample (calls.hpp, interop/xtensor.hpp)
  // ------------------------------------------------------------------------------------

  /// log p of all samples of a source. Context as in bijector::map.
  template <class Source, class Context>
  void score(const Source& y, T* log_prob, workspace<T>& ws, const Context& context) const {
    const auto& position = this->program_.position();
    this->for_each_part(
        y.count(), ws, context,
        [&](std::size_t i, const event<T>& e) {
          y.load(i, size, e.x, position.data());
          const pack outside = guard_.event(e.x);
          this->program_.inverse(e);
          log_prob[i] = log_density(pack(*e.log_det), outside, broadcast_base(e.x))[0];
        },
        [&](std::size_t first, int n, const tile<T>& t) {
          y.template load<lanes>(first, n, size, t.x, position.data());
          T* penalty = log_prob_row(ws);
          guard_.tile(t.x, penalty, t.lanes);
          this->program_.inverse(t);
          for (int s = 0; s < t.lanes; s += pack::size)
            log_density(pack::load(t.log_det + s), pack::load(penalty + s),
                        base_type::template log_prob<T>(t.x + s, lanes))
                .store(penalty + s);
          std::copy_n(penalty, n, log_prob + first);
        });
  }

  /// Draws `count` samples into a sink, with log p where log_prob is not null.
  template <class Sink, class Context>
  void draw(philox& stream, std::size_t count, const Sink& y, T* log_prob, workspace<T>& ws,
            const Context& context) const {
    const std::uint64_t start = stream.position();
    push(
        count, y, log_prob, ws, context,
        [&](std::size_t i, T* x) { base_type::fill(stream, start + i, x); },
        [&](std::size_t first, int n, T* x) {
          base_type::fill(stream, start + first, x, lanes, lanes_for<T>(n));
        });
    stream.advance(count);
  }
  /// The same with the noise given: row i of a source makes sample i.
  template <class Source, class Sink, class Context>
  void draw_from(const Source& noise, const Sink& y, T* log_prob, workspace<T>& ws,
                 const Context& context) const {
    push(
        noise.count(), y, log_prob, ws, context,
        [&](std::size_t i, T* x) { noise.load(i, size, x, super::noise_position.data()); },
        [&](std::size_t first, int n, T* x) {
          noise.template load<lanes>(first, n, size, x, super::noise_position.data());
        });
  }

 protected:
  using pack = simd::pack<T>;
  using super::lanes;
  using typename super::plan;

  T* log_prob_row(workspace<T>& ws) const { return ws.memory.data() + plan::log_prob * lanes; }

 private:
  template <class Sink, class Context, class FillEvent, class FillTile>
  void push(std::size_t count, const Sink& y, T* log_prob, workspace<T>& ws, const Context& context,
            FillEvent&& fill_event, FillTile&& fill_tile) const {
    const auto& position = this->program_.position();
    this->for_each_part(
        count, ws, context,
        [&](std::size_t i, const event<T>& e) {
          fill_event(i, e.x);
          const pack base = broadcast_base(e.x);
          this->program_.forward(e);
          y.store(i, size, e.x, position.data());
          if (log_prob) log_prob[i] = (base - pack(*e.log_det))[0];
        },
        [&](std::size_t first, int n, const tile<T>& t) {
          fill_tile(first, n, t.x);
          T* base = log_prob_row(ws);
          for (int s = 0; s < t.lanes; s += pack::size)
            base_type::template log_prob<T>(t.x + s, lanes).store(base + s);
          this->program_.forward(t);
          y.template store<lanes>(first, n, size, t.x, position.data());
          if (!log_prob) return;
          for (int s = 0; s < t.lanes; s += pack::size)
            (pack::load(base + s) - pack::load(t.log_det + s)).store(base + s);
          std::copy_n(base, n, log_prob + first);
        });
  }
  /// The base's log p of one event, by the function that tiles use: its values in every lane.
  static pack broadcast_base(const T* x) {
    alignas(64) T wide[static_cast<std::size_t>(size) * pack::size];
    for (int d = 0; d < size; ++d) pack(x[d]).store(wide + d * pack::size);
    return base_type::template log_prob<T>(wide, pack::size);
  }
  /// `outside` is 0, or -inf for a sample outside the support.
  static pack log_density(pack log_det, pack outside, pack base) {
    return (base + log_det) + outside;
  }

  detail::support_guard<T, E> guard_{this->program_};
};

} // namespace bijou::inline BIJOU_ISA
