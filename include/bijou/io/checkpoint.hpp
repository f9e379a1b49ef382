#pragma once
/// \file
/// Checkpoints of training runs in safetensors files.
///
///     fit(q, samples, {.epochs = 500, .checkpoint = checkpoint_file("run.safetensors")});
///
/// Tensors `parameters`, `good`, `adam.first_moment` and `adam.second_moment` are flat, in the
/// packed layout of parameters(); `history` has a row for each epoch. The metadata says which run
/// it is.

#include <bijou/io/file.hpp>
#include <bijou/io/safetensors.hpp>
#include <bijou/training/checkpoint.hpp>
#include <bijou/training/fit_result.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <system_error>
#include <utility>
#include <variant>
#include <vector>

namespace bijou::inline BIJOU_ISA {

/// How a run uses its file.
struct checkpoint_file_options {
  int every = 1;       ///< epochs between writes; the file is written once more where the run ends
  bool resume = false; ///< go on from the file, if there is one; else begin, and replace it
};

namespace detail {

inline constexpr std::string_view checkpoint_format = "bijou checkpoint 1";
inline constexpr std::string_view run_prefix = "run."; // of what training_state::run holds
inline constexpr std::size_t history_columns = 7;

inline std::vector<double> history_rows(const std::vector<fit_epoch>& history) {
  std::vector<double> rows;
  for (const fit_epoch& e : history)
    rows.insert(rows.end(), {static_cast<double>(e.epoch), e.training, e.validation,
                             e.learning_rate, e.gradient_norm, e.seconds, e.best ? 1.0 : 0.0});
  return rows;
}

inline void write_checkpoint(const std::string& path, const training_state& state) {
  io::metadata_map metadata{{"format", std::string(checkpoint_format)}};
  for (const auto& [what, value] : state.run) metadata[std::string(run_prefix) + what] = value;
  const std::vector<double> history = history_rows(state.result.history);
  const std::array<std::int64_t, 2> counts{state.steps, state.result.best_epoch};
  const std::array<double, 1> best{state.result.best_validation};
  std::map<std::string, io::tensor_view, std::less<>> tensors{
      {"history", io::tensor_of(history, {state.result.history.size(), history_columns})},
      {"steps", io::tensor_of(std::span(counts).first(1), {})},
      {"best_epoch", io::tensor_of(std::span(counts).last(1), {})},
      {"best_validation", io::tensor_of(best, {})}};
  std::visit(
      [&](const auto& v) {
        tensors["parameters"] = io::tensor_of(v.parameters, {v.parameters.size()});
        tensors["good"] = io::tensor_of(v.good, {v.good.size()});
        tensors["adam.first_moment"] = io::tensor_of(v.first_moment, {v.first_moment.size()});
        tensors["adam.second_moment"] = io::tensor_of(v.second_moment, {v.second_moment.size()});
      },
      state.vectors);
  io::write_safetensors(path, tensors, metadata);
}

/// What a checkpoint's file holds. `path` stands for it in messages.
inline training_state checkpoint_content(const io::safetensors& file, const std::string& path) {
  const auto refuse = [&](const std::string& why) { throw io::file_error(path + ": " + why); };
  const auto format = file.metadata().find("format");
  if (format == file.metadata().end() || format->second != checkpoint_format)
    refuse("is no checkpoint of a training run");
  training_state state;
  for (const auto& [key, value] : file.metadata())
    if (key.starts_with(run_prefix)) state.run[key.substr(run_prefix.size())] = value;

  const io::tensor_view shape = file.tensor("history");
  if (shape.shape.size() != 2 || shape.shape[1] != history_columns)
    refuse("tensor 'history' is of shape " + io::to_string(shape.shape) + ", expected [n, 7]");
  const std::vector<double> rows = file.as<double>("history");
  std::int64_t epochs = 0;
  for (std::size_t i = 0; i < rows.size(); i += history_columns) {
    if (rows[i] != static_cast<double>(++epochs) || epochs > std::numeric_limits<int>::max())
      refuse("tensor 'history' has epoch " + std::to_string(rows[i]) + " where epoch " +
             std::to_string(epochs) + " was expected");
    state.result.history.push_back({.epoch = static_cast<int>(epochs),
                                    .training = rows[i + 1],
                                    .validation = rows[i + 2],
                                    .learning_rate = rows[i + 3],
                                    .gradient_norm = rows[i + 4],
                                    .seconds = rows[i + 5],
                                    .best = rows[i + 6] != 0});
  }

  const auto number = [&]<class X>(const char* name, X) {
    const std::vector<X> values = file.template as<X>(name);
    if (values.size() != 1) refuse(std::string("tensor '") + name + "' is not one number");
    return values[0];
  };
  // Epochs have the same number of steps, and a training loop counts to no more than 2^32 of them.
  constexpr std::int64_t most_steps = std::int64_t{1} << 32U;
  state.steps = number("steps", std::int64_t{});
  if (state.steps < 0 || state.steps / most_steps > epochs ||
      (epochs > 0 ? state.steps % epochs : state.steps) != 0)
    refuse("holds " + std::to_string(state.steps) + " steps, which are not those of " +
           std::to_string(epochs) + " epochs");
  const std::int64_t best = number("best_epoch", std::int64_t{});
  if (best < 0 || best > epochs)
    refuse("holds best epoch " + std::to_string(best) + " of " + std::to_string(epochs));
  state.result.best_epoch = static_cast<int>(best);
  state.result.best_validation = number("best_validation", double{});

  const auto vectors = [&]<class T>(T) {
    training_vectors<T> v{file.template as<T>("parameters"), file.template as<T>("good"),
                          file.template as<T>("adam.first_moment"),
                          file.template as<T>("adam.second_moment")};
    for (const auto* other : {&v.good, &v.first_moment, &v.second_moment})
      if (other->size() != v.parameters.size())
        refuse("holds vectors of " + std::to_string(v.parameters.size()) + " and " +
               std::to_string(other->size()) + " numbers");
    return v;
  };
  if (file.tensor("parameters").type == io::dtype::f32)
    state.vectors = vectors(float{});
  else
    state.vectors = vectors(double{});
  return state;
}

inline training_state read_checkpoint(const std::string& path) {
  return checkpoint_content(io::safetensors::read(path), path);
}

} // namespace detail

/// Checkpoints in one file, replaced as a whole each time: whoever reads it finds the latest that
/// is complete. A run that goes on from it ends with the bits, of parameters and history, of one
/// that was never interrupted.
///
/// What the run throws: io::file_error if the file cannot be written, or is damaged;
/// std::invalid_argument if it is the checkpoint of another flow, other data or other options.
inline checkpoints checkpoint_file(std::string path, const checkpoint_file_options& options = {}) {
  checkpoints places{
      .write = [path](const training_state& state) { detail::write_checkpoint(path, state); },
      .every = options.every};
  if (options.resume)
    places.read = [path = std::move(path)]() -> std::optional<training_state> {
      std::error_code unreadable; // is for the reader to tell
      if (std::filesystem::status(path, unreadable).type() == std::filesystem::file_type::not_found)
        return {};
      return detail::read_checkpoint(path);
    };
  return places;
}

} // namespace bijou::inline BIJOU_ISA
