// The cases of another implementation, read in one place: their JSON is compiled once.

#include "reference.hpp"

#include <nlohmann/json.hpp>

#include <cstdint>

#ifndef BIJOU_TEST_DATA
#error "define BIJOU_TEST_DATA as the directory tests/reference/data, in quotes"
#endif

namespace bijou::testing {

std::string reference_path(const std::string& name) {
  return std::string(BIJOU_TEST_DATA) + "/" + name + ".safetensors";
}

reference_case::reference_case(const std::string& name)
    : file(io::safetensors::read(reference_path(name))) {}

std::string reference_case::option(const std::string& pointer) const {
  const auto config = nlohmann::json::parse(file.metadata().at("config"));
  return config.at(nlohmann::json::json_pointer(pointer)).dump();
}

reference_array reference_case::operator[](std::string_view name) const {
  const auto view = file.tensor(name);
  if (view.type == io::dtype::i64) {
    const auto whole = file.as<std::int64_t>(name);
    return {view.shape, std::vector<double>(whole.begin(), whole.end())};
  }
  return {view.shape, file.as<double>(name, io::conversion::floating)};
}

std::vector<std::string> reference_case::names(std::string_view prefix) const {
  std::vector<std::string> result;
  for (const auto& name : file.names()) {
    if (name.starts_with(prefix)) result.push_back(name.substr(prefix.size()));
  }
  return result;
}

} // namespace bijou::testing
