// Flows that people in the field use, at their sizes: scored and sampled. Residual blocks, batch
// normalisation and linear layers of the originals are left out. Pin it to a core.
#include <array>

#include "measure.hpp"
#include "subject.hpp"

using namespace bench;

namespace {

/// `base | (layer | between) ...`, `n` layers.
template <int N, class E, class Layer, class Between>
constexpr auto repeat(E e, Layer layer, Between between) {
  if constexpr (N == 0)
    return e;
  else
    return repeat<N - 1>(e | layer | between, layer, between);
}

/// Every second site of an 8 x 8 lattice first, then the others.
constexpr auto checkerboard = [] {
  std::array<int, 64> order{};
  std::size_t next = 0;
  for (const int colour : {0, 1})
    for (int i = 0; i < 64; ++i)
      if ((i / 8 + i) % 2 == colour) order[next++] = i;
  return order;
}();

constexpr auto spline = rational_quadratic<8>;

// sbi: build_maf and build_nsf; ten parameters given ten summaries.
constexpr auto sbi_maf =
    repeat<5>(normal<10> | given<10>, maf<50, 50>.activation(activations::tanh), shuffle(1));
constexpr auto sbi_nsf =
    repeat<5>(normal<10> | given<10>, coupling<50, 50>(rational_quadratic<10>), shuffle(1));
// zuko: NSF.
constexpr auto zuko_nsf =
    repeat<3>(normal<10>, inverse(autoregressive<64, 64>(spline.bound(5))), flip);
// MadNIS: couplings on the unit box, 2 ceil(log2 D) of them.
constexpr auto madnis = repeat<6>(
    uniform<8>,
    coupling<32, 32, 32>(rational_quadratic<10>.unit_box()).activation(activations::leaky_relu),
    shuffle(1));
// nessai: RealNVP.
constexpr auto nessai = repeat<4>(normal<15>, coupling<30, 30>(affine), shuffle(1));
// CaloFlow's teacher for photons: a MAF of splines given incident and layer energies.
constexpr auto caloflow = repeat<8>(
    normal<368> | given<6>, inverse(autoregressive<378>(rational_quadratic<8>.bound(14))), flip);
// DINGO: neural posterior estimation of compact binaries; the context is the embedded strain.
constexpr auto dingo = repeat<30>(
    normal<15> | given<128>, coupling<1024, 1024>(spline).activation(activations::elu), shuffle(1));
// Scalar field theory on an 8 x 8 lattice: checkerboard couplings.
constexpr auto lattice = repeat<8>(normal<64>, coupling<64>(affine).activation(activations::tanh),
                                   permute(checkerboard));

template <class Flow, class Q>
void add_calls(const std::string& name, const Flow& weights, const Q& q, std::size_t batch) {
  using T = typename Flow::value_type;
  const auto end = "/" + type_name<T>() + "/" + std::to_string(batch);
  const double each = multiply_adds(weights);
  add(name + " scored" + end, [=, &q](benchmark::State& state) {
    subject s(q, batch, options().threads);
    report_samples<T>(state, each, batch, run(state, [&] { s.score(); }));
  });
  add(name + " sampled" + end, [=, &q](benchmark::State& state) {
    subject s(q, batch, options().threads);
    report_samples<T>(state, each, batch, run(state, [&] { s.draw(); }));
  });
}

/// One context for all samples, as in an analysis of one observation.
template <class T, class E>
void add_preset(const std::string& name, const E& e, std::size_t batch) {
  static const auto q = make_flow<T>(e, 1);
  if constexpr (q.conditional) {
    static const auto bound =
        q.condition(xt::xtensor<T, 1>(std::array{std::size_t{q.context_size}}, T(0.1)));
    add_calls(name, q, bound, batch);
  } else {
    add_calls(name, q, q, batch);
  }
}

void add_all() {
  add_preset<float>("sbi MAF", sbi_maf, 1024);
  add_preset<float>("sbi NSF", sbi_nsf, 1024);
  add_preset<float>("zuko NSF", zuko_nsf, 1024);
  add_preset<double>("MadNIS", madnis, 1024);
  add_preset<float>("nessai", nessai, 1024);
  add_preset<double>("lattice", lattice, 1024);
  add_preset<float>("CaloFlow teacher", caloflow, 256);
  if (!options().quick) add_preset<float>("DINGO", dingo, 256);
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
