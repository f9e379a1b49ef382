#pragma once
/// \file
/// The loops over the tiles of a batch behind every call of a flow: load a tile, walk the chain,
/// score, store. They know no expression: the chain and its base come as functions of one tile, so
/// that a program compiles these loops once for a scalar type and a number of lanes, whatever its
/// flows, and bijou::compiled has them.

#include <bijou/flow/context_standardisation.hpp>
#include <bijou/flow/support_bounds.hpp>
#include <bijou/flow/workspace.hpp>
#include <bijou/interop/batch.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/kernels/direction.hpp>
#include <bijou/kernels/function_ref.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/kernels/tile.hpp>
#include <bijou/layers/layer.hpp>
#include <bijou/random/philox.hpp>

#include <algorithm>
#include <array>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <span>

namespace bijou::inline BIJOU_ISA {

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

namespace detail {

/// A tile of samples as a density of them sees it, with the rows that it writes: a value of each
/// sample, and its derivatives. Variable d lies in row position[d]; rows are `lanes` apart.
template <class T> struct valued_tile {
  std::size_t first;
  int n;
  int lanes;
  const T* x;
  const int* position;
  T* value;
  T* g;
};

// --- a flow as its loops see it

/// Sizes and places of a flow, and the values that all its calls share.
template <class T> struct flow_frame {
  int size;         ///< D
  int context_size; ///< C
  std::span<const T> parameters;
  const int* noise_position;   ///< variable -> row at the noise end
  const int* data_position;    ///< variable -> row at the data end
  const int* context_position; ///< 0, 1, ... C - 1
  workspace_rows rows;
  context_units<T> units;    ///< taken out of every context
  support_bounds<T> support; ///< of the samples; of a bijector there are none
};

/// One tile through the chain.
template <class T> using chain_function = function_ref<void(const tile<T>&)>;
/// A chain in one direction, to be differentiated: a tile with a tape, and its cotangents back.
template <class T> class differentiable_chain {
 public:
  /// Of a program, which must live as long.
  template <direction Way, class Program> static differentiable_chain of(const Program& program) {
    constexpr bool ahead = Way == direction::forward;
    differentiable_chain c;
    c.program_ = &program;
    c.run_ = [](const void* p, const tile<T>& t, T* tape) {
      const auto& chain = *static_cast<const Program*>(p);
      if constexpr (ahead)
        chain.forward(t, tape);
      else
        chain.inverse(t, tape);
    };
    c.adjoint_ = [](const void* p, const cotangent_tile<T>& t, T* tape) {
      const auto& chain = *static_cast<const Program*>(p);
      if constexpr (ahead)
        chain.forward_adjoint(t, tape);
      else
        chain.inverse_adjoint(t, tape);
    };
    return c;
  }

  void run(const tile<T>& t, T* tape) const { run_(program_, t, tape); }
  void adjoint(const cotangent_tile<T>& c, T* tape) const { adjoint_(program_, c, tape); }

 private:
  const void* program_ = nullptr;
  void (*run_)(const void*, const tile<T>&, T*) = nullptr;
  void (*adjoint_)(const void*, const cotangent_tile<T>&, T*) = nullptr;
};

/// What is done with a base of D variables on rows of L lanes: by the type of the base alone.
template <class Base, class T, int L> struct base_rows {
  using pack = simd::pack<T>;
  static void log_prob(const Base& base, const T* x, int lanes, T* row) {
    for (int s = 0; s < lanes; s += pack::size) base.template log_prob<T>(x + s, L).store(row + s);
  }
  static void weigh_scores(const Base& base, const T* x, int lanes, const T* w, T* g) {
    for (int d = 0; d < Base::at.size; ++d)
      for (int s = 0; s < lanes; s += pack::size)
        (pack::load(w + s) * base.score(pack::load(x + d * L + s), d)).store(g + d * L + s);
  }
  static void add_scores(const Base& base, const T* x, int lanes, const T* w, T* g) {
    for (int d = 0; d < Base::at.size; ++d)
      for (int s = 0; s < lanes; s += pack::size)
        fma(pack::load(w + s), base.score(pack::load(x + d * L + s), d), pack::load(g + d * L + s))
            .store(g + d * L + s);
  }
};
/// A base, with its options, as loops over tiles see it. Refers to the base, which must live as
/// long.
template <class T> class base_functions {
 public:
  /// Of a base, on rows of L lanes.
  template <int L, class Base> static base_functions of(const Base& base) {
    using rows = base_rows<Base, T, L>;
    base_functions f;
    f.base_ = &base;
    f.log_prob_ = [](const void* b, const T* x, int lanes, T* row) {
      rows::log_prob(*static_cast<const Base*>(b), x, lanes, row);
    };
    f.weigh_scores_ = [](const void* b, const T* x, int lanes, const T* w, T* g) {
      rows::weigh_scores(*static_cast<const Base*>(b), x, lanes, w, g);
    };
    f.add_scores_ = [](const void* b, const T* x, int lanes, const T* w, T* g) {
      rows::add_scores(*static_cast<const Base*>(b), x, lanes, w, g);
    };
    f.fill_ = [](const void* b, const philox& stream, std::uint64_t first, T* x, int n) {
      static_cast<const Base*>(b)->fill(stream, first, x, L, n);
    };
    return f;
  }

  /// log p of each lane of D rows.
  void log_prob(const T* x, int lanes, T* row) const { log_prob_(base_, x, lanes, row); }
  /// g = w * score(x), row by row.
  void weigh_scores(const T* x, int lanes, const T* w, T* g) const {
    weigh_scores_(base_, x, lanes, w, g);
  }
  /// g += w * score(x), row by row.
  void add_scores(const T* x, int lanes, const T* w, T* g) const {
    add_scores_(base_, x, lanes, w, g);
  }
  /// Noise of n samples from number `first` of a stream.
  void fill(const philox& stream, std::uint64_t first, T* x, int n) const {
    fill_(base_, stream, first, x, n);
  }

 private:
  const void* base_ = nullptr;
  void (*log_prob_)(const void*, const T*, int, T*) = nullptr;
  void (*weigh_scores_)(const void*, const T*, int, const T*, T*) = nullptr;
  void (*add_scores_)(const void*, const T*, int, const T*, T*) = nullptr;
  void (*fill_)(const void*, const philox&, std::uint64_t, T*, int) = nullptr;
};

/// Noise that is made into samples: numbers start, start + 1, ... of a stream, or given.
template <class T> struct noise_source {
  std::size_t count;
  const philox* stream = nullptr;
  std::uint64_t start = 0;
  const sample_source<T>* given = nullptr;

  noise_source(const philox& numbers, std::size_t n)
      : count(n), stream(&numbers), start(numbers.position()) {}
  noise_source(const sample_source<T>& noise) // NOLINT(google-explicit-constructor): it is one
      : count(noise.count()), given(&noise) {}
};

// --- what is not a number

// A NaN that nobody brought: the chain left the type's range (kernels/saturation.hpp).

template <class T> bool is_nan(T v) { return v != v; }
/// Whether a row has a NaN.
template <class T> bool any_nan(const T* row, int n) {
  using pack = simd::pack<T>;
  auto found = isnan(pack::load(row));
  for (int s = pack::size; s < n; s += pack::size) found = found | isnan(pack::load(row + s));
  return any(found);
}
/// Whether one of `count` values that lie `stride` apart is NaN.
template <class T> bool any_nan(const T* values, int count, int stride) {
  for (int k = 0; k < count; ++k)
    if (is_nan(values[k * stride])) return true;
  return false;
}
/// The values of a sample of which only the log-det says that it was saturated: the limits.
template <class T> void set_limits(T* x, int size, int stride) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  for (int row = 0; row < size; ++row) {
    T& value = x[row * stride];
    if (is_nan(value) || value >= saturation<T>) value = inf;
    if (value <= -saturation<T>) value = -inf;
  }
}
/// log p of a density below the type's range.
template <class T> inline constexpr T too_small = -std::numeric_limits<T>::infinity();
/// log p below which a sample's gradient has to be looked at: it may overflow.
template <class T>
inline constexpr T far_out = sizeof(T) == 4 ? T(-0x1p40) : static_cast<T>(-0x1p400);

/// log q of a sample. Infinite noise has density 0, whatever the map makes of its neighbourhood.
template <class P> BIJOU_INLINE P log_prob_of_sample(P base, P log_det) {
  using T = typename P::value_type;
  const auto lost = (base == P(too_small<T>)) & !isnan(log_det);
  return select(lost, P(too_small<T>), base - log_det);
}

/// log p of a point; `outside` is 0, or -inf for one outside the support.
template <class P> BIJOU_INLINE P log_prob_of_point(P base, P log_det, P outside) {
  return (base + log_det) + outside;
}

// --- tiles

/// The tiles of a batch, one after the other, each with its contexts and a log-det of 0:
///
///     for (tile_walk<T, L> w(flow, memory, context, count); w.next();) ...
template <class T, int L> class tile_walk {
 public:
  std::size_t first = 0; ///< number of the tile's first sample
  int n = 0;             ///< samples in it
  tile<T> t;

  tile_walk(const flow_frame<T>& f, T* memory, const context_source<T>& context, std::size_t count)
      : t{f.parameters.data(),
          nullptr,
          nullptr,
          memory + f.rows.x * L,
          memory + f.rows.log_det * L,
          memory + f.rows.scratch * L,
          0},
        f_(f), contexts_(context), count_(count), context_rows_(memory + f.rows.context * L) {
    if (f.context_size == 0) return;
    t.context = context_rows_;
    t.folded = context.folded;
    if (context.values)
      for (int k = 0; k < f.context_size; ++k)
        std::fill_n(context_rows_ + k * L, L, context.values[k]);
  }
  /// Whether there was one more.
  bool next() {
    first += static_cast<std::size_t>(n);
    if (first >= count_) return false;
    n = static_cast<int>(std::min<std::size_t>(L, count_ - first));
    t.lanes = lanes_for<T>(n);
    load_contexts();
    std::fill_n(t.log_det, L, T(0));
    return true;
  }
  /// Number of the sample in a lane.
  std::size_t sample(int lane) const { return first + static_cast<std::size_t>(lane); }
  /// Whether a lane's sample came with a NaN among its first variables, or its context did.
  bool brought_nan(const sample_source<T>& from, int lane, int variables) const {
    from.load(sample(lane), variables, t.scratch, f_.noise_position);
    return any_nan(t.scratch, variables, 1) || context_has_nan(lane);
  }
  bool context_has_nan(int lane) const { return any_nan(context_rows_ + lane, f_.context_size, L); }

 private:
  /// The contexts of a tile's own samples, as networks see them.
  void load_contexts() {
    if (f_.context_size == 0 || contexts_.values) return;
    contexts_.rows.template load<L>(first, n, f_.context_size, context_rows_, f_.context_position);
    f_.units.template apply<L>(context_rows_, t.lanes);
    T* const no_mark = t.scratch; // a sample is not lost because its context is far
    std::fill_n(no_mark, L, T(0));
    saturate_tile<L>(context_rows_, f_.context_size, no_mark, t.lanes, saturation<T>);
  }

  const flow_frame<T>& f_;
  const context_source<T>& contexts_;
  std::size_t count_;
  T* context_rows_;
};

// --- the loops

/// y = f(x) or x = f^-1(y) of all samples of a source.
template <class T, int L>
void map_tiles(const flow_frame<T>& f, direction way, const sample_source<T>& from,
               const sample_sink<T>& to, value_sink<T> log_det, T* memory,
               const context_source<T>& context, chain_function<T> chain) {
  constexpr T inf = std::numeric_limits<T>::infinity();
  const bool ahead = way == direction::forward;
  const int* const in = ahead ? f.noise_position : f.data_position;
  const int* const out = ahead ? f.data_position : f.noise_position;
  for (tile_walk<T, L> w(f, memory, context, from.count()); w.next();) {
    const tile<T>& t = w.t;
    from.template load<L>(w.first, w.n, f.size, t.x, in);
    chain(t);
    if (any_nan(t.log_det, t.lanes)) [[unlikely]]
      for (int i = 0; i < w.n; ++i)
        if (is_nan(t.log_det[i]) && !w.brought_nan(from, i, f.size)) {
          t.log_det[i] = ahead ? inf : -inf;
          set_limits(t.x + i, f.size, L);
        }
    to.template store<L>(w.first, w.n, f.size, t.x, out);
    if (log_det) log_det.set(w.first, w.n, t.log_det);
  }
}

/// log p of the first `variables` of the samples of a source; `base` is the base of as many.
template <class T, int L>
void score_tiles(const flow_frame<T>& f, int variables, const base_functions<T>& base,
                 const sample_source<T>& y, value_sink<T> log_prob, T* memory,
                 const context_source<T>& context, chain_function<T> inverse) {
  using pack = simd::pack<T>;
  T* const row = memory + f.rows.log_prob * L;
  for (tile_walk<T, L> w(f, memory, context, y.count()); w.next();) {
    const tile<T>& t = w.t;
    y.template load<L>(w.first, w.n, variables, t.x, f.data_position);
    guard_rows<L>(f.support, t.x, row, t.lanes, variables);
    inverse(t);
    T* const base_row = t.scratch;
    base.log_prob(t.x, t.lanes, base_row);
    for (int s = 0; s < t.lanes; s += pack::size)
      log_prob_of_point(pack::load(base_row + s), pack::load(t.log_det + s), pack::load(row + s))
          .store(row + s);
    if (any_nan(row, t.lanes)) [[unlikely]]
      for (int i = 0; i < w.n; ++i)
        if (is_nan(row[i]) && !w.brought_nan(y, i, variables)) row[i] = too_small<T>;
    log_prob.set(w.first, w.n, row);
  }
}

/// The base's log p of a tile's noise, in `row`, becomes that of the samples it was made into.
template <class T, int L> void subtract_log_det(T* row, const tile_walk<T, L>& w) {
  using pack = simd::pack<T>;
  const tile<T>& t = w.t;
  // A sample that was saturated on its way from the noise is where its density is too small.
  if (any_nan(t.log_det, t.lanes)) [[unlikely]]
    for (int i = 0; i < t.lanes; ++i)
      if (is_nan(t.log_det[i]) && !is_nan(row[i]) && !w.context_has_nan(i))
        t.log_det[i] = std::numeric_limits<T>::infinity();
  for (int s = 0; s < t.lanes; s += pack::size)
    log_prob_of_sample(pack::load(row + s), pack::load(t.log_det + s)).store(row + s);
}

/// The noise of a tile.
template <class T, int L>
void load_noise(const flow_frame<T>& f, const base_functions<T>& base, const noise_source<T>& noise,
                const tile_walk<T, L>& w) {
  if (noise.stream)
    base.fill(*noise.stream, noise.start + w.first, w.t.x, lanes_for<T>(w.n));
  else
    noise.given->template load<L>(w.first, w.n, f.size, w.t.x, f.noise_position);
}

/// Samples of noise, with log p where it is wanted.
template <class T, int L>
void sample_tiles(const flow_frame<T>& f, const base_functions<T>& base,
                  const noise_source<T>& noise, const sample_sink<T>& y, value_sink<T> log_prob,
                  T* memory, const context_source<T>& context, chain_function<T> forward) {
  T* const row = memory + f.rows.log_prob * L;
  for (tile_walk<T, L> w(f, memory, context, noise.count); w.next();) {
    const tile<T>& t = w.t;
    load_noise(f, base, noise, w);
    if (log_prob) base.log_prob(t.x, t.lanes, row);
    forward(t);
    y.template store<L>(w.first, w.n, f.size, t.x, f.data_position);
    if (!log_prob) continue;
    subtract_log_det(row, w);
    log_prob.set(w.first, w.n, row);
  }
}

// --- gradients

/// Where a workspace for gradients has its cotangents and the tape.
template <class T, int L> struct taped_rows {
  T *g, *g_log_det, *g_context, *tape, *noise;

  taped_rows(const flow_frame<T>& f, T* memory)
      : g(memory + f.rows.g * L), g_log_det(memory + f.rows.g_log_det * L),
        g_context(memory + f.rows.g_context * L), tape(memory + f.rows.tape * L),
        noise(tape + f.rows.tape_noise * L) {}
  /// The cotangents of a tile, whose parameters' go to `gradient`.
  cotangent_tile<T> of(const tile<T>& t, T* gradient) const {
    return {t.theta, t.context, g, g_log_det, nullptr, gradient, t.scratch, t.lanes};
  }
  /// The same with those of the contexts, from 0 on, if somebody wants them.
  cotangent_tile<T> of(const flow_frame<T>& f, const tile<T>& t, T* gradient,
                       const sample_sink<T>& wants_g_context) const {
    cotangent_tile<T> c = of(t, gradient);
    if (!wants_g_context) return c;
    std::fill_n(g_context, f.context_size * L, T(0));
    c.g_context = g_context;
    return c;
  }
  /// The cotangents of n contexts as they were given, from sample `first` on.
  void store_g_context(const flow_frame<T>& f, std::size_t first, int n, int tile_lanes,
                       const sample_sink<T>& to) const {
    if (!to) return;
    f.units.template pull_back<L>(g_context, tile_lanes);
    to.template store<L>(first, n, f.context_size, g_context, f.context_position);
  }
  void clear_lane(int size, int lane) const {
    g_log_det[lane] = T(0);
    for (int d = 0; d < size; ++d) g[d * L + lane] = T(0);
  }
};

/// Sees to it that the samples of a tile can be summed. Those that count for nothing (weight 0,
/// log p = -inf), and all far ones where a trial shows that the type cannot hold their gradients,
/// must not even meet their neighbours with weight 0: infinity times 0 is NaN. Their lanes go
/// through the chain once more with another sample, and the log-det's cotangents say not to count
/// them: -inf, else 0.
/// \return whether a sample is left
template <class T, int L>
[[gnu::cold, gnu::noinline]] bool leave_out(const flow_frame<T>& f, const base_functions<T>& base,
                                            const sample_source<T>& y, const tile_walk<T, L>& w,
                                            const T* weight, T* memory,
                                            const differentiable_chain<T>& inverse) {
  const tile<T>& t = w.t;
  const taped_rows<T, L> rows(f, memory);
  T* const outside = rows.g_log_det;
  T* const log_prob = memory + f.rows.log_prob * L;
  enum class part : unsigned char { none, near, far, nan };
  std::array<part, static_cast<std::size_t>(L)> parts{};
  for (int i = 0; i < w.n; ++i) {
    T& p = log_prob[i];
    if (is_nan(p) && !w.brought_nan(y, i, f.size)) p = too_small<T>;
    at(parts, i) = weight[i] == T(0) || p == too_small<T> ? part::none
                   : is_nan(p)                            ? part::nan
                   : p < far_out<T>                       ? part::far
                                                          : part::near;
  }
  const auto lane_of = [&](part wanted) {
    return static_cast<int>(std::ranges::find(parts, wanted) - parts.begin());
  };
  const auto has = [&](part wanted) { return lane_of(wanted) < w.n; };
  const auto again = [&] { // with a lane that counts in place of those that do not
    y.template load<L>(w.first, w.n, f.size, t.x, f.data_position);
    guard_rows<L>(f.support, t.x, t.scratch, t.lanes, f.size);
    const int good = lane_of(has(part::near) ? part::near : part::far);
    const auto copy = [&](T* block, int count, int lane) {
      for (int row = 0; row < count; ++row) block[row * L + lane] = block[row * L + good];
    };
    for (int i = 0; i < t.lanes; ++i)
      if (at(parts, i) == part::none && good < w.n) {
        copy(t.x, f.size, i);
        copy(memory + f.rows.context * L, f.context_size, i);
      }
    std::fill_n(t.log_det, L, T(0));
    inverse.run(t, rows.tape);
  };
  again();
  if (has(part::far) && !has(part::nan)) {
    aligned_vector<T> trial(f.parameters.size(), T(0));
    const cotangent_tile<T> c = rows.of(t, trial.data());
    for (int i = 0; i < t.lanes; ++i) outside[i] = at(parts, i) == part::none ? T(0) : weight[i];
    base.weigh_scores(t.x, t.lanes, outside, c.g);
    inverse.adjoint(c, rows.tape);
    const auto finite = [](T v) { return std::isfinite(v); };
    bool fits = std::ranges::all_of(trial, finite);
    for (int row = 0; row < f.size; ++row)
      fits = fits && std::all_of(c.g + row * L, c.g + row * L + t.lanes, finite);
    if (!fits) std::ranges::replace(parts, part::far, part::none);
    again(); // the adjoint has used the tape up
  }
  for (int i = 0; i < t.lanes; ++i) outside[i] = at(parts, i) == part::none ? too_small<T> : T(0);
  return has(part::near) || has(part::far) || has(part::nan);
}

/// The gradient of sum_i w_i log p(y_i): flow::add_log_prob_gradient says what goes where.
template <class T, int L>
double add_score_gradient(const flow_frame<T>& f, const base_functions<T>& base,
                          const sample_source<T>& y, const T* weights, double scale, T* log_prob,
                          T* gradient, const sample_sink<T>& g_y, const sample_sink<T>& g_context,
                          T* memory, const context_source<T>& context,
                          const differentiable_chain<T>& inverse) {
  using pack = simd::pack<T>;
  const taped_rows<T, L> rows(f, memory);
  T* const result = memory + f.rows.log_prob * L;
  T* const g_log_det = rows.g_log_det;
  double total = 0;
  for (tile_walk<T, L> w(f, memory, context, y.count()); w.next();) {
    const tile<T>& t = w.t;
    const cotangent_tile<T> c = rows.of(f, t, gradient, g_context);
    y.template load<L>(w.first, w.n, f.size, t.x, f.data_position);
    guard_rows<L>(f.support, t.x, result, t.lanes, f.size);
    inverse.run(t, rows.tape);
    base.log_prob(t.x, t.lanes, g_log_det);
    auto far = pack(T(0)) < pack(T(0));
    for (int s = 0; s < t.lanes; s += pack::size) {
      const pack outside = pack::load(result + s);
      const pack inside =
          log_prob_of_point(pack::load(g_log_det + s), pack::load(t.log_det + s), pack(T(0)));
      far = far | !(inside >= pack(far_out<T>));
      (inside + outside).store(result + s);
      outside.store(g_log_det + s);
    }
    const auto weight = [&](int i) {
      return weights ? scale * static_cast<double>(weights[w.sample(i)]) : scale;
    };
    bool some_count = true;
    if (any(far)) [[unlikely]] {
      std::array<T, static_cast<std::size_t>(L)> narrow;
      for (int i = 0; i < w.n; ++i) at(narrow, i) = static_cast<T>(weight(i));
      some_count = leave_out(f, base, y, w, narrow.data(), memory, inverse);
    }
    for (int i = 0; i < t.lanes; ++i) {
      const double w_i = i < w.n ? weight(i) : 0;
      const bool counts = g_log_det[i] == T(0);
      g_log_det[i] = counts ? static_cast<T>(w_i) : T(0);
      if (w_i != 0) total += w_i * static_cast<double>(result[i]);
    }
    if (log_prob) std::copy_n(result, w.n, log_prob + w.first);
    if (some_count) [[likely]] {
      base.weigh_scores(t.x, t.lanes, g_log_det, c.g);
      inverse.adjoint(c, rows.tape);
    } else {
      std::fill_n(c.g, f.size * L, T(0));
    }
    if (g_y) g_y.template store<L>(w.first, w.n, f.size, c.g, f.data_position);
    rows.store_g_context(f, w.first, w.n, t.lanes, g_context);
  }
  return total;
}

/// Takes from the gradient that of sum_i w_i log q(y_i) at fixed samples: t.x, which is
/// overwritten.
template <class T, int L>
void subtract_score(const base_functions<T>& base, const tile<T>& t, const cotangent_tile<T>& c,
                    const T* w, const taped_rows<T, L>& rows,
                    const differentiable_chain<T>& inverse) {
  using pack = simd::pack<T>;
  std::fill_n(t.log_det, L, T(0));
  inverse.run(t, rows.tape);
  for (int s = 0; s < t.lanes; s += pack::size) (-pack::load(w + s)).store(rows.g_log_det + s);
  base.weigh_scores(t.x, t.lanes, rows.g_log_det, c.g);
  inverse.adjoint(c, rows.tape);
}

/// The gradient of a function of samples: flow::add_sample_gradient says what goes where. With
/// `inverse`, the derivative of log q by the parameters at fixed samples is left out.
template <class T, int L>
void add_function_gradient(const flow_frame<T>& f, const base_functions<T>& base,
                           const noise_source<T>& noise,
                           function_ref<void(const sampled_tile<T>&)> function, T* gradient,
                           const sample_sink<T>& g_noise, const sample_sink<T>& g_context,
                           T* memory, const context_source<T>& context,
                           const differentiable_chain<T>& forward,
                           const differentiable_chain<T>* inverse) {
  const taped_rows<T, L> rows(f, memory);
  T* const log_q = memory + f.rows.log_prob * L;
  T* const g_log_det = rows.g_log_det;
  for (tile_walk<T, L> w(f, memory, context, noise.count); w.next();) {
    const tile<T>& t = w.t;
    const cotangent_tile<T> c = rows.of(f, t, gradient, g_context);
    load_noise(f, base, noise, w);
    // The noise itself is wanted again for the base's score: it waits behind the tape.
    std::copy_n(t.x, f.size * L, rows.noise);
    forward.run(t, rows.tape);
    base.log_prob(rows.noise, t.lanes, log_q);
    subtract_log_det(log_q, w);
    std::fill_n(c.g, f.size * L, T(0));
    std::fill_n(g_log_det, L, T(0));
    function({w.first, w.n, L, f.data_position, t.x, log_q, c.g, g_log_det});
    // Lanes beyond n repeat a sample and must not count, nor does one that the chain has put out
    // of the type's range. log q = base - log-det.
    for (int i = 0; i < t.lanes; ++i)
      if (i >= w.n || t.log_det[i] == std::numeric_limits<T>::infinity())
        rows.clear_lane(f.size, i);
    T* const g_log_q = log_q;
    for (int i = 0; i < t.lanes; ++i) {
      g_log_q[i] = g_log_det[i];
      g_log_det[i] = -g_log_det[i];
    }
    forward.adjoint(c, rows.tape);
    if (g_noise) {
      base.add_scores(rows.noise, t.lanes, g_log_q, c.g);
      g_noise.template store<L>(w.first, w.n, f.size, c.g, f.noise_position);
    }
    if (inverse) subtract_score(base, t, c, g_log_q, rows, *inverse);
    rows.store_g_context(f, w.first, w.n, t.lanes, g_context);
  }
}

/// A function of samples, plus the log-det, and its gradient by the noise: flow::pull_back says
/// what goes where. `unwanted` takes the gradient by the parameters.
template <class T, int L>
void pull_back_tiles(const flow_frame<T>& f, const sample_source<T>& z,
                     function_ref<void(const valued_tile<T>&)> function, const sample_sink<T>& g_z,
                     value_sink<T> value_of, T* unwanted, T* memory,
                     const context_source<T>& context, const differentiable_chain<T>& forward) {
  const taped_rows<T, L> rows(f, memory);
  T* const value = memory + f.rows.log_prob * L;
  T* const g_log_det = rows.g_log_det;
  for (tile_walk<T, L> w(f, memory, context, z.count()); w.next();) {
    const tile<T>& t = w.t;
    const cotangent_tile<T> c = rows.of(t, unwanted);
    z.template load<L>(w.first, w.n, f.size, t.x, f.noise_position);
    forward.run(t, rows.tape);
    std::fill_n(c.g, f.size * L, T(0));
    function({w.first, w.n, L, t.x, f.data_position, value, c.g});
    // Lanes beyond n repeat a sample and must not count, nor does one that is too far out.
    const bool any_far = any_nan(t.log_det, t.lanes);
    for (int i = 0; i < t.lanes; ++i) {
      g_log_det[i] = i < w.n ? T(1) : T(0);
      value[i] = i < w.n ? value[i] + t.log_det[i] : T(0);
      const bool far = any_far && i < w.n && is_nan(t.log_det[i]) && !w.brought_nan(z, i, f.size);
      if (far) value[i] = too_small<T>;
      if (i >= w.n || far) rows.clear_lane(f.size, i);
    }
    if (value_of) value_of.set(w.first, w.n, value);
    forward.adjoint(c, rows.tape);
    if (any_far) [[unlikely]]
      for (int i = 0; i < w.n; ++i)
        if (value[i] == too_small<T>) rows.clear_lane(f.size, i);
    if (g_z) g_z.template store<L>(w.first, w.n, f.size, c.g, f.noise_position);
  }
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
