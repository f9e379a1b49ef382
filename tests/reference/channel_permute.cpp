// Pyro's GeneralizedChannelPermute, which keeps both triangles in one matrix: values, log-dets and
// gradients both ways.
#include <cstddef>
#include <string>
#include <vector>

#include "../support/numerics.hpp"
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

constexpr std::size_t C = 3, D = 12;

/// Which of our tensors has entry i of Pyro's LU, and where.
struct place_of_entry {
  const char* name;
  std::size_t index;
};
place_of_entry place_of(std::size_t i) {
  const std::size_t row = i / C, column = i % C;
  if (row == column) return {"layers.1.diagonal", row};
  return {column < row ? "layers.1.lower" : "layers.1.upper", i};
}

template <class T>
void require_gradient(const reference_case& c, const std::string& name, const compared_flow<T>& s,
                      const batch_gradient<T>& gradient) {
  const auto found = s.by_name(gradient.by_parameters), sizes = s.by_name(gradient.terms);
  const auto truth = c[name].values;
  for (std::size_t i = 0; i < C * C; ++i) {
    const auto [tensor, index] = place_of(i);
    CAPTURE(name, i);
    CHECK(is_close<T>(static_cast<double>(values_of(found, tensor)[index]), truth[i],
                      static_cast<double>(values_of(sizes, tensor)[index])));
  }
}

template <class T> void check_case() {
  const reference_case c("GeneralizedChannelPermute_0_d12");
  // y's channel i is that of L U x where row i of Pyro's matrix has its 1.
  const auto permutation = c["buffer.permutation"].values;
  std::array<int, C> order{};
  for (std::size_t i = 0; i < C * C; ++i)
    if (permutation[i] == 1) order[i / C] = static_cast<int>(i % C);
  const flow_maker<T> with_base_at = [&](const std::vector<double>& mean, std::size_t) {
    auto q = make_flow<T>(normal<12> | standardise(mean, std::vector<double>(D, 1)) |
                          channel_permute<3>.order(order));
    auto set = named_parameters(q);
    const auto entries = c["param.LU"].values;
    for (std::size_t i = 0; i < C * C; ++i) {
      const auto [tensor, index] = place_of(i);
      values_of(set, tensor)[index] = static_cast<T>(entries[i]);
    }
    set_named_parameters(q, set);
    return compared_flow<T>(std::move(q));
  };
  check_map<T>(
      c, with_base_at,
      [&](const std::string& prefix, const compared_flow<T>& s, const batch_gradient<T>& gradient) {
        require_gradient(c, prefix + "LU", s, gradient);
      });
}

} // namespace

TEST_CASE("GeneralizedChannelPermute in double") { check_case<double>(); }
TEST_CASE("GeneralizedChannelPermute in float") { check_case<float>(); }
