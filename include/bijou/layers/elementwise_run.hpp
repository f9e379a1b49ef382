#pragma once
/// \file
/// Neighbouring elementwise words as one layer: a row is loaded once, mapped by all, stored once.
///
/// Permutations between them cost nothing: each op has a table that says which of its variables
/// lies in a row of the tile, or that it leaves the row alone.

#include <bijou/layers/index_table.hpp>
#include <bijou/layers/layer.hpp>
#include <bijou/layers/named_tensors.hpp>
#include <bijou/transformers/inverse_transformer.hpp>
#include <bijou/transformers/transformer.hpp>

#include <boost/hana/at.hpp>
#include <boost/hana/basic_tuple.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <limits>
#include <string>
#include <tuple>
#include <utility>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// One elementwise word in a run: its map, and where its variables lie.
template <class T, int D, class Op> struct op_site {
  static constexpr int constant_count = constants_of<Op>();
  static constexpr int row_stride = round_up(D, 16); // of a parameter's row in theta
  static constexpr int parameter_count = Op::parameters * row_stride;

  [[no_unique_address]] Op op{};
  index_table<D> variable{}; // row -> variable of this word, or -1: untouched
  int offset = 0;            // of its parameters, from the run's
  int word = 0;              // its number in the expression, for names
  std::array<T, static_cast<std::size_t>(std::max(1, constant_count* D))> constants{};

  bool applies(int row) const { return variable[static_cast<std::size_t>(row)] >= 0; }
  /// theta of the variable in this row: constants of the word, or free parameters.
  auto theta(const T* run, int row) const {
    const int v = variable[static_cast<std::size_t>(row)];
    if constexpr (constant_count > 0)
      return theta_broadcast<T>{constants.data() + v, D};
    else
      return theta_broadcast<T>{run + place(0, v), row_stride};
  }
  /// Of free parameter j of a variable, from the run's.
  int place(int j, int v) const { return offset + j * row_stride + v; }
};

} // namespace detail

/// A run of elementwise ops. Tape: the rows it was given. Cost: one pass over the rows.
template <class T, int L, int D, class... Ops> class elementwise_run {
 public:
  using value_type = T;
  using pack = simd::pack<T>;
  static constexpr int count = sizeof...(Ops);
  static constexpr int most_parameters = std::max({0, Ops::parameters...});
  static constexpr int scratch_rows = std::max(1, most_parameters);
  static constexpr int tape_rows = D;
  static constexpr int folded_size = 0;
  static constexpr bool sums_forward = false, sums_inverse = false, saturates = false;
  static constexpr T end = std::numeric_limits<T>::max();

  /// Adds what op number I is and where its variables lie.
  template <int I, class Op>
  void set_op(const Op& op, int word, const detail::index_table<D>& variable) {
    auto& site = at<I>();
    site.op = op;
    site.word = word;
    site.variable = variable;
    int offset = 0;
    for_each_op([&](auto& s) {
      s.offset = offset;
      offset += s.parameter_count;
    });
    if constexpr (requires { op.fill_constants(site.constants.data(), D); })
      op.fill_constants(site.constants.data(), D);
  }

  // --- evaluation

  void forward(const tile<T>& t) const { map_rows<direction::forward>(t); }
  void inverse(const tile<T>& t) const { map_rows<direction::inverse>(t); }
  void forward(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    forward(t);
  }
  void inverse(const tile<T>& t, T* tape) const {
    std::copy_n(t.x, D * L, tape);
    inverse(t);
  }
  void forward_first(const tile<T>& t, int k) const {
    for (int row = 0; row < k; ++row) map_row<direction::forward>(t, row);
  }
  void inverse_first(const tile<T>& t, int k) const {
    for (int row = 0; row < k; ++row) map_row<direction::inverse>(t, row);
  }
  void forward(const event_tile<T>& e) const { map_event<direction::forward>(e); }
  void inverse(const event_tile<T>& e) const { map_event<direction::inverse>(e); }

  // --- one op alone, for those who look at what lies between the words of a run

  template <int I>
  using op_type = std::tuple_element_t<static_cast<std::size_t>(I), std::tuple<Ops...>>;
  /// Maps the rows of op I from data to noise. The log-determinant is left alone.
  template <int I> void inverse_op(const tile<T>& t) const {
    const auto& s = at<I>();
    for (int row = 0; row < D; ++row) {
      if (!s.applies(row)) continue;
      const auto theta = s.theta(t.theta + offset_, row);
      for (int i = 0; i < t.lanes; i += pack::size) {
        T* const x = t.x + row * L + i;
        s.op.inverse(pack::load(x), theta).value.store(x);
      }
    }
  }
  /// Calls f(row, place, stride) for each variable of op I: its parameter j lies at
  /// place + j * stride of the flow's vector.
  template <int I, class F> void each_variable(F&& f) const {
    const auto& s = at<I>();
    for (int row = 0; row < D; ++row)
      if (s.applies(row))
        f(row, static_cast<int>(offset_) + s.place(0, s.variable[static_cast<std::size_t>(row)]),
          s.row_stride);
  }

  // --- adjoints

  void forward_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    pull_back<direction::forward>(t, tape);
  }
  void inverse_adjoint(const cotangent_tile<T>& t, const T* tape) const {
    pull_back<direction::inverse>(t, tape);
  }

  // --- parameters

  int parameter_count() const { return (0 + ... + detail::op_site<T, D, Ops>::parameter_count); }
  int structural_count() const {
    int n = 0;
    for_each_parameter([&](int) { ++n; });
    return n;
  }
  std::size_t offset() const { return offset_; }
  std::size_t placed_count() const { return static_cast<std::size_t>(parameter_count()); }
  void set_offset(std::size_t offset, std::size_t) { offset_ = offset; }
  void clear_corners(T* parameters) const {
    std::array<bool, static_cast<std::size_t>(
                         std::max(1, (0 + ... + detail::op_site<T, D, Ops>::parameter_count)))>
        owned{};
    for_each_parameter([&](int i) { owned[static_cast<std::size_t>(i)] = true; });
    for (std::size_t i = 0; i < static_cast<std::size_t>(parameter_count()); ++i)
      if (!owned[i]) parameters[offset_ + i] = T(0);
  }
  template <class Random> void initialise(T* parameters, Random&&) const {
    for_each_op([&](const auto& s) {
      for_each_variable(s, [&](int v) {
        if constexpr (requires(T* p) { s.op.identity(p, 1); })
          s.op.identity(parameters + offset_ + s.place(0, v), s.row_stride);
      });
    });
  }
  void fold_context(const T*, const T*, T*) const {}

  /// Names: layers.I.theta of shape (parameters, D) for the free parameters of word I.
  void save(const T* parameters, const std::string&, tensor_set<T>& set) const {
    const T* const theta = parameters + offset_;
    for_each_op([&](const auto& s) {
      constexpr int p = std::remove_cvref_t<decltype(s.op)>::parameters;
      if constexpr (p > 0) {
        std::vector<T> values(static_cast<std::size_t>(p * D), T(0));
        T* const rows = values.data();
        for_each_variable(s, [&](int v) {
          for (int j = 0; j < p; ++j) rows[j * D + v] = theta[s.place(j, v)];
        });
        set.add(name_of(s), {static_cast<std::size_t>(p), static_cast<std::size_t>(D)}, values);
      }
    });
  }
  void load_structure(const std::string&, const tensor_set<T>&) const {}
  void load(const std::string&, const tensor_set<T>& set, T* parameters) const {
    T* const theta = parameters + offset_;
    for_each_op([&](const auto& s) {
      constexpr int p = std::remove_cvref_t<decltype(s.op)>::parameters;
      if constexpr (p > 0) {
        const auto& values =
            set.at(name_of(s), {static_cast<std::size_t>(p), static_cast<std::size_t>(D)});
        const T* const rows = values.data();
        for_each_variable(s, [&](int v) {
          for (int j = 0; j < p; ++j) theta[s.place(j, v)] = rows[j * D + v];
        });
      }
    });
  }

 private:
  using direction = detail::direction;

  template <int I> auto& at() { return boost::hana::at_c<I>(sites_); }
  template <int I> const auto& at() const { return boost::hana::at_c<I>(sites_); }
  template <class F> void for_each_op(F&& f) {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (f(at<I>()), ...);
    }(std::make_integer_sequence<int, count>{});
  }
  template <class F> void for_each_op(F&& f) const {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (f(at<I>()), ...);
    }(std::make_integer_sequence<int, count>{});
  }
  /// The ops in the order in which a sample meets them.
  template <direction Way, class F> void for_each_op_along(F&& f) const {
    [&]<int... I>(std::integer_sequence<int, I...>) {
      (f(std::integral_constant < int, Way == direction::forward ? I : count - 1 - I > {}), ...);
    }(std::make_integer_sequence<int, count>{});
  }
  template <class Site, class F> static void for_each_variable(const Site& s, F&& f) {
    for (int row = 0; row < D; ++row)
      if (s.applies(row)) f(s.variable[static_cast<std::size_t>(row)]);
  }
  template <class F> void for_each_parameter(F&& f) const {
    for_each_op([&](const auto& s) {
      for_each_variable(s, [&](int v) {
        for (int j = 0; j < std::remove_cvref_t<decltype(s.op)>::parameters; ++j) f(s.place(j, v));
      });
    });
  }
  template <class Site> static std::string name_of(const Site& s) {
    return "layers." + std::to_string(s.word) + ".theta";
  }

  /// One value of a row through all ops; the log slopes summed in the order of the ops.
  template <direction Way>
  BIJOU_INLINE mapped<pack> map_value(const T* theta, int row, pack v) const {
    pack sum(T(0));
    for_each_op_along<Way>([&](auto i) {
      const auto& s = at<i.value>();
      if (!s.applies(row)) return;
      using Op = std::remove_cvref_t<decltype(s.op)>;
      const auto th = s.theta(theta, row);
      const mapped<pack> m = detail::run_transformer<Way>(s.op, v, th);
      const pack slope = inverse_transformer<Op>::log_slope_of(m);
      v = m.value;
      sum = Way == direction::forward ? sum + slope : sum - slope;
    });
    return {v, sum};
  }
  template <direction Way> void map_rows(const tile<T>& t) const {
    for (int row = 0; row < D; ++row) map_row<Way>(t, row);
  }
  template <direction Way> BIJOU_INLINE void map_row(const tile<T>& t, int row) const {
    const T* theta = t.theta + offset_;
    if (untouched(row)) return;
    for (int s = 0; s < t.lanes; s += pack::size) {
      const mapped<pack> m = map_value<Way>(theta, row, pack::load(t.x + row * L + s));
      m.value.store(t.x + row * L + s);
      (pack::load(t.log_det + s) + m.log_slope).store(t.log_det + s);
    }
  }
  template <direction Way> void map_event(const event_tile<T>& e) const {
    const T* theta = e.theta + offset_;
    pack sum(*e.log_det);
    for (int row = 0; row < D; ++row) {
      if (untouched(row)) continue;
      const mapped<pack> m = map_value<Way>(theta, row, pack(e.x[row]));
      e.x[row] = m.value[0];
      sum += m.log_slope;
    }
    *e.log_det = sum[0];
  }
  bool untouched(int row) const {
    bool none = true;
    for_each_op([&](const auto& s) { none = none && !s.applies(row); });
    return none;
  }

  template <direction Way> void pull_back(const cotangent_tile<T>& t, const T* tape) const {
    for (int row = 0; row < D; ++row)
      if (!untouched(row)) pull_back_row<Way>(t, tape + row * L, row);
  }
  /// Maps the row again, keeping the value before each op, then walks the ops back.
  template <direction Way>
  void pull_back_row(const cotangent_tile<T>& t, const T* tape, int row) const {
    const T* theta = t.theta + offset_;
    std::array<pack, static_cast<std::size_t>((0 + ... + Ops::parameters) + 1)> sums{};
    for (pack& p : sums) p = pack(T(0));
    for (int s = 0; s < t.lanes; s += pack::size) {
      std::array<pack, static_cast<std::size_t>(count) + 1> x; // x[i]: noise side of op i
      constexpr std::size_t start = Way == direction::forward ? 0 : count;
      x[start] = pack::load(tape + s);
      for_each_op_along<Way>([&](auto i) {
        const auto& site = at<i.value>();
        constexpr auto k = static_cast<std::size_t>(i.value);
        const auto th = site.theta(theta, row);
        const bool on = site.applies(row);
        if constexpr (Way == direction::forward)
          x[k + 1] = on ? site.op.forward(x[k], th).value : x[k];
        else
          x[k] = on ? site.op.inverse(x[k + 1], th).value : x[k + 1];
      });
      pack g = pack::load(t.g + row * L + s);
      const pack gl = pack::load(t.log_det + s);
      for_each_op_along<detail::opposite(Way)>([&](auto i) {
        const auto& site = at<i.value>();
        if (!site.applies(row)) return;
        const pack v = x[static_cast<std::size_t>(i.value)];
        const auto th = site.theta(theta, row);
        const sum_sink sink{sums.data() + first_sum<i.value>()};
        if constexpr (Way == direction::forward)
          g = site.op.pull_back(v, th, g, gl, sink);
        else
          g = detail::pull_back_inverse(site.op, v, x[static_cast<std::size_t>(i.value) + 1], th, g,
                                        gl, sink);
      });
      g.store(t.g + row * L + s);
    }
    add_sums(t.gradient + offset_, row, sums);
  }
  /// Cotangents of shared parameters add up over strips, then over the lanes of a pack.
  struct sum_sink {
    pack* sums;
    BIJOU_INLINE void set(int j, pack g) const { sums[j] += g; }
  };
  template <int I> static constexpr std::size_t first_sum() {
    constexpr std::array<std::size_t, static_cast<std::size_t>(count)> p{Ops::parameters...};
    std::size_t n = 0;
    for (std::size_t i = 0; i < static_cast<std::size_t>(I); ++i) n += p[i];
    return n;
  }
  template <class Sums> void add_sums(T* gradient, int row, const Sums& sums) const {
    for_each_op_along<direction::forward>([&](auto i) {
      const auto& site = at<i.value>();
      if (!site.applies(row)) return;
      const int v = site.variable[static_cast<std::size_t>(row)];
      constexpr std::size_t first = first_sum<i.value>();
      for (int j = 0; j < std::remove_cvref_t<decltype(site.op)>::parameters; ++j)
        gradient[site.place(j, v)] +=
            detail::sum_of_lanes(sums[first + static_cast<std::size_t>(j)]);
    });
  }

  boost::hana::basic_tuple<detail::op_site<T, D, Ops>...> sites_{};
  std::size_t offset_ = 0;
};

} // namespace bijou::inline BIJOU_ISA
