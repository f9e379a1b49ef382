#pragma once
/// \file
/// A flow: a base distribution pushed through a bijector. Samples, densities and their gradients.

#include <bijou/flow/bijector.hpp>
#include <bijou/flow/support.hpp>
#include <bijou/kernels/function_ref.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <limits>
#include <span>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

template <class Flow> class conditioned_flow; // flow/condition.hpp

/// A tile of samples as a function of them sees it, and where it puts its derivatives.
template <class T> struct sampled_tile {
  std::size_t first;   ///< number of the first sample in the batch
  int count;           ///< samples in this tile; rows are readable up to whole packs beyond
  int lanes;           ///< from one row to the next
  const int* position; ///< variable -> row
  const T* x;          ///< the rows: see variable()
  const T* log_q;      ///< log p of each sample under the flow, nats
  T* cotangents;       ///< rows of derivatives: see cotangent()
  T* log_q_cotangent;  ///< to be set: derivative by log q of each sample (0 on entry)

  /// Variable d of sample i is variable(d)[i], i < count.
  const T* variable(int d) const { return x + position[d] * lanes; }
  /// To be set: derivative by variable d of each sample (0 on entry).
  T* cotangent(int d) const { return cotangents + position[d] * lanes; }
};

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
  flow(const E& e, std::uint64_t seed) : super(e, seed) {}

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
    const int* const position = this->program_.position().data();
    if (y.count() <= super::few) {
      for (std::size_t i = 0; i < y.count(); ++i) {
        const event_tile<T> e = this->event(ws, context, i);
        y.load(i, size, e.x, position);
        const pack outside = guard_.event(e.x);
        this->program_.inverse(e);
        T log_p = log_density(pack(*e.log_det), outside, broadcast_base(e.x))[0];
        if (this->is_nan(log_p) && !this->brought_nan(y, i, e, 0)) [[unlikely]]
          log_p = too_small;
        log_prob.set(i, log_p);
      }
      return;
    }
    T* const row = log_prob_row(ws);
    for (walk w(*this, ws, context, y.count()); w.next();) {
      y.template load<lanes>(w.first, w.n, size, w.t.x, position);
      guard_.tile(w.t.x, row, w.t.lanes);
      this->program_.inverse(w.t);
      for (int s = 0; s < w.t.lanes; s += pack::size)
        log_density(pack::load(w.t.log_det + s), pack::load(row + s),
                    base_type::template log_prob<T>(w.t.x + s, lanes))
            .store(row + s);
      if (this->any_nan(row, w.t.lanes)) [[unlikely]]
        settle_log_prob(y, w, row);
      log_prob.set(w.first, w.n, row);
    }
  }

  /// log p of the first K variables, of a source of samples (n, K); Base is the base of as many.
  /// For chains without permutations in which no variable depends on a later one: marginal.hpp.
  template <int K, class Base>
  void write_log_prob_of_first(const samples& y, values log_prob, workspace<T>& ws,
                               const contexts& context) const {
    this->check_workspace(ws);
    const int* const position = this->program_.position().data();
    T* const row = log_prob_row(ws);
    for (walk w(*this, ws, context, y.count()); w.next();) {
      y.template load<lanes>(w.first, w.n, K, w.t.x, position);
      guard_.tile_first(w.t.x, row, w.t.lanes, K);
      this->program_.inverse_first(w.t, K);
      for (int s = 0; s < w.t.lanes; s += pack::size)
        log_density(pack::load(w.t.log_det + s), pack::load(row + s),
                    Base::template log_prob<T>(w.t.x + s, lanes))
            .store(row + s);
      for (int lane = 0; lane < w.n; ++lane) {
        if (!this->is_nan(row[lane])) [[likely]]
          continue;
        std::array<T, static_cast<std::size_t>(K)> event;
        y.load(w.sample(lane), K, event.data(), super::noise_position.data());
        if (!std::ranges::any_of(event, super::is_nan) && !this->context_has_nan(w.t, lane))
          row[lane] = too_small;
      }
      log_prob.set(w.first, w.n, row);
    }
  }

  /// Noise that is made into samples: numbers start, start + 1, ... of a stream, or given.
  struct noise_source {
    std::size_t count;
    const philox* stream = nullptr;
    std::uint64_t start = 0;
    const samples* given = nullptr;

    noise_source(const philox& numbers, std::size_t n)
        : count(n), stream(&numbers), start(numbers.position()) {}
    noise_source(const samples& noise) // NOLINT(google-explicit-constructor): it is one
        : count(noise.count()), given(&noise) {}

    void fill(std::size_t i, T* x) const {
      if (stream)
        base_type::fill(*stream, start + i, x);
      else
        given->load(i, size, x, super::noise_position.data());
    }
    void fill(std::size_t first, int n, T* x) const {
      if (stream)
        base_type::fill(*stream, start + first, x, lanes, lanes_for<T>(n));
      else
        given->template load<lanes>(first, n, size, x, super::noise_position.data());
    }
  };
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
  /// that with respect to y_i into sink g_y. `log_prob` and `weights` (null: all `scale`) may be
  /// null; else w_i = scale * weights[i]. Samples of weight 0 are as if they were not there.
  /// Samples outside the support add nothing to gradients, nor do those so far out that the type
  /// cannot hold theirs. Cost: about three and a half times log_prob; for a tile with such samples
  /// twice that, and memory for a gradient. \return sum_i w_i log p(y_i), nats
  double add_log_prob_gradient(const samples& y, const T* weights, double scale, T* log_prob,
                               T* gradient, const sink& g_y, workspace<T>& ws,
                               const contexts& context) const {
    check_gradient_workspace(ws);
    const int* const position = this->program_.position().data();
    const taped_rows rows = taped_rows_in(ws);
    T* const result = log_prob_row(ws);
    T* const g_log_det = rows.g_log_det;
    double total = 0;
    for (walk w(*this, ws, context, y.count()); w.next();) {
      const tile<T>& t = w.t;
      cotangent_tile<T> c = rows.of(t, gradient);
      y.template load<lanes>(w.first, w.n, size, t.x, position);
      guard_.tile(t.x, result, t.lanes);
      this->program_.inverse(t, rows.tape);
      auto far = pack(T(0)) < pack(T(0));
      for (int s = 0; s < t.lanes; s += pack::size) {
        const pack outside = pack::load(result + s);
        const pack base = base_type::template log_prob<T>(t.x + s, lanes);
        const pack inside = log_density(pack::load(t.log_det + s), pack(T(0)), base);
        far = far | !(inside >= pack(far_out));
        (inside + outside).store(result + s);
        outside.store(g_log_det + s);
      }
      const auto weight = [&](int i) {
        return weights ? scale * static_cast<double>(weights[w.sample(i)]) : scale;
      };
      bool some_count = true;
      if (any(far)) [[unlikely]] {
        std::array<T, static_cast<std::size_t>(lanes)> narrow;
        for (int i = 0; i < w.n; ++i) detail::at(narrow, i) = static_cast<T>(weight(i));
        some_count = leave_out(y, w, narrow.data(), ws, rows);
      }
      for (int i = 0; i < t.lanes; ++i) {
        const double wide = i < w.n ? weight(i) : 0;
        const bool counts = g_log_det[i] == T(0);
        g_log_det[i] = counts ? static_cast<T>(wide) : T(0);
        if (wide != 0) total += wide * static_cast<double>(result[i]);
      }
      if (log_prob) std::copy_n(result, w.n, log_prob + w.first);
      if (some_count) [[likely]] {
        weigh_scores(t, g_log_det, c.g);
        this->program_.inverse_adjoint(c, rows.tape);
      } else {
        std::fill_n(c.g, size * lanes, T(0));
      }
      if (g_y) g_y.template store<lanes>(w.first, w.n, size, c.g, position);
    }
    this->clear_padding({gradient, this->parameters_.size()});
    return total;
  }

  /// Adds the gradient of a function of samples to `gradient`: y_i = f(noise_i), log q_i its log p.
  /// For each tile `function(samples)` reads rows of y and log q and writes the function's
  /// derivatives by them: see sampled_tile. The gradient by the noise goes to sink g_noise.
  /// PathOnly: log q depends on the parameters through the samples alone; its derivative by the
  /// parameters at fixed samples is left out. For chains that have an inverse.
  /// Cost: about three and a half times sampling, twice that with PathOnly.
  template <bool PathOnly = false>
  void add_sample_gradient(const noise_source& noise,
                           detail::function_ref<void(const sampled_tile<T>&)> function, T* gradient,
                           const sink& g_noise, workspace<T>& ws, const contexts& context) const {
    check_gradient_workspace(ws);
    const int* const position = this->program_.position().data();
    const taped_rows rows = taped_rows_in(ws);
    // The noise itself is wanted again for the base's score: it waits behind the tape.
    T* const kept_noise = rows.tape + plan::tape_noise * lanes;
    T* const log_q = log_prob_row(ws);
    T* const g_log_det = rows.g_log_det;
    for (walk w(*this, ws, context, noise.count); w.next();) {
      const tile<T>& t = w.t;
      const cotangent_tile<T> c = rows.of(t, gradient);
      noise.fill(w.first, w.n, t.x);
      std::copy_n(t.x, size * lanes, kept_noise);
      this->program_.forward(t, rows.tape);
      for (int s = 0; s < t.lanes; s += pack::size)
        base_type::template log_prob<T>(kept_noise + s, lanes).store(log_q + s);
      subtract_log_det(log_q, t);
      std::fill_n(c.g, size * lanes, T(0));
      std::fill_n(g_log_det, lanes, T(0));
      function({w.first, w.n, lanes, position, t.x, log_q, c.g, g_log_det});
      // Lanes beyond n repeat a sample and must not count, nor does one that the chain has put out
      // of the type's range. log q = base - log-det.
      for (int i = 0; i < t.lanes; ++i)
        if (i >= w.n || t.log_det[i] == infinity) clear_lane(c.g, g_log_det, i);
      T* const g_log_q = log_q;
      for (int i = 0; i < t.lanes; ++i) {
        g_log_q[i] = g_log_det[i];
        g_log_det[i] = -g_log_det[i];
      }
      this->program_.forward_adjoint(c, rows.tape);
      if (g_noise) {
        for (int d = 0; d < size; ++d)
          for (int s = 0; s < t.lanes; s += pack::size) {
            T* g = c.g + d * lanes + s;
            fma(pack::load(g_log_q + s), base_type::score(pack::load(kept_noise + d * lanes + s)),
                pack::load(g))
                .store(g);
          }
        g_noise.template store<lanes>(w.first, w.n, size, c.g, super::noise_position.data());
      }
      if constexpr (PathOnly) subtract_score(t, c, g_log_q, rows);
    }
    this->clear_padding({gradient, this->parameters_.size()});
  }

  /// A tile of samples as a density of them sees it, with the rows that it writes: a value of each
  /// sample, and its derivatives. Variable d lies in row position[d]; rows are `lanes` apart.
  struct valued_tile {
    std::size_t first;
    int n;
    const T* x;
    const int* position;
    T* value;
    T* g;
    static constexpr int lanes = super::lanes;
  };
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
    const taped_rows rows = taped_rows_in(ws);
    T* const value = log_prob_row(ws);
    T* const g_log_det = rows.g_log_det;
    for (walk w(*this, ws, context, z.count()); w.next();) {
      const tile<T>& t = w.t;
      const cotangent_tile<T> c = rows.of(t, unwanted);
      z.template load<lanes>(w.first, w.n, size, t.x, super::noise_position.data());
      this->program_.forward(t, rows.tape);
      std::fill_n(c.g, size * lanes, T(0));
      function({w.first, w.n, t.x, this->program_.position().data(), value, c.g});
      // Lanes beyond n repeat a sample and must not count, nor does one that is too far out.
      const bool any_far = this->any_nan(t.log_det, t.lanes);
      for (int i = 0; i < t.lanes; ++i) {
        g_log_det[i] = i < w.n ? T(1) : T(0);
        value[i] = i < w.n ? value[i] + t.log_det[i] : T(0);
        const bool far = any_far && i < w.n && this->is_nan(t.log_det[i]) &&
                         !this->brought_nan(z, w.sample(i), t, i);
        if (far) value[i] = too_small;
        if (i >= w.n || far) clear_lane(c.g, g_log_det, i);
      }
      if (value_of) value_of.set(w.first, w.n, value);
      this->program_.forward_adjoint(c, rows.tape);
      if (any_far) [[unlikely]]
        for (int i = 0; i < w.n; ++i)
          if (value[i] == too_small) clear_lane(c.g, g_log_det, i);
      if (g_z) g_z.template store<lanes>(w.first, w.n, size, c.g, super::noise_position.data());
    }
  }
  /// Memory for pull_back.
  workspace<T> make_pull_back_workspace() const { return {aligned_vector<T>(pull_back_size())}; }

 protected:
  using pack = simd::pack<T>;
  using super::lanes;
  using typename super::plan;
  using typename super::walk;

  std::size_t pull_back_size() const { return plan::gradient_size + this->parameters_.size(); }

  T* log_prob_row(workspace<T>& ws) const { return ws.memory.data() + plan::log_prob * lanes; }

 private:
  /// Where a workspace for gradients has its cotangents and the tape.
  struct taped_rows {
    T *g, *g_log_det, *tape;

    /// The cotangents of a tile, whose parameters' go to `gradient`.
    cotangent_tile<T> of(const tile<T>& t, T* gradient) const {
      return {t.theta, t.context, g, g_log_det, nullptr, gradient, t.scratch, t.lanes};
    }
  };
  static taped_rows taped_rows_in(workspace<T>& ws) {
    T* const m = ws.memory.data();
    return {m + plan::g * lanes, m + plan::g_log_det * lanes, m + plan::tape * lanes};
  }
  static void check_gradient_workspace(const workspace<T>& ws) {
    super::check_workspace(ws, plan::gradient_size, "make_gradient_workspace()");
  }
  static void clear_lane(T* g, T* g_log_det, int lane) {
    g_log_det[lane] = T(0);
    for (int d = 0; d < size; ++d) g[d * lanes + lane] = T(0);
  }

  /// Takes from the gradient that of sum_i w_i log q(y_i) at fixed samples: t.x, which is
  /// overwritten.
  void subtract_score(const tile<T>& t, const cotangent_tile<T>& c, const T* w,
                      const taped_rows& rows) const {
    std::fill_n(t.log_det, lanes, T(0));
    this->program_.inverse(t, rows.tape);
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack g = -pack::load(w + s);
      g.store(rows.g_log_det + s);
      for (int d = 0; d < size; ++d)
        (g * base_type::score(pack::load(t.x + d * lanes + s))).store(c.g + d * lanes + s);
    }
    this->program_.inverse_adjoint(c, rows.tape);
  }

  void make_samples(const noise_source& noise, const sink& y, values log_prob, workspace<T>& ws,
                    const contexts& context) const {
    this->check_workspace(ws);
    const int* const position = this->program_.position().data();
    if (noise.count <= super::few) {
      for (std::size_t i = 0; i < noise.count; ++i) {
        const event_tile<T> e = this->event(ws, context, i);
        noise.fill(i, e.x);
        const pack base = log_prob ? broadcast_base(e.x) : pack(T(0));
        this->program_.forward(e);
        y.store(i, size, e.x, position);
        if (!log_prob) continue;
        if (this->is_nan(*e.log_det)) [[unlikely]]
          mend_log_det(base[0], e, 0);
        log_prob.set(i, difference(base, pack(*e.log_det))[0]);
      }
      return;
    }
    T* const base = log_prob_row(ws);
    for (walk w(*this, ws, context, noise.count); w.next();) {
      noise.fill(w.first, w.n, w.t.x);
      if (log_prob)
        for (int s = 0; s < w.t.lanes; s += pack::size)
          base_type::template log_prob<T>(w.t.x + s, lanes).store(base + s);
      this->program_.forward(w.t);
      y.template store<lanes>(w.first, w.n, size, w.t.x, position);
      if (!log_prob) continue;
      subtract_log_det(base, w.t);
      log_prob.set(w.first, w.n, base);
    }
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

  // What the chain could not hold: kernels/saturation.hpp.

  static constexpr T infinity = std::numeric_limits<T>::infinity();
  static constexpr T too_small = -infinity; ///< log p of a density below the type's range
  /// log p below which a sample's gradient has to be looked at: it may overflow.
  static constexpr T far_out = sizeof(T) == 4 ? T(-0x1p40) : T(-0x1p400);

  /// log p of the base, in `row`, becomes that of the samples.
  void subtract_log_det(T* row, const tile<T>& t) const {
    if (this->any_nan(t.log_det, t.lanes)) [[unlikely]]
      for (int i = 0; i < t.lanes; ++i)
        if (this->is_nan(t.log_det[i])) mend_log_det(row[i], t, i);
    for (int s = 0; s < t.lanes; s += pack::size)
      difference(pack::load(row + s), pack::load(t.log_det + s)).store(row + s);
  }
  /// Infinite noise has density 0, whatever the map makes of its neighbourhood.
  BIJOU_INLINE static pack difference(pack base, pack log_det) {
    const auto lost = (base == pack(too_small)) & !isnan(log_det);
    return select(lost, pack(too_small), base - log_det);
  }
  /// A sample that was saturated on its way from the noise is where its density is too small.
  template <class Tile>
  [[gnu::cold, gnu::noinline]] void mend_log_det(T base, const Tile& t, int lane) const {
    if (!this->is_nan(base) && !this->context_has_nan(t, lane)) t.log_det[lane] = infinity;
  }
  /// Whoever brought no NaN gets none.
  [[gnu::cold, gnu::noinline]] void settle_log_prob(const samples& y, const walk& w,
                                                    T* log_prob) const {
    for (int i = 0; i < w.n; ++i)
      if (this->is_nan(log_prob[i]) && !this->brought_nan(y, w.sample(i), w.t, i))
        log_prob[i] = too_small;
  }
  /// Cotangents of the noise: the base's scores times the samples' weights.
  static void weigh_scores(const tile<T>& t, const T* weights, T* g) {
    for (int d = 0; d < size; ++d)
      for (int s = 0; s < t.lanes; s += pack::size) {
        const pack x = pack::load(t.x + d * lanes + s);
        (pack::load(weights + s) * base_type::score(x)).store(g + d * lanes + s);
      }
  }
  /// Sees to it that the samples of a tile can be summed. Those that count for nothing (weight 0,
  /// log p = -inf), and all far ones where a trial shows that the type cannot hold their gradients,
  /// must not even meet their neighbours with weight 0: infinity times 0 is NaN. Their lanes go
  /// through the chain once more with another sample, and `outside` says not to count them.
  /// \return whether a sample is left
  [[gnu::cold, gnu::noinline]] bool leave_out(const samples& y, const walk& w, const T* weight,
                                              workspace<T>& ws, const taped_rows& rows) const {
    const tile<T>& t = w.t;
    T* const outside = rows.g_log_det;
    T* const log_prob = log_prob_row(ws);
    enum class part : unsigned char { none, near, far, nan };
    std::array<part, static_cast<std::size_t>(lanes)> parts{};
    for (int i = 0; i < w.n; ++i) {
      T& p = log_prob[i];
      if (this->is_nan(p) && !this->brought_nan(y, w.sample(i), t, i)) p = too_small;
      detail::at(parts, i) = weight[i] == T(0) || p == too_small ? part::none
                             : this->is_nan(p)                   ? part::nan
                             : p < far_out                       ? part::far
                                                                 : part::near;
    }
    const auto lane_of = [&](part wanted) {
      return static_cast<int>(std::ranges::find(parts, wanted) - parts.begin());
    };
    const auto has = [&](part wanted) { return lane_of(wanted) < w.n; };
    const auto again = [&] { // with a lane that counts in place of those that do not
      y.template load<lanes>(w.first, w.n, size, t.x, this->program_.position().data());
      guard_.tile(t.x, t.scratch, t.lanes);
      const int good = lane_of(has(part::near) ? part::near : part::far);
      const auto copy = [&](T* block, int count, int lane) {
        for (int row = 0; row < count; ++row) block[row * lanes + lane] = block[row * lanes + good];
      };
      for (int i = 0; i < t.lanes; ++i)
        if (detail::at(parts, i) == part::none && good < w.n) {
          copy(t.x, size, i);
          if (super::conditional) copy(ws.memory.data() + plan::context * lanes, context_size, i);
        }
      std::fill_n(t.log_det, lanes, T(0));
      this->program_.inverse(t, rows.tape);
    };
    again();
    if (has(part::far) && !has(part::nan)) {
      aligned_vector<T> trial(this->parameters_.size(), T(0));
      const cotangent_tile<T> c = rows.of(t, trial.data());
      for (int i = 0; i < t.lanes; ++i)
        outside[i] = detail::at(parts, i) == part::none ? T(0) : weight[i];
      weigh_scores(t, outside, c.g);
      this->program_.inverse_adjoint(c, rows.tape);
      const auto finite = [](T v) { return std::isfinite(v); };
      bool fits = std::ranges::all_of(trial, finite);
      for (int row = 0; row < size; ++row)
        fits = fits && std::all_of(c.g + row * lanes, c.g + row * lanes + t.lanes, finite);
      if (!fits) std::ranges::replace(parts, part::far, part::none);
      again(); // the adjoint has used the tape up
    }
    for (int i = 0; i < t.lanes; ++i)
      outside[i] = detail::at(parts, i) == part::none ? too_small : T(0);
    return has(part::near) || has(part::far) || has(part::nan);
  }

  detail::support_guard<T, E> guard_{this->program_};
};

} // namespace bijou::inline BIJOU_ISA
