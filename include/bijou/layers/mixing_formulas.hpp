#pragma once
/// \file
/// The machine of words that mix variables: formulas on tiles, single events and cotangents.
///
/// A map says what its parameters are and what it does to one sample, in the language of
/// reverse/number.hpp. It need not know whether they are the same for all samples
/// (mixing_layer.hpp) or others for each (driven_mixing_layer.hpp).
///
/// | member of a map | what |
/// |---|---|
/// | `forward(x, y, p...)` | noise to data: reads x, then says what y is (reverse/output.hpp) |
/// | `inverse(y, x, p...)` | data to noise, in the same way; optional, as all that follow |
/// | `parameters` | array of `parameter`, for all D; or `parameters<D>`, of each |
/// | `prepare(p..., then)` | what samples share: calls then(q...) once, for forward and inverse |
/// | `prepares_by_direction` | true if it is prepare(way, p..., then), way a detail::direction |
/// | `size` | the D that it is for |
/// | `channels` | what divides every D that it is for |
/// | `end<T>` | where numbers end before it sums over them, in place of linear_saturation |
/// | `inverse_by` | how the inverse is solved for, in words, for describe() |
/// | `leads` | true if no variable depends on a later one: a flow then has marginals |
/// | `kept`, or `kept<D>` | how many numbers y.kept() keeps for the reverse sweep, at most |
///
/// Parameters come as numbers, vectors and matrices; where samples share them, the vectors are
/// lists (reverse/list.hpp) in prepare. The adjoints are the same formulas with active values:
/// there is nothing to derive by hand, and nothing to get wrong.

#include <bijou/kernels/aligned.hpp>
#include <bijou/layers/index_table.hpp>
#include <bijou/layers/layer.hpp>
#include <bijou/layers/mixing_operands.hpp>
#include <bijou/reverse/output.hpp>
#include <bijou/reverse/products.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <stdexcept>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// One strip of a tile: the rows of variables and of the log-determinant. LogDet is const T where
/// the rows are cotangents, and that of the log-determinant is only read.
template <class T, int L, int D, class LogDet = T> struct strip_rows {
  using value_type = T;
  using pack = simd::pack<T>;
  static constexpr int size = D, stride = L;
  T* x;
  LogDet* log_det;
  const int* position;

  BIJOU_INLINE pack load(int d) const { return pack::load(x + std::ptrdiff_t{position[d]} * L); }
  BIJOU_INLINE void store(int d, pack v) const { v.store(x + std::ptrdiff_t{position[d]} * L); }
  BIJOU_INLINE pack load_log_det() const { return pack::load(log_det); }
  BIJOU_INLINE void store_log_det(pack v) const { v.store(log_det); }
};
template <class T, int L, int D> using cotangent_rows = strip_rows<T, L, D, const T>;
/// A strip of which only the first rows are made.
template <class T, int L, int D> struct leading_rows : strip_rows<T, L, D> {
  int count;

  BIJOU_INLINE bool has(int d) const { return this->position[d] < count; }
  BIJOU_INLINE void store(int d, simd::pack<T> v) const {
    if (has(d)) strip_rows<T, L, D>::store(d, v);
  }
};
/// A strip that knows whether a formula reads a variable after it has made it.
template <class T, int L, int D> struct watched_rows : strip_rows<T, L, D> {
  bool* made; ///< of each variable
  bool* read_late;

  BIJOU_INLINE simd::pack<T> read(int d) const {
    *read_late = *read_late || made[d];
    return this->load(d);
  }
  BIJOU_INLINE void store(int d, simd::pack<T> v) const {
    made[d] = true;
    strip_rows<T, L, D>::store(d, v);
  }
};
/// The variables of a strip, as a formula reads them.
template <class Rows>
class given_rows : public reverse_mode::indexed<given_rows<Rows>, typename Rows::value_type> {
 public:
  using value_type = typename Rows::value_type;
  static constexpr int size = Rows::size;

  BIJOU_INLINE explicit given_rows(const Rows& rows) : rows_(rows) {}
  struct view_type : reverse_mode::detail::without_cotangents<value_type> {
    Rows rows;
    BIJOU_INLINE explicit view_type(const Rows& r) : rows(r) {}
    BIJOU_INLINE simd::pack<value_type> value(int d) const {
      if constexpr (requires { rows.read(d); })
        return rows.read(d);
      else
        return rows.load(d);
    }
  };
  BIJOU_INLINE view_type view() const { return view_type(rows_); }

 private:
  Rows rows_;
};

/// A map of formulas and the rows of its variables. Tape: the rows it was given, and what it keeps.
///
/// Operands say what stands for parameters: for_strips(map, lanes, run) prepares them and calls
/// run(first, last, p...) for lanes [first, last), once for all or strip by strip.
template <class T, int L, int D, class Map> class mixing_formulas {
  using pack = simd::pack<T>;
  using purpose = reverse_mode::purpose;

 public:
  static constexpr int tape_rows = D + kept_of_map<Map, D>();
  static constexpr int event_rows = D + 1; ///< one event as a strip, with its log-determinant

  mixing_formulas() = default;
  /// position: variable -> row of the tile.
  mixing_formulas(const index_table<D>& position, const Map& map)
      : position_(position), map_(map) {}
  /// Row of the tile that the word takes as its i-th variable.
  std::vector<int> row_table() const { return {position_.begin(), position_.end()}; }

  // Both ways share a function, and with it what is prepared: it is compiled once.

  /// `kept` is where values are kept for the reverse sweep, or null.
  template <class Operands>
  BIJOU_INLINE void evaluate(direction way, const tile<T>& t, T* kept,
                             const Operands& operands) const {
    operands.for_strips(
        map_, way,
        t.lanes, [&](int first, int last, const auto&... p) __attribute__((always_inline)) {
          go(
              way, [&](auto one_way) __attribute__((always_inline)) {
                for (int s = first; s < last; s += pack::size)
                  evaluate_rows(one_way, strip(t, s), kept ? kept + s : nullptr, p...);
              });
        });
  }
  template <class Operands>
  BIJOU_INLINE void pull_back(direction way, const cotangent_tile<T>& t, T* tape,
                              const Operands& operands) const {
    operands.for_strips(
        map_, way,
        t.lanes, [&](int first, int last, const auto&... p) __attribute__((always_inline)) {
          go(
              way, [&](auto one_way) __attribute__((always_inline)) {
                for (int s = first; s < last; s += pack::size) {
                  const int* position = position_.data();
                  const reverse_mode::active_rows<T, L, D> given(tape + s, t.g + s, position);
                  reverse_mode::output<purpose::cotangents, cotangent_rows<T, L, D>> made(
                      {t.g + s, t.log_det + s, position}, tape + D * L + s);
                  map(one_way, given, made, p...);
                }
              });
        });
  }
  /// The first k rows alone.
  template <direction Way, class Operands>
  void evaluate_leading(const tile<T>& t, int k, const Operands& operands) const {
    operands.for_strips(
        map_, Way,
        t.lanes, [&](int first, int last, const auto&... p) __attribute__((always_inline)) {
          for (int s = first; s < last; s += pack::size)
            evaluate_rows(constant<Way>{}, leading_rows<T, L, D>{strip(t, s), k}, nullptr, p...);
        });
  }
  /// One event as a strip of lanes that are all the same: evaluate_strip(tile) runs it.
  template <class Evaluate>
  void evaluate_event(const event_tile<T>& e, const Evaluate& evaluate_strip) const {
    T* const log_det = e.scratch + D * L;
    for (int d = 0; d < D; ++d) pack(e.x[d]).store(e.scratch + d * L);
    pack(*e.log_det).store(log_det);
    evaluate_strip(tile<T>{e.theta, nullptr, nullptr, e.scratch, log_det, nullptr, pack::size});
    for (int d = 0; d < D; ++d) e.x[d] = e.scratch[d * L];
    *e.log_det = *log_det;
  }

  /// Throws std::invalid_argument if a formula of the map reads a variable after it has made it:
  /// what it makes takes the place of what it was given.
  void check_order(const std::string& name) const {
    if (reads_late(direction::forward))
      throw std::invalid_argument(name +
                                  ".forward reads a variable of x after y.set or y.add of it, "
                                  "which takes its place: say what y is last");
    if constexpr (has_inverse<Map>)
      if (reads_late(direction::inverse))
        throw std::invalid_argument(name + ".inverse reads a variable of y after x.set or x.add of "
                                           "it, which takes its place: say what x is last");
  }

 private:
  /// run(way), as a constant.
  template <direction Way> using constant = std::integral_constant<direction, Way>;
  template <class Run> BIJOU_INLINE static void go(direction way, const Run& run) {
    if constexpr (has_inverse<Map>)
      if (way == direction::inverse) return run(constant<direction::inverse>{});
    run(constant<direction::forward>{});
  }
  template <class Way, class Given, class Made, class... P>
  BIJOU_INLINE void map(Way, const Given& given, Made& made, const P&... p) const {
    if constexpr (Way::value == direction::forward)
      map_.forward(given, made, p...);
    else
      map_.inverse(given, made, p...);
  }
  template <class Way, class Rows, class... P>
  BIJOU_INLINE void evaluate_rows(Way way, const Rows& rows, T* kept, const P&... p) const {
    const given_rows<Rows> given(rows);
    reverse_mode::output<purpose::value, Rows> made(rows, kept);
    map(way, given, made, p...);
  }
  BIJOU_INLINE strip_rows<T, L, D> strip(const tile<T>& t, int s) const {
    return {t.x + s, t.log_det + s, position_.data()};
  }
  bool reads_late(direction way) const {
    const std::vector<T> theta(static_cast<std::size_t>(mixing_layout<Map, D>::count), T(0));
    aligned_vector<T> rows(static_cast<std::size_t>((D + 1) * L), T(0));
    std::array<bool, static_cast<std::size_t>(D)> made{};
    bool read_late = false;
    const watched_rows<T, L, D> watched{
        {rows.data(), rows.data() + D * L, position_.data()}, made.data(), &read_late};
    shared_values<T, Map, D>{theta.data()}.for_strips(
        map_, way, pack::size, [&](int, int, const auto&... p) __attribute__((always_inline)) {
          go(
              way, [&](auto one_way) __attribute__((always_inline)) {
                evaluate_rows(one_way, watched, nullptr, p...);
              });
        });
    return read_late;
  }

  index_table<D> position_{};
  [[no_unique_address]] Map map_{};
};

} // namespace detail
} // namespace bijou::inline BIJOU_ISA
