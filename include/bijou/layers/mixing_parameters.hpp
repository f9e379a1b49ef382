#pragma once
/// \file
/// Parameters of words that mix variables: what a map says of them; their places, names and files.

#include <bijou/kernels/saturation.hpp>
#include <bijou/kernels/unroll.hpp>
#include <bijou/layers/layer.hpp>
#include <bijou/layers/named_tensors.hpp>

#include <array>
#include <cmath>
#include <cstddef>
#include <string>
#include <type_traits>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// The part of a matrix whose entries are parameters; the others are 0 for good.
enum class matrix_part : unsigned char { whole, above_diagonal, up_to_diagonal, below_diagonal };

/// A learned number, vector or matrix of a word that mixes variables: its name in files, its shape
/// (none: a number) and the normal distribution that it begins with.
struct parameter {
  const char* name;
  int rows = 0, columns = 0;
  double mean = 0, variance = 0;
  matrix_part owned = matrix_part::whole;

  constexpr parameter normal(double centre, double deviation) const {
    return normal_of_variance(centre, deviation * deviation);
  }
  constexpr parameter normal_of_variance(double centre, double spread) const {
    parameter p = *this;
    p.mean = centre;
    p.variance = spread;
    return p;
  }
  /// Of a square matrix: only entries right of its diagonal, none right of it, or only those left
  /// of it.
  constexpr parameter above_diagonal() const { return with(matrix_part::above_diagonal); }
  constexpr parameter up_to_diagonal() const { return with(matrix_part::up_to_diagonal); }
  constexpr parameter below_diagonal() const { return with(matrix_part::below_diagonal); }

  /// The number that an entry begins with; random() gives standard normals, and is asked only where
  /// the number varies.
  template <class Random> double first_value(Random&& random) const {
    return variance > 0 ? mean + std::sqrt(variance) * random() : mean;
  }

  constexpr bool is_matrix() const { return columns > 0; }
  constexpr int size() const { return rows == 0 ? 1 : is_matrix() ? rows * columns : rows; }
  /// Whether entry i is one.
  constexpr bool owns(int i) const {
    if (owned == matrix_part::whole) return true;
    if (owned == matrix_part::below_diagonal) return i % columns < i / columns;
    return (owned == matrix_part::above_diagonal) == (i % columns > i / columns);
  }

 private:
  constexpr parameter with(matrix_part part) const {
    parameter p = *this;
    p.owned = part;
    return p;
  }
};

namespace detail {

// Whether a map has a member of some name. The members are templates, which no expression finds
// without arguments; but with a second member of that name the name is ambiguous.
#define BIJOU_NAMES(NAME)                                                                          \
  struct also_##NAME {                                                                             \
    int NAME;                                                                                      \
  };                                                                                               \
  template <class Map> struct with_##NAME : Map, also_##NAME {};                                   \
  template <class Map>                                                                             \
  concept names_##NAME = !requires { &with_##NAME<Map>::NAME; };
BIJOU_NAMES(forward)
BIJOU_NAMES(inverse)
BIJOU_NAMES(prepare)
BIJOU_NAMES(parameters)
BIJOU_NAMES(kept)
#undef BIJOU_NAMES
template <class Map> inline constexpr bool has_inverse = names_inverse<Map>;

/// Whether what a map prepares depends on the direction.
template <class Map>
concept prepares_by_direction = requires { requires Map::prepares_by_direction; };

/// Where numbers end before a map sums over them.
template <class T, class Map> constexpr T end_of_map() {
  if constexpr (requires { Map::template end<T>; })
    return Map::template end<T>;
  else
    return linear_saturation<T>;
}

/// Whether a map says that none of its variables depends on a later one.
template <class Map>
concept leads = requires { requires Map::leads; };

/// How a map solves for its inverse, for describe(); null if it says nothing.
template <class Map> constexpr const char* inverse_of_map_by() {
  if constexpr (requires { Map::inverse_by; })
    return Map::inverse_by;
  else
    return nullptr;
}

/// The D of a map that has one; 0 for maps of any.
template <class Map> constexpr int size_of_map() {
  if constexpr (requires { Map::size; })
    return Map::size;
  else
    return 0;
}
/// Its channels: a map of images is for every multiple of them. 1 for all others.
template <class Map> constexpr int channels_of_map() {
  if constexpr (requires { std::integral_constant<int, Map::channels>{}; })
    return Map::channels;
  else
    return 1;
}
/// Its parameters, which may depend on D: a list for all D, or a template of lists.
template <class Map, int D> constexpr auto parameters_of_map() {
  if constexpr (requires { Map::parameters.size(); })
    return Map::parameters;
  else if constexpr (names_parameters<Map>)
    return Map::template parameters<D>;
  else
    return std::array<parameter, 0>{};
}

/// How many numbers it keeps, which may depend on D.
template <class Map, int D> constexpr int kept_of_map() {
  if constexpr (requires { Map::kept + 0; })
    return Map::kept;
  else if constexpr (names_kept<Map>)
    return Map::template kept<D>;
  else
    return 0;
}

/// Places of a map's parameters among the numbers of its word.
template <class Map, int D> struct mixing_layout {
  static constexpr auto list = parameters_of_map<Map, D>();
  static constexpr int first(std::size_t i) {
    int at = 0;
    for (std::size_t k = 0; k < i; ++k) at += list[k].size();
    return at;
  }
  static constexpr int count = first(list.size());
};

} // namespace detail

/// What a layer that mixes variables has in common with any other (layers/layer.hpp), and all of
/// it that has to do with files.
template <class T, class Map, int D> class mixing_parameters {
  using layout = detail::mixing_layout<Map, D>;

 public:
  using value_type = T;
  static constexpr int folded_size = 0;
  static constexpr bool sums_forward = true, sums_inverse = true, saturates = false;
  static constexpr T end = detail::end_of_map<T, Map>();

  int parameter_count() const { return detail::round_up(layout::count, 16); }
  int structural_count() const {
    int n = 0;
    for_each([&](const parameter& p, int) {
      for (int i = 0; i < p.size(); ++i) n += p.owns(i);
    });
    return n;
  }
  std::size_t offset() const { return offset_; }
  std::size_t placed_count() const { return static_cast<std::size_t>(parameter_count()); }
  void set_offset(std::size_t offset, std::size_t) { offset_ = offset; }
  void fold_context(const T*, const T*, T*) const {}

  /// Normal, as the map says of each.
  template <class Random> void initialise(T* parameters, Random&& random) const {
    for_each([&](const parameter& p, int first) {
      for (int i = 0; i < p.size(); ++i)
        theta_of(parameters)[first + i] = static_cast<T>(p.first_value(random));
    });
  }
  /// Zeros where there is no parameter.
  void clear_corners(T* parameters) const {
    T* const theta = theta_of(parameters);
    for_each([&](const parameter& p, int first) {
      for (int i = 0; i < p.size(); ++i)
        if (!p.owns(i)) theta[first + i] = T(0);
    });
    for (int i = layout::count; i < parameter_count(); ++i) theta[i] = T(0);
  }

  /// Names: layers.I.NAME, Pyro's where it has the class.
  void save(const T* parameters, const std::string& prefix, tensor_set<T>& set) const {
    for_each([&](const parameter& p, int first) {
      const T* const from = theta_of(parameters) + first;
      set.add(prefix + p.name, shape_of(p), std::vector<T>(from, from + p.size()));
    });
  }
  void load_structure(const std::string&, const tensor_set<T>&) const {}
  void load(const std::string& prefix, const tensor_set<T>& set, T* parameters) const {
    for_each([&](const parameter& p, int first) {
      const std::vector<T>& values = set.at(prefix + p.name, shape_of(p));
      for (int i = 0; i < p.size(); ++i)
        if (p.owns(i)) theta_of(parameters)[first + i] = detail::at(values, i);
    });
  }

 protected:
  /// The word's parameters in a vector laid out as the flow's.
  template <class Number> Number* theta_of(Number* parameters) const {
    return parameters + offset_;
  }

 private:
  /// f(parameter, its place)
  template <class F> static void for_each(const F& f) {
    for (std::size_t i = 0; i < layout::list.size(); ++i) f(layout::list[i], layout::first(i));
  }
  static std::vector<std::size_t> shape_of(const parameter& p) {
    std::vector<std::size_t> shape{static_cast<std::size_t>(p.rows > 0 ? p.rows : 1)};
    if (p.is_matrix()) shape.push_back(static_cast<std::size_t>(p.columns));
    return shape;
  }

  std::size_t offset_ = 0;
};

} // namespace bijou::inline BIJOU_ISA
