#include <bijou/networks/activations.hpp>
#include <bijou/networks/masked_network.hpp>

#include <cstring>
#include <limits>
#include <random>

#include "../catch.hpp"
#include "../support/emulated.hpp"
#include "../support/numerics.hpp"

using namespace bijou;

namespace {

long counted = 0;
struct counter {
  static void add(long n) { counted += n; }
};

/// Positive part, written here so that the reference does not depend on the library's.
struct ramp_t {
  static constexpr bool derivative_from_output = true;
  template <class P> P operator()(P z) const { return max(P(0), z); }
  template <class P> P derivative(P h) const { return select(h > P(0), P(1), P(0)); }
};
/// z + z^2 / 8: smooth, and its derivative needs the pre-activation.
struct bend_t {
  static constexpr bool derivative_from_output = false;
  template <class P> P operator()(P z) const { return fma(z * z, P(0.125), z); }
  template <class P> P derivative(P z) const { return fma(z, P(0.25), P(1)); }
};
double reference(ramp_t, double z) { return std::max(0.0, z); }
double reference(bend_t, double z) { return z + z * z / 8; }

/// Memory of one pass; starts as NaN so that reading a row too early shows.
template <class Net> struct memory {
  using T = typename Net::value_type;
  static constexpr int L = Net::lanes;
  std::vector<T> theta, context, x, hidden, pre, out, gout, ghidden, gx, gcontext, grad, scratch;
  std::vector<int> rows;

  memory(const Net& net, std::mt19937& random) {
    const T nan = std::numeric_limits<T>::quiet_NaN();
    const auto make = [&](int n, T value) {
      return std::vector<T>(static_cast<std::size_t>(n), value);
    };
    const network_plan& plan = net.plan();
    theta = make(net.parameter_count(), nan);
    context = make(plan.context() * L, 0);
    x = make(plan.inputs() * L, 0);
    hidden = pre = ghidden = make(net.hidden_rows() * L, nan);
    out = gout = make(net.out_rows() * L, nan);
    gx = make(plan.inputs() * L, 0);
    gcontext = make(plan.context() * L, 0);
    grad = make(net.parameter_count(), 0);
    scratch = make(net.scratch_size(), nan);
    rows.resize(static_cast<std::size_t>(plan.inputs()));
    std::iota(rows.begin(), rows.end(), 0);
    std::shuffle(rows.begin(), rows.end(), random);
    std::normal_distribution<double> normal;
    for (T& v : x) v = static_cast<T>(normal(random));
    for (T& v : context) v = static_cast<T>(normal(random));
    net.initialise(theta.data(), [&] { return normal(random); });
    // Perturbed: outputs far from their small initial values, biases that are not zero.
    net.visit([&](std::ptrdiff_t i, bool structural) {
      if (structural) theta[static_cast<std::size_t>(i)] += static_cast<T>(0.3 * normal(random));
    });
  }
  network_pass<T> pass(int lanes = L) {
    return {theta.data(),
            context.data(),
            nullptr,
            x.data(),
            rows.data(),
            hidden.data(),
            Net::needs_pre ? pre.data() : nullptr,
            out.data(),
            lanes};
  }
  network_cotangents<T> cotangents() {
    return {gout.data(), ghidden.data(), gx.data(), gcontext.data()};
  }
  T& input(int rank, int lane) {
    return x[static_cast<std::size_t>(detail::at(rows, rank) * L + lane)];
  }
  T& output(int row, int lane) { return out[static_cast<std::size_t>(row * L + lane)]; }
};

/// The dense masked network in double, [context, x by rank] -> outputs, parameter-major.
template <class Activation, class T>
std::vector<double> dense_forward(const dense_network<T>& net, const std::vector<double>& input) {
  const auto multiply = [](const dense_layer<T>& layer, const std::vector<double>& v) {
    std::vector<double> y(static_cast<std::size_t>(layer.rows));
    for (int r = 0; r < layer.rows; ++r) {
      double sum = layer.bias.empty() ? 0 : static_cast<double>(detail::at(layer.bias, r));
      for (int k = 0; k < layer.cols; ++k)
        if (detail::at(layer.mask, r * layer.cols + k))
          sum +=
              static_cast<double>(detail::at(layer.weight, r * layer.cols + k)) * detail::at(v, k);
      detail::at(y, r) = sum;
    }
    return y;
  };
  std::vector<double> h = input;
  for (int l = 0; l < detail::length(net.layers); ++l) {
    h = multiply(detail::at(net.layers, l), h);
    if (l + 1 < detail::length(net.layers))
      for (double& v : h) v = reference(Activation{}, v);
  }
  if (net.skip) {
    const auto more = multiply(*net.skip, input);
    for (std::size_t i = 0; i < h.size(); ++i) h[i] += more[i];
  }
  return h;
}

template <class Net>
std::vector<double> reference_outputs(const Net& net, memory<Net>& m, int lane) {
  const network_plan& plan = net.plan();
  std::vector<double> input;
  for (int c = 0; c < plan.context(); ++c)
    input.push_back(static_cast<double>(detail::at(m.context, c * Net::lanes + lane)));
  for (int i = 0; i < plan.inputs(); ++i) input.push_back(static_cast<double>(m.input(i, lane)));
  return dense_forward<typename Net::activation>(net.export_dense(m.theta.data()), input);
}

/// y = x + out for p = 1 and y = x exp(tanh-like s) + shift otherwise; here simply affine in x:
/// y_i = x_i * 2 + sum of the outputs of rank i. Its inverse is exact enough to compare.
template <class Net>
void solve_rows(const Net& net, memory<Net>& m, const std::vector<typename Net::value_type>& y,
                int rank, int last, int lanes) {
  using T = typename Net::value_type;
  for (; rank < last; ++rank)
    for (int lane = 0; lane < lanes; ++lane) {
      T sum = 0;
      for (int j = 0; j < net.plan().parameters(); ++j)
        sum += m.output(net.plan().outputs().row(rank, j), lane);
      m.input(rank, lane) = (detail::at(y, rank * Net::lanes + lane) - sum) / 2;
    }
}
template <class Net>
std::vector<typename Net::value_type> explicit_rows(const Net& net, memory<Net>& m, int lanes) {
  using T = typename Net::value_type;
  std::vector<T> y(static_cast<std::size_t>(net.plan().variables() * Net::lanes));
  for (int rank = 0; rank < net.plan().variables(); ++rank)
    for (int lane = 0; lane < lanes; ++lane) {
      T sum = 0;
      for (int j = 0; j < net.plan().parameters(); ++j)
        sum += m.output(net.plan().outputs().row(rank, j), lane);
      detail::at(y, rank * Net::lanes + lane) = 2 * m.input(rank, lane) + sum;
    }
  return y;
}

std::vector<int> random_degrees(int n, int lowest, int highest, std::mt19937& random) {
  std::uniform_int_distribution<int> pick(lowest, highest);
  std::vector<int> degrees;
  for (int i = 0; i < n; ++i) degrees.push_back(pick(random));
  return degrees;
}

enum class kind_of_degrees { standard, linspace, random };

template <class Net>
Net make_network(const std::vector<int>& widths, int variables, int context, int parameters,
                 bool skip, kind_of_degrees kind, std::mt19937& random) {
  degree_assignment a = kind == kind_of_degrees::linspace
                            ? linspace_degrees(variables, context, widths)
                            : autoregressive_degrees(variables, context, widths);
  if (kind == kind_of_degrees::random)
    for (auto& layer : a.hidden)
      layer = random_degrees(detail::length(layer), 0, variables, random);
  return Net(a, parameters, skip);
}

template <class T, class Activation>
using counted_network = masked_network<T, default_lanes<T>, Activation, counter>;

template <class Net> double tolerance() {
  return std::is_same_v<typename Net::value_type, double> ? 1e-12 : 2e-4;
}

/// Everything that has to hold for one network.
template <class Net> void check_network(const Net& net, std::mt19937& random) {
  using T = typename Net::value_type;
  constexpr int L = Net::lanes;
  const network_plan& plan = net.plan();
  memory<Net> m(net, random);
  const auto ignore = [](int, int) {};

  // forward against the dense reference, ranks announced in order
  int announced = 0;
  counted = 0;
  net.forward(m.pass(), [&](int rank, int last) {
    CHECK(rank == announced);
    CHECK(last > rank);
    announced = last;
  });
  CHECK(announced == plan.variables());
  CHECK(counted >= net.multiply_adds());
  for (int lane : {0, 7, L - 1}) {
    const auto expected = reference_outputs(net, m, lane);
    double error = 0;
    for (int i = 0; i < plan.variables(); ++i)
      for (int j = 0; j < plan.parameters(); ++j) {
        const double e = detail::at(expected, j * plan.variables() + i);
        const double output = static_cast<double>(m.output(plan.outputs().row(i, j), lane));
        error = testing::worse(error, std::abs(output - e) / (1 + std::abs(e)));
      }
    CHECK(error < tolerance<Net>());
  }

  // fewer lanes: same bits
  {
    memory<Net> partial = m;
    std::fill(partial.out.begin(), partial.out.end(), std::numeric_limits<T>::quiet_NaN());
    net.forward(partial.pass(strip<T>), ignore);
    for (int row = 0; row < plan.outputs().rows(); ++row)
      CHECK(std::memcmp(&partial.output(row, 0), &m.output(row, 0), sizeof(T) * strip<T>) == 0);
  }

  // single event and folded context: same bits
  for (int lane : {0, L - 1}) {
    std::vector<T> x, c, folded(static_cast<std::size_t>(net.folded_rows()));
    for (int i = 0; i < plan.inputs(); ++i)
      x.push_back(m.x[static_cast<std::size_t>(i * L + lane)]);
    for (int i = 0; i < plan.context(); ++i)
      c.push_back(m.context[static_cast<std::size_t>(i * L + lane)]);
    std::vector<T> hidden(static_cast<std::size_t>(net.hidden_rows())),
        out(static_cast<std::size_t>(net.out_rows()));
    network_pass<T> p{m.theta.data(), c.data(),      nullptr, x.data(),
                      m.rows.data(),  hidden.data(), nullptr, out.data()};
    net.forward_one(p);
    bool same = true;
    for (int row = 0; row < plan.outputs().rows(); ++row)
      same &= detail::at(out, row) == m.output(row, lane);
    CHECK(same);
    net.fold_context(m.theta.data(), c.data(), folded.data());
    p.first_bias = folded.data();
    p.context = nullptr;
    std::fill(out.begin(), out.end(), T(-1));
    net.forward_one(p);
    same = true;
    for (int row = 0; row < plan.outputs().rows(); ++row)
      same &= detail::at(out, row) == m.output(row, lane);
    CHECK(same);
    memory<Net> tile = m;
    auto tp = tile.pass();
    tp.first_bias = folded.data();
    tp.context = nullptr;
    net.forward(tp, ignore);
    same = true;
    for (int row = 0; row < plan.outputs().rows(); ++row)
      same &= tile.output(row, lane) == m.output(row, lane);
    CHECK(same);
  }

  // sweeps: bits do not depend on blocks; work is exactly the unmasked weights
  if (plan.invertible()) {
    const auto y = explicit_rows(net, m, L);
    const auto x = m.x;
    const int stride = plan.outputs().stride();
    std::vector<T> first_x, first_out;
    for (sweep_blocks blocks :
         {sweep_blocks{0, 1}, sweep_blocks{4, 4}, sweep_blocks{1, 1}, sweep_blocks{32, 4},
          sweep_blocks{8, 1}, sweep_blocks{7, 3}, net.blocks()}) {
      Net blocked = net;
      blocked.set_blocks(blocks);
      memory<Net> s = m;
      for (auto* v : {&s.x, &s.hidden, &s.out, &s.pre})
        std::fill(v->begin(), v->end(), std::numeric_limits<T>::quiet_NaN());
      counted = 0;
      int rank = 0;
      blocked.sweep(s.pass(), [&](int a, int b) {
        CHECK(a == rank);
        rank = b;
        solve_rows(blocked, s, y, a, b, L);
      });
      CHECK(rank == plan.variables());
      if (stride == plan.parameters()) CHECK(counted == net.multiply_adds());
      double error = 0;
      for (std::size_t i = 0; i < x.size(); ++i)
        error = testing::worse(error, std::abs(static_cast<double>(s.x[i] - x[i])));
      CHECK(error < 100 * tolerance<Net>());
      if (first_x.empty()) {
        first_x = s.x;
        first_out = s.out;
        // one event
        std::vector<T> ex(static_cast<std::size_t>(plan.inputs()),
                          std::numeric_limits<T>::quiet_NaN()),
            c;
        std::vector<T> hidden(static_cast<std::size_t>(net.hidden_rows())),
            out(static_cast<std::size_t>(net.out_rows()));
        for (int i = 0; i < plan.context(); ++i)
          c.push_back(m.context[static_cast<std::size_t>(i * L + 3)]);
        net.sweep_one({m.theta.data(), c.data(), nullptr, ex.data(), m.rows.data(), hidden.data(),
                       nullptr, out.data()},
                      [&](int a, int b) {
                        for (; a < b; ++a) {
                          T sum = 0;
                          for (int j = 0; j < plan.parameters(); ++j)
                            sum += detail::at(out, a * stride + j);
                          detail::at(ex, detail::at(m.rows, a)) =
                              (detail::at(y, a * L + 3) - sum) / 2;
                        }
                      });
        bool same = true;
        for (int i = 0; i < plan.inputs(); ++i)
          same &= detail::at(ex, i) == s.x[static_cast<std::size_t>(i * L + 3)];
        CHECK(same);
      } else {
        CHECK(std::memcmp(first_x.data(), s.x.data(), x.size() * sizeof(T)) == 0);
        CHECK(std::memcmp(first_out.data(), s.out.data(),
                          static_cast<std::size_t>(plan.variables() * stride * L) * sizeof(T)) ==
              0);
      }
    }
  }
}

/// Gradients by central differences of loss = sum over lanes and rows of weight * out.
template <class Net> void check_gradients(const Net& net, std::mt19937& random, int count) {
  using T = typename Net::value_type;
  static_assert(std::is_same_v<T, double>);
  constexpr int L = Net::lanes;
  const int samples = std::min(L, lanes_for<T>(count));
  const network_plan& plan = net.plan();
  const int stride = plan.outputs().stride();
  memory<Net> m(net, random);
  std::normal_distribution<double> normal;
  std::vector<double> weight(m.out.size());
  for (double& w : weight) w = normal(random);
  const auto ignore = [](int, int) {};
  const auto loss = [&](memory<Net>& s) {
    net.forward(s.pass(), ignore);
    double sum = 0;
    for (int i = 0; i < plan.variables(); ++i)
      for (int j = 0; j < plan.parameters(); ++j)
        for (int lane = 0; lane < samples; ++lane)
          sum += detail::at(weight, (i * stride + j) * L + lane) * s.output(i * stride + j, lane);
    return sum;
  };
  loss(m);
  const auto set_cotangents = [&](memory<Net>& s) {
    for (int i = 0; i < plan.variables(); ++i)
      for (int j = 0; j < plan.parameters(); ++j)
        for (int lane = 0; lane < L; ++lane) {
          const int at = (i * stride + j) * L + lane;
          detail::at(s.gout, at) = detail::at(weight, at);
        }
  };
  set_cotangents(m);
  counted = 0;
  net.adjoint(m.pass(), m.cotangents());
  if (stride == plan.parameters()) CHECK(counted == net.multiply_adds());
  net.weight_gradient(m.pass(), m.cotangents(), {samples, m.grad.data(), m.scratch.data()});
  net.clear_corners(m.grad.data());

  const auto difference = [&](auto&& entry) {
    memory<Net> s = m;
    const double h = 1e-5;
    double& v = entry(s);
    const double at = v;
    v = at + h;
    const double up = loss(s);
    v = at - h;
    const double down = loss(s);
    return (up - down) / (2 * h);
  };
  const auto close = [&](double got, double expected) {
    CHECK(std::abs(got - expected) < 2e-6 * (1 + std::abs(expected)));
  };
  std::vector<std::ptrdiff_t> structural;
  net.visit([&](std::ptrdiff_t i, bool s) {
    if (s)
      structural.push_back(i);
    else
      CHECK(detail::at(m.grad, static_cast<int>(i)) == 0.0);
  });
  CHECK(static_cast<int>(structural.size()) == net.structural_count());
  std::shuffle(structural.begin(), structural.end(), random);
  structural.resize(std::min(structural.size(), static_cast<std::size_t>(testing::trials(60))));
  for (std::ptrdiff_t i : structural)
    close(m.grad[static_cast<std::size_t>(i)], difference([&](memory<Net>& s) -> double& {
            return s.theta[static_cast<std::size_t>(i)];
          }));
  for (int i = 0; i < std::min(plan.inputs(), 12); ++i)
    close(m.gx[static_cast<std::size_t>(i * L + 2)], difference([&](memory<Net>& s) -> double& {
            return s.x[static_cast<std::size_t>(i * L + 2)];
          }));
  for (int i = 0; i < plan.context(); ++i)
    close(m.gcontext[static_cast<std::size_t>(i * L + 2)],
          difference([&](memory<Net>& s) -> double& {
            return s.context[static_cast<std::size_t>(i * L + 2)];
          }));

  // The sweep's adjoint with cotangents known beforehand is the adjoint.
  if (!plan.invertible()) return;
  for (sweep_blocks blocks :
       {sweep_blocks{0, 1}, sweep_blocks{4, 4}, sweep_blocks{8, 2}, net.blocks()}) {
    Net blocked = net;
    blocked.set_blocks(blocks);
    memory<Net> s = m;
    for (auto* v : {&s.ghidden, &s.gout})
      std::fill(v->begin(), v->end(), std::numeric_limits<double>::quiet_NaN());
    std::fill(s.gx.begin(), s.gx.end(), 0.0);
    std::fill(s.gcontext.begin(), s.gcontext.end(), 0.0);
    int rank = plan.variables();
    counted = 0;
    blocked.sweep_adjoint(s.pass(), s.cotangents(), [&](int a, int b) {
      CHECK(b == rank);
      rank = a;
      for (; a < b; ++a)
        for (int j = 0; j < plan.parameters(); ++j)
          std::copy_n(weight.data() + (a * stride + j) * L, L,
                      s.gout.data() + (a * stride + j) * L);
    });
    CHECK(rank == 0);
    if (stride == plan.parameters()) CHECK(counted == net.multiply_adds());
    double error = 0;
    for (std::size_t i = 0; i < m.gx.size(); ++i)
      error = testing::worse(error, std::abs(m.gx[i] - s.gx[i]));
    for (std::size_t i = 0; i < m.gcontext.size(); ++i)
      error = testing::worse(error, std::abs(m.gcontext[i] - s.gcontext[i]));
    CHECK(error < 1e-10);
    for (int l = 0; l < plan.hidden_layers(); ++l)
      for (int i = 0; i < plan.hidden(l).rows * L; ++i) {
        const int at = plan.hidden(l).first_row * L + i;
        error =
            testing::worse(error, std::abs(detail::at(m.ghidden, at) - detail::at(s.ghidden, at)));
      }
    CHECK(error < 1e-10);
  }
}

} // namespace

TEMPLATE_TEST_CASE("a masked network is the dense network with its masks", "[network]", float,
                   double) {
  std::mt19937 random(11);
  const auto kind =
      GENERATE(kind_of_degrees::standard, kind_of_degrees::linspace, kind_of_degrees::random);
  const int context = GENERATE(0, 3);
  const int parameters = GENERATE(1, 2, 3, 23);
  const bool skip = GENERATE(false, true);
  CAPTURE(static_cast<int>(kind), context, parameters, skip);
  check_network(make_network<counted_network<TestType, ramp_t>>({64}, 8, context, parameters, skip,
                                                                kind, random),
                random);
  check_network(make_network<counted_network<TestType, bend_t>>({33, 41}, 6, context, parameters,
                                                                skip, kind, random),
                random);
  check_network(make_network<counted_network<TestType, bend_t>>({20, 3, 37}, 19, context,
                                                                parameters, skip, kind, random),
                random);
  check_network(make_network<counted_network<TestType, bend_t>>({5}, 1, context, parameters, skip,
                                                                kind, random),
                random);
}

TEST_CASE("gradients of a masked network are central differences", "[network]") {
  std::mt19937 random(12);
  const auto kind =
      GENERATE(kind_of_degrees::standard, kind_of_degrees::linspace, kind_of_degrees::random);
  const int context = GENERATE(0, 3);
  const int parameters = GENERATE(1, 2, 5);
  const bool skip = GENERATE(false, true);
  CAPTURE(static_cast<int>(kind), context, parameters, skip);
  check_gradients(make_network<counted_network<double, bend_t>>({33, 41}, 8, context, parameters,
                                                                skip, kind, random),
                  random, default_lanes<double>);
  check_gradients(make_network<counted_network<double, bend_t>>({33, 41}, 11, context, parameters,
                                                                skip, kind, random),
                  random, 29);
  check_gradients(make_network<counted_network<double, bend_t>>({20, 3, 37}, 19, context,
                                                                parameters, skip, kind, random),
                  random, 5);
  check_gradients(make_network<counted_network<double, bend_t>>({5}, 1, context, parameters, skip,
                                                                kind, random),
                  random, 5);
}

TEMPLATE_TEST_CASE("cotangents of hidden rows may take the places of their values", "[network]",
                   float, double) {
  std::mt19937 random(20);
  const bool skip = GENERATE(false, true);
  const int context = GENERATE(0, 3), parameters = GENERATE(2, 5);
  const auto check = [&](const auto& net) {
    using Net = std::remove_cvref_t<decltype(net)>;
    memory<Net> apart(net, random);
    net.forward(apart.pass(), [](int, int) {});
    std::normal_distribution<double> normal;
    for (TestType& v : apart.gout) v = static_cast<TestType>(normal(random));
    memory<Net> together = apart;
    net.adjoint(apart.pass(), apart.cotangents());
    net.weight_gradient(apart.pass(), apart.cotangents(),
                        {Net::lanes, apart.grad.data(), apart.scratch.data()});
    auto c = together.cotangents();
    c.hidden = together.hidden.data();
    net.adjoint(together.pass(), c, {Net::lanes, together.grad.data(), together.scratch.data()});
    for (memory<Net>* m : {&apart, &together}) net.clear_corners(m->grad.data());
    CHECK(apart.grad == together.grad);
    CHECK(apart.gx == together.gx);
    CHECK(apart.gcontext == together.gcontext);
  };
  using kind = kind_of_degrees;
  check(make_network<counted_network<TestType, ramp_t>>({64}, 8, context, parameters, skip,
                                                        kind::standard, random));
  check(make_network<counted_network<TestType, bend_t>>({33, 41}, 11, context, parameters, skip,
                                                        kind::linspace, random));
}

TEMPLATE_TEST_CASE("a coupling network sees everything", "[network]", float, double) {
  std::mt19937 random(13);
  const int inputs = GENERATE(0, 4), context = GENERATE(2, 0), parameters = GENERATE(2, 23);
  const bool skip = GENERATE(false, true);
  if (inputs + context == 0) return;
  using net_t = counted_network<TestType, bend_t>;
  const net_t net(coupling_degrees(inputs, 5, context, std::array{33, 41}), parameters, skip);
  CHECK_FALSE(net.plan().invertible());
  check_network(net, random);
  if constexpr (std::is_same_v<TestType, double>) check_gradients(net, random, 40);
}

TEST_CASE("a larger network sweeps with default blocks", "[network]") {
  std::mt19937 random(14);
  const auto kind =
      GENERATE(kind_of_degrees::standard, kind_of_degrees::linspace, kind_of_degrees::random);
  // An emulator meets the same blocks in smaller ones.
  constexpr bool small = testing::emulated;
  const int wide = small ? 160 : 512;
  check_network(make_network<counted_network<float, ramp_t>>({wide, wide}, small ? 32 : 64, 0, 2,
                                                             false, kind, random),
                random);
  check_network(make_network<counted_network<double, ramp_t>>(
                    {small ? 150 : 378}, small ? 140 : 368, 0, 2, false, kind, random),
                random);
  check_gradients(
      make_network<counted_network<double, ramp_t>>({130, 120}, 64, 2, 2, true, kind, random),
      random, 33);
}

TEST_CASE("outputs depend on lower ranks only, whatever the tile held before", "[network]") {
  std::mt19937 random(15);
  using net_t = counted_network<double, bend_t>;
  const net_t net = make_network<net_t>({33, 41}, 8, 0, 2, true, kind_of_degrees::linspace, random);
  memory<net_t> m(net, random);
  net.forward(m.pass(), [](int, int) {});
  for (int rank = 0; rank < 8; ++rank) {
    memory<net_t> changed = m;
    changed.input(rank, 4) += 1;
    net.forward(changed.pass(), [](int, int) {});
    for (int i = 0; i < 8; ++i) {
      const bool same = changed.output(2 * i, 4) == m.output(2 * i, 4);
      CHECK(same == (i <= rank));
      CHECK(changed.output(2 * i, 5) == m.output(2 * i, 5));
    }
  }
}

TEST_CASE("a NaN stays in its lane", "[network]") {
  std::mt19937 random(16);
  using net_t = counted_network<float, bend_t>;
  const net_t net = make_network<net_t>({33, 41}, 8, 1, 2, true, kind_of_degrees::linspace, random);
  memory<net_t> m(net, random);
  net.forward(m.pass(), [](int, int) {});
  const auto y = explicit_rows(net, m, net_t::lanes);
  memory<net_t> spoiled = m;
  spoiled.context[5] = std::numeric_limits<float>::quiet_NaN();
  net.sweep(spoiled.pass(), [&](int a, int b) { solve_rows(net, spoiled, y, a, b, net_t::lanes); });
  CHECK(std::isnan(spoiled.input(7, 5)));
  CHECK(!std::isnan(spoiled.input(7, 4)));
  // The next tile in the same memory is clean.
  spoiled.context[5] = m.context[5];
  net.sweep(spoiled.pass(), [&](int a, int b) { solve_rows(net, spoiled, y, a, b, net_t::lanes); });
  for (float v : spoiled.x) CHECK(!std::isnan(v));
}

TEMPLATE_TEST_CASE("export of an import gives back the masked weights", "[network]", float,
                   double) {
  std::mt19937 random(17);
  using net_t = counted_network<TestType, bend_t>;
  const bool skip = GENERATE(false, true);
  const net_t net =
      make_network<net_t>({20, 3, 37}, 7, 2, 3, skip, kind_of_degrees::random, random);
  auto dense = detail::empty_dense_network<TestType>(net.plan());
  std::normal_distribution<double> normal;
  const auto fill = [&](dense_layer<TestType>& layer) {
    for (auto& w : layer.weight) w = static_cast<TestType>(normal(random));
    for (auto& b : layer.bias) b = static_cast<TestType>(normal(random));
  };
  for (auto& layer : dense.layers) fill(layer);
  if (skip) fill(*dense.skip);
  std::vector<TestType> theta(static_cast<std::size_t>(net.parameter_count()));
  net.import_dense(dense, theta.data());
  const auto back = net.export_dense(theta.data());
  const auto compare = [](const dense_layer<TestType>& a, const dense_layer<TestType>& b) {
    CHECK(a.bias == b.bias);
    CHECK(a.mask == b.mask);
    for (std::size_t i = 0; i < a.weight.size(); ++i)
      CHECK(b.weight[i] == (a.mask[i] ? a.weight[i] : TestType(0)));
  };
  for (std::size_t l = 0; l < dense.layers.size(); ++l) compare(dense.layers[l], back.layers[l]);
  if (skip) compare(*dense.skip, *back.skip);

  dense.layers[1].cols = 3;
  CHECK_THROWS_AS(net.import_dense(dense, theta.data()), std::invalid_argument);
}

TEST_CASE("float and double networks have the same indices", "[network]") {
  std::mt19937 random(18);
  const auto a = make_network<counted_network<float, bend_t>>({20, 3, 37}, 7, 2, 3, true,
                                                              kind_of_degrees::standard, random);
  const auto b = make_network<counted_network<double, bend_t>>({20, 3, 37}, 7, 2, 3, true,
                                                               kind_of_degrees::standard, random);
  CHECK(a.parameter_count() == b.parameter_count());
  CHECK(a.parameter_count() % 16 == 0);
  std::vector<bool> sa, sb;
  a.visit([&](std::ptrdiff_t i, bool s) {
    CHECK(i == detail::length(sa));
    sa.push_back(s);
  });
  b.visit([&](std::ptrdiff_t, bool s) { sb.push_back(s); });
  CHECK(sa == sb);
  CHECK(detail::length(sa) == a.parameter_count());
}

TEST_CASE("clear_corners clears what visit calls meaningless and nothing else", "[network]") {
  std::mt19937 random(19);
  const auto net = make_network<counted_network<float, bend_t>>({20, 3, 37}, 7, 2, 3, true,
                                                                kind_of_degrees::random, random);
  std::vector<float> theta(static_cast<std::size_t>(net.parameter_count()), 1.0f);
  net.clear_corners(theta.data());
  net.visit([&](std::ptrdiff_t i, bool s) {
    CHECK(theta[static_cast<std::size_t>(i)] == (s ? 1.0f : 0.0f));
  });
}

TEST_CASE("networks refuse degrees that do not fit", "[network]") {
  using net_t = masked_network<float, default_lanes<float>, ramp_t>;
  CHECK_THROWS_AS(net_t(autoregressive_degrees(3, 0, {}), 2), std::invalid_argument);
  degree_assignment a = autoregressive_degrees(3, 0, std::array{8});
  a.outputs = {2, 1, 3};
  CHECK_THROWS_AS(net_t(a, 2), std::invalid_argument);
  a = autoregressive_degrees(3, 0, std::array{8});
  a.outputs.front() = -1;
  CHECK_THROWS_AS(net_t(a, 2), std::invalid_argument);
}
