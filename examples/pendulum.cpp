// A map of one's own that mixes variables: a leapfrog step of a pendulum, as a word.
//
// An ensemble of pendulums begins with normal angles and momenta; some time later a snapshot is
// taken. The word maps where they began to where they are, its density is exact (the step keeps
// volumes), and so the strength of gravity and the time follow from the snapshot alone.
#include <bijou/bijou.hpp>

#include <array>
#include <cmath>
#include <cstdio>

using namespace bijou;

/// Half a kick, a drift, half a kick. Gradients by both parameters, and in both directions, are
/// derived from these formulas.
struct leapfrog {
  static constexpr int size = 2; // angle and momentum
  static constexpr const char* name = "leapfrog";
  static constexpr std::array parameters{parameter{"half_kick"}.normal(0.2, 0),
                                         parameter{"time"}.normal(0.2, 0)};

  template <class X, class Y, class K, class T>
  void forward(const X& x, Y& y, const K& half_kick, const T& time) const {
    auto angle = x[0];
    auto momentum = x[1];
    auto pull = sin(angle);
    auto kicked = fnma(half_kick, pull, momentum);
    auto drifted = fma(time, kicked, angle);
    auto pull_there = sin(drifted);
    auto kicked_again = fnma(half_kick, pull_there, kicked);
    y.set(0, drifted);
    y.set(1, kicked_again);
  }
  /// The same step with time and kicks turned round.
  template <class Y, class X, class K, class T>
  void inverse(const Y& y, X& x, const K& half_kick, const T& time) const {
    auto back_kick = -half_kick;
    auto back_time = -time;
    forward(y, x, back_kick, back_time);
  }
};

int main() {
  constexpr auto ensemble = normal<2> | mixing(leapfrog{});
  auto truth = make_flow<double>(ensemble);
  truth.parameters()[0] = 0.6; // half a kick
  truth.parameters()[1] = 0.9; // time
  philox stream{1};
  const auto snapshot = truth.sample(stream, 100'000);

  auto q = make_flow<double>(ensemble);
  fit(q, snapshot, {.epochs = 20, .batch_size = 1'000, .optimizer = {.learning_rate = 0.01}});
  const double half_kick = q.parameters()[0], time = q.parameters()[1];
  std::printf("half a kick: %.3f (0.6)\ntime: %.3f (0.9)\n", half_kick, time);
  return std::abs(half_kick - 0.6) < 0.02 && std::abs(time - 0.9) < 0.02 ? 0 : 1;
}
