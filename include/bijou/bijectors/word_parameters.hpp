#pragma once
/// \file
/// Parameters that a word owns by itself, without a network: their places, names and shapes.
///
/// A layer derives from `word_rows<T, L, D, Layout>`. A layout lists the word's tensors:
///
/// | member | what |
/// |---|---|
/// | `tensors` | array of `word_tensor`: name, shape and place, variables in the word's order |
/// | `count` | numbers in all of them together |
/// | `owns(i)` | optional: false for entries that are always 0 |

#include <bijou/bijectors/layer.hpp>
#include <bijou/bijectors/named_tensors.hpp>
#include <bijou/bijectors/permute.hpp>
#include <bijou/kernels/saturation.hpp>
#include <bijou/kernels/simd.hpp>
#include <bijou/kernels/unroll.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// A vector (columns 0) or a row-major matrix among the parameters of a word.
struct word_tensor {
  const char* name;
  int first; ///< its place from the word's offset
  int rows;
  int columns = 0;

  constexpr int size() const { return columns == 0 ? rows : rows * columns; }
};

/// What a layer with free parameters has in common with any other: see bijectors/layer.hpp.
template <class T, class Layout> class word_parameters {
 public:
  using value_type = T;
  static constexpr int folded_size = 0;
  static constexpr bool sums_forward = true, sums_inverse = true, saturates = false;
  static constexpr T end = detail::linear_saturation<T>;

  int parameter_count() const { return detail::round_up(Layout::count, 16); }
  int structural_count() const {
    int n = 0;
    for (int i = 0; i < Layout::count; ++i) n += owns(i);
    return n;
  }
  std::size_t offset() const { return offset_; }
  std::size_t placed_count() const { return static_cast<std::size_t>(parameter_count()); }
  void set_offset(std::size_t offset, std::size_t) { offset_ = offset; }
  void clear_corners(T* parameters) const {
    for (int i = 0; i < parameter_count(); ++i)
      if (i >= Layout::count || !owns(i)) theta_of(parameters)[i] = T(0);
  }
  void fold_context(const T*, const T*, T*) const {}

  /// Names: layers.I.NAME, Pyro's where it has the class.
  void save(const T* parameters, const std::string& prefix, tensor_set<T>& set) const {
    for (const word_tensor& t : Layout::tensors) {
      const T* first = theta_of(parameters) + t.first;
      set.add(prefix + t.name, shape_of(t), std::vector<T>(first, first + t.size()));
    }
  }
  void load_structure(const std::string&, const tensor_set<T>&) const {}
  void load(const std::string& prefix, const tensor_set<T>& set, T* parameters) const {
    for (const word_tensor& t : Layout::tensors) {
      const std::vector<T>& values = set.at(prefix + t.name, shape_of(t));
      for (int i = 0; i < t.size(); ++i)
        if (owns(t.first + i)) theta_of(parameters)[t.first + i] = detail::at(values, i);
    }
  }

 protected:
  /// The word's parameters in a vector laid out as the flow's.
  template <class Number> Number* theta_of(Number* parameters) const {
    return parameters + offset_;
  }

 private:
  static constexpr bool owns(int i) {
    if constexpr (requires { Layout::owns(i); })
      return Layout::owns(i);
    else
      return true;
  }
  static std::vector<std::size_t> shape_of(const word_tensor& t) {
    std::vector<std::size_t> shape{static_cast<std::size_t>(t.rows)};
    if (t.columns > 0) shape.push_back(static_cast<std::size_t>(t.columns));
    return shape;
  }

  std::size_t offset_ = 0;
};

namespace detail {

/// One number, or one register of lanes, for each variable.
template <class V, int D> using per_variable = std::array<V, static_cast<std::size_t>(D)>;

} // namespace detail
/// A layer of D variables on the line with parameters of its own: which row is whose, and the rows
/// as registers of lanes.
template <class T, int L, int D, class Layout> class word_rows : public word_parameters<T, Layout> {
 public:
  word_rows() = default;
  /// position: variable -> row of the tile.
  explicit word_rows(const detail::index_table<D>& position) : position_(position) {}

  /// Row of the tile of each variable.
  std::vector<int> ranks() const { return {position_.begin(), position_.end()}; }

 protected:
  using pack = simd::pack<T>;
  using registers = detail::per_variable<pack, D>;

  const detail::index_table<D>& position() const { return position_; }
  BIJOU_INLINE int row_of(int variable) const { return detail::at(position_, variable); }
  /// One strip of all variables; `strip` points to its first lane in row 0.
  BIJOU_INLINE registers rows_at(const T* strip) const {
    registers x;
    detail::for_each_variable<D>(
        [&](int d) { detail::at(x, d) = pack::load(strip + row_of(d) * L); });
    return x;
  }
  BIJOU_INLINE void store(const registers& x, T* strip) const {
    detail::for_each_variable<D>([&](int d) { detail::at(x, d).store(strip + row_of(d) * L); });
  }
  /// One event, the same in all lanes.
  BIJOU_INLINE registers values_of(const event_tile<T>& e) const {
    registers x;
    detail::for_each_variable<D>([&](int d) { detail::at(x, d) = pack(e.x[row_of(d)]); });
    return x;
  }
  BIJOU_INLINE void store(const registers& x, const event_tile<T>& e) const {
    detail::for_each_variable<D>([&](int d) { e.x[row_of(d)] = detail::at(x, d).first(); });
  }

  /// All variables by map.moved_back: data to noise (numerically_inverted.hpp).
  template <class Map> void move_back(const tile<T>& t, const Map& map) const {
    for (int s = 0; s < t.lanes; s += pack::size) store(map.moved_back(rows_at(t.x + s)), t.x + s);
  }
  template <class Map> void move_back(const event_tile<T>& e, const Map& map) const {
    store(map.moved_back(values_of(e)), e);
  }

 private:
  detail::index_table<D> position_{};
};

} // namespace bijou::inline BIJOU_ISA
