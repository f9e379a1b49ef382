#pragma once
/// \file
/// Flows in safetensors files: `save(q, path)`, `load(q, path)`.
///
/// A file holds named_parameters(q), so that any safetensors reader sees dense weights under
/// canonical names, and the expression's text in the metadata, which must be that of the flow it is
/// loaded into. Densities are the same to the last bit after a round trip.

#include <bijou/flow/parameters.hpp>
#include <bijou/io/safetensors.hpp>
#include <bijou/kernels/printable.hpp>

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// Which files a flow takes: those of its own scalar type, or float and double alike.
using io::conversion;

/// Writes all parameters. Either the whole file appears under `path`, or nothing changes.
/// \throws io::file_error if the file cannot be written
template <class T, class E> void save(const bijector<T, E>& f, const std::string& path) {
  const tensor_set<T> set = named_parameters(f);
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  for (const auto& t : set.values) tensors.emplace(t.name, io::tensor_of(t.values, t.shape));
  for (const auto& t : set.integers) tensors.emplace(t.name, io::tensor_of(t.values, t.shape));
  io::write_safetensors(path, tensors, {{"format", "bijou 1"}, {"expression", f.text()}});
}

namespace detail {

/// What load does with a file's content. `path` stands for the file in messages.
template <class Flow>
void load_content(Flow& f, const io::safetensors& file, const std::string& path,
                  conversion allowed) {
  using T = typename Flow::value_type;
  const auto refuse = [&](const std::string& why) -> void {
    throw io::file_error(path + ": " + why);
  };
  const auto text = file.metadata().find("expression");
  if (text == file.metadata().end())
    refuse("holds no expression: it was not written by save");
  else if (text->second != f.text())
    refuse("holds the parameters of " + printable(text->second, 1000) + ", expected those of " +
           f.text());

  tensor_set<T> set;
  for (const auto& name : file.names()) {
    const io::tensor_view view = file.tensor(name);
    if (view.type == io::dtype::i64) {
      set.add_integers(name, file.template as<std::int64_t>(name));
      continue;
    }
    std::vector<T> values = file.template as<T>(name, allowed);
    for (std::size_t i = 0; i < values.size(); ++i)
      if (!std::isfinite(values[i]))
        refuse("tensor \"" + printable(name, 60) + "\" has " + std::to_string(values[i]) +
               " at place " + std::to_string(i) + ", expected finite numbers" +
               (view.type != io::dtype_of<T>() ? " that float can hold" : ""));
    set.add(name, view.shape, std::move(values));
  }
  const tensor_set<T> own = named_parameters(f);
  std::set<std::string> known;
  for (const auto& t : own.values) known.insert(t.name);
  for (const auto& t : own.integers) known.insert(t.name);
  if (Flow::conditional) known.insert({detail::context_mean_name, detail::context_scale_name});
  for (const auto& name : file.names())
    if (!known.contains(name))
      refuse("holds tensor \"" + printable(name, 60) + "\", which this flow has not");
  try {
    set_named_parameters(f, set);
  } catch (const std::invalid_argument& e) {
    refuse(e.what());
  }
}

} // namespace detail

/// Reads parameters that save wrote. `load(q, path, conversion::floating)` also takes a file of the
/// other scalar type.
/// \throws io::file_error with a sentence that says what is wrong if the file is damaged, of
/// another expression or another scalar type, lacks a tensor, or holds numbers that are not finite
/// in the flow's type; f is then unchanged
template <class Flow>
  requires requires(const Flow& f) { f.layers(); }
void load(Flow& f, const std::string& path, conversion allowed = conversion::none) {
  detail::load_content(f, io::safetensors::read(path), path, allowed);
}

} // namespace bijou::inline BIJOU_ISA
