#pragma once
/// \file
/// Results of another implementation, read from tests/reference/data (its README says what the
/// arrays mean).

#include <bijou/io/safetensors.hpp>

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace bijou::testing {

/// An array in C order.
struct reference_array {
  std::vector<std::size_t> shape;
  std::vector<double> values;

  /// Product of all extents but the first: the length of a row.
  std::size_t row_size() const {
    std::size_t size = 1;
    for (std::size_t i = 1; i < shape.size(); ++i) size *= shape[i];
    return size;
  }
  std::size_t rows() const { return shape.empty() ? 1 : shape[0]; }
  double operator()(std::size_t row, std::size_t column = 0) const {
    return values.at(row * row_size() + column);
  }

  /// The values as float or double. The inputs, parameters and cotangents of all cases are exact in
  /// float.
  template <class T> std::vector<T> as() const {
    return std::vector<T>(values.begin(), values.end());
  }
  /// The values as indices: for permutations.
  std::vector<int> indices() const { return std::vector<int>(values.begin(), values.end()); }
};

/// The path of the file of a case, for instance "AffineCoupling_0_d5".
std::string reference_path(const std::string& name);

/// One case: `reference_case c("Spline_1_d3"); c["x"].values; c.option("/options/bins")`.
struct reference_case {
  io::safetensors file;

  explicit reference_case(const std::string& name);

  /// A value of its configuration (class, D, batch, options...) as JSON text, by its JSON pointer.
  std::string option(const std::string& pointer) const;
  bool has_options() const { return file.metadata().contains("config"); }
  std::size_t dimension() const { return std::stoul(option("/D")); }
  std::size_t batch() const { return std::stoul(option("/batch")); }

  bool contains(std::string_view name) const { return file.contains(name); }
  /// An array of any type, as doubles. Throws io::file_error if there is none.
  reference_array operator[](std::string_view name) const;
  /// Names that begin with `prefix`, without it, sorted: names("param.").
  std::vector<std::string> names(std::string_view prefix = "") const;
};

} // namespace bijou::testing
