#pragma once
/// \file
/// Results of another implementation, read from tests/reference/data (its README says what the
/// arrays mean).

#include <bijou/io/safetensors.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#ifndef BIJOU_TEST_DATA
#error "define BIJOU_TEST_DATA as the directory tests/reference/data, in quotes"
#endif

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
inline std::string reference_path(const std::string& name) {
  return std::string(BIJOU_TEST_DATA) + "/" + name + ".safetensors";
}

/// One case: `reference_case c("Spline_1_d3"); c["x"].values; c.options()["bins"]`.
struct reference_case {
  io::safetensors file;
  nlohmann::json config; ///< class, D, batch, options...; null if the file has none

  explicit reference_case(const std::string& name)
      : file(io::safetensors::read(reference_path(name))) {
    const auto found = file.metadata().find("config");
    if (found != file.metadata().end()) config = nlohmann::json::parse(found->second);
  }

  const nlohmann::json& options() const { return config.at("options"); }
  std::size_t dimension() const { return config.at("D").get<std::size_t>(); }
  std::size_t batch() const { return config.at("batch").get<std::size_t>(); }

  bool contains(std::string_view name) const { return file.contains(name); }

  /// An array of any type, as doubles. Throws io::file_error if there is none.
  reference_array operator[](std::string_view name) const {
    const auto view = file.tensor(name);
    if (view.type == io::dtype::i64) {
      const auto whole = file.as<std::int64_t>(name);
      return {view.shape, std::vector<double>(whole.begin(), whole.end())};
    }
    return {view.shape, file.as<double>(name, io::conversion::floating)};
  }

  /// Names that begin with `prefix`, without it, sorted: names("param.").
  std::vector<std::string> names(std::string_view prefix = "") const {
    std::vector<std::string> result;
    for (const auto& name : file.names()) {
      if (name.starts_with(prefix)) result.push_back(name.substr(prefix.size()));
    }
    return result;
  }
};

} // namespace bijou::testing
