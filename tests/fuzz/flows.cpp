/// \file
/// The flows that fuzzed files are loaded into.

#include <bijou/bijou.hpp>
#include <bijou/io/save_load.hpp>

#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "../support/random_parameters.hpp"
#include "readers.hpp"

namespace bijou::fuzz {
namespace {

/// Words of all kinds that files hold something of: orders, degrees, direct connections, contexts,
/// couplings, transformers with free parameters.
constexpr auto words = normal<3> | given<1> | iaf<5, 4>.skip().order({1, 2, 0}) | flip |
                       coupling<4>(rational_quadratic<3>) | affine;

template <class T> auto made() {
  auto q = make_flow<T>(words, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}

/// All that the flow holds.
template <class Flow> auto state_of(const Flow& q) {
  const auto set = named_parameters(q);
  std::vector<std::uint64_t> state;
  for (const auto& t : set.values)
    for (const auto v : t.values)
      state.push_back(std::bit_cast<std::uint64_t>(static_cast<double>(v)));
  for (const auto& t : set.integers)
    for (const auto v : t.values) state.push_back(static_cast<std::uint64_t>(v));
  return state;
}

/// A flow that took a file holds its numbers, but for weights that its masks leave out.
template <class Flow> void compare(const Flow& q, const io::safetensors& file) {
  using T = typename Flow::value_type;
  const auto set = named_parameters(q);
  for (const auto& t : set.integers)
    if (file.contains(t.name))
      always(file.as<std::int64_t>(t.name) == t.values, "integers taken over");
  for (const auto& t : set.values) {
    const auto stored = file.as<T>(t.name, conversion::floating);
    always(file.tensor(t.name).shape == t.shape && stored.size() == t.values.size(), "shapes");
    const bool masked = t.name.ends_with("weight");
    for (std::size_t i = 0; i < stored.size(); ++i) {
      always(std::isfinite(stored[i]), "what is taken is finite");
      always(t.values[i] == stored[i] || (masked && t.values[i] == 0), "numbers taken over");
    }
  }
}

template <class T> bool load_into(const io::safetensors& file) {
  static const auto original = made<T>();
  static const auto before = state_of(original);
  auto q = original;
  try {
    detail::load_content(q, file, "file", conversion::floating);
  } catch (const io::file_error& e) {
    check_message(e.what(), "file: ");
    always(state_of(q) == before, "a refused file changes nothing");
    return false;
  }
  compare(q, file);
  // It can be evaluated, alone and in tiles, and what it gives is taken again.
  xt::xtensor<T, 2> y(std::array<std::size_t, 2>{19, 3}), c(std::array<std::size_t, 2>{19, 1});
  for (std::size_t i = 0; i < y.size(); ++i) y.data()[i] = static_cast<T>(i % 7) / 2 - 1;
  for (std::size_t i = 0; i < c.size(); ++i) c.data()[i] = static_cast<T>(i % 3);
  always(q.log_prob(y, c).size() == 19, "log p");
  auto again = original;
  set_named_parameters(again, named_parameters(q));
  always(state_of(again) == state_of(q), "what was taken is taken again");
  return true;
}

} // namespace

std::string flow_text() { return made<float>().text(); }

bool load_into_flows(const io::safetensors& file) {
  const bool narrow = load_into<float>(file), wide = load_into<double>(file);
  return narrow || wide;
}

void save_flows(const std::string& folder) {
  save(made<float>(), folder + "/float");
  auto q = made<double>();
  standardise_context(q, xt::xtensor<double, 2>{{1}, {2}, {5}});
  save(q, folder + "/double");
}

} // namespace bijou::fuzz
