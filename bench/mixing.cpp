// Words that mix variables: `planar`, whose gradients are derived from its formulas, in units of
// the same map with its adjoint by hand. Pin it to a core.
#include <bijou/bijectors/residual/planar.hpp>
#include <bijou/kernels/aligned.hpp>
#include <bijou/kernels/tile.hpp>

#include <cmath>
#include <utility>

#include "measure.hpp"
#include "planar_by_hand.hpp"

using namespace bench;

namespace {

/// A tile, its cotangents and a layer's tape, behind one another so that no two lie in each other's
/// way in the cache by chance.
template <class T, int L, int D, class Layer> struct workplace {
  Layer layer;
  aligned_vector<T> theta, x, g, log_det, tape, gradient;

  explicit workplace(Layer l)
      : layer(std::move(l)), theta(2 * D + 16), x(D * L), g(D * L), log_det(L),
        tape(Layer::tape_rows * L), gradient(2 * D + 16) {
    if constexpr (requires { layer.set_offset(0, 0); }) layer.set_offset(0, 0);
    int i = 0;
    for (auto* v : {&theta, &x, &g, &log_det})
      for (T& e : *v) e = static_cast<T>(0.4 * std::sin(1.7 * ++i));
  }
  void forward() {
    aligned_vector<T> none(L);
    layer.forward(tile<T>{theta.data(), nullptr, nullptr, x.data(), log_det.data(), none.data(), L},
                  tape.data());
  }
  void evaluate() {
    layer.forward(
        tile<T>{theta.data(), nullptr, nullptr, x.data(), log_det.data(), tape.data(), L});
    benchmark::ClobberMemory();
  }
  void adjoint() {
    layer.forward_adjoint(cotangent_tile<T>{theta.data(), nullptr, g.data(), log_det.data(),
                                            nullptr, gradient.data(), x.data(), L},
                          tape.data());
    benchmark::ClobberMemory();
  }
};

template <class T, int D> void add_planar() {
  constexpr int L = default_lanes<T>;
  using planar_layer = decltype(planar)::layer<T, L, D, 0>;
  using by_hand = workplace<T, L, D, planar_by_hand<T, L, D>>;
  using derived = workplace<T, L, D, planar_layer>;
  detail::index_table<D> order{};
  for (int d = 0; d < D; ++d) detail::at(order, d) = d;
  const auto add_one = [=](const std::string& what, auto call) {
    add(what + "/" + type_name<T>() + "/" + std::to_string(D), [=](benchmark::State& state) {
      by_hand a{planar_by_hand<T, L, D>(order)};
      derived b{planar_layer(order, {})};
      a.forward();
      b.forward();
      const double one = run_against(
          state, "x_by_hand", [&] { call(b); }, [&] { call(a); });
      state.counters["ns_each"] = one / L * 1e9;
    });
  };
  add_one("planar evaluated", [](auto& w) { w.evaluate(); });
  add_one("planar adjoint", [](auto& w) { w.adjoint(); });
}

void add_all() {
  [&]<int... D>(std::integer_sequence<int, D...>) {
    (add_planar<float, D>(), ...);
    (add_planar<double, D>(), ...);
  }(std::integer_sequence<int, 2, 4, 8, 16, 64>{});
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
