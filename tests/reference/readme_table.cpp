/// \file
/// README's table for those who come from Pyro: both sides of every row. Pyro's side is what Pyro
/// 1.9.1 computed (data/README.md), or the formula that the row stands for; bijou's side is the
/// code of the row. A row without a check here, or a check without its row, is an error.

#include <bijou/io/save_load.hpp>

#include <cstddef>
#include <fstream>
#include <functional>
#include <map>
#include <numbers>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "../support/numerics.hpp"
#include "../support/scratch_folder.hpp"
#include "agreement.hpp"

using namespace bijou;
using namespace bijou::testing;

namespace {

// --- the table --------------------------------------------------------------------------------

/// The rows of the table: cells without the spaces around them.
std::vector<std::vector<std::string>> rows_of_readme() {
  std::ifstream file(std::string(BIJOU_TEST_DATA) + "/../../../README.md");
  std::vector<std::vector<std::string>> rows;
  bool inside = false;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with("## ")) inside = line == "## Coming from Pyro";
    if (!inside || !line.starts_with("| ") || line.starts_with("| Pyro")) continue;
    std::vector<std::string> cells(1);
    for (std::size_t i = 1; i < line.size(); ++i)
      if (line[i] == '|' && line[i - 1] != '\\')
        cells.emplace_back();
      else
        cells.back() += line[i];
    cells.pop_back(); // behind the last bar
    for (std::string& cell : cells) {
      cell.erase(0, cell.find_first_not_of(' '));
      cell.erase(cell.find_last_not_of(' ') + 1);
    }
    rows.push_back(cells);
  }
  return rows;
}

// --- both sides -------------------------------------------------------------------------------

template <class T> xt::xtensor<T, 2> rows(const reference_case& c, const std::string& name) {
  const reference_array a = c[name];
  xt::xtensor<T, 2> x = xt::zeros<T>({a.rows(), a.row_size()});
  const std::vector<T> values = a.as<T>();
  std::copy(values.begin(), values.end(), x.begin());
  return x;
}
template <class X> auto numbers(const X& x) {
  return std::vector<typename X::value_type>(x.begin(), x.end());
}

/// f is bijou's side of the map of a case: values, log-dets, and the inverse where there is one.
template <class F> void require_map(const reference_case& c, const F& f) {
  using T = typename F::value_type;
  const auto there = f.forward(rows<T>(c, "x"));
  require_agreement(c, "y", numbers(there.y));
  require_agreement(c, "jac.ladj", numbers(there.log_det));
  if constexpr (F::invertible)
    if (c.contains("inv.y"))
      require_agreement(c, "inv.x", numbers(f.inverse(rows<T>(c, "inv.y")).x));
}

/// A word with Pyro's parameters against a case. (In float: the word's own comparison beside this
/// file.)
template <int D, class Word, class Install>
void require_word(const std::string& name, const Word& word, const Install& install) {
  const reference_case c(name);
  auto f = make_bijector<double, D>(word);
  install(f, c);
  require_map(c, f);
}
constexpr auto nothing = [](auto&, const reference_case&) {};
constexpr auto an_arn = [](auto& f, const reference_case& c) { install_arn<0>(f, c, "arn."); };
constexpr auto a_coupling = [](auto& f, const reference_case& c) {
  install_coupling<0>(f, c, "nn.");
};
constexpr auto by_name = [](auto& f, const reference_case& c) {
  install_by_name(f, c, renamed("", "layers.0."));
};

/// The flow of two layers that most rows about whole flows are about, with Pyro's weights.
template <class T> auto two_layers() {
  constexpr auto word = autoregressive<16>(clamped_affine);
  auto q = make_flow<T>(normal<4> | word | permute({3, 2, 1, 0}) | word);
  const reference_case c("flow_iaf_permute_iaf_d4");
  install_arn<0>(q, c, "transforms.0.arn.");
  install_arn<1>(q, c, "transforms.1.arn.");
  return std::pair{std::move(q), c};
}
template <class Check> void with_two_layers(const Check& check) {
  const auto both = [&]<class T>(T) {
    const auto [q, c] = two_layers<T>();
    check(q, c);
  };
  both(double{});
  both(float{});
}

void whole_flow() {
  with_two_layers([](const auto& q, const reference_case& c) {
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    require_agreement(c, "log_prob", numbers(q.log_prob(rows<T>(c, "data"))));
  });
}

void bijector_of_words() {
  constexpr auto word = autoregressive<16>(clamped_affine);
  const auto check = [&]<class T>(T) {
    auto f = make_bijector<T, 4>(word | permute({3, 2, 1, 0}) | word);
    const reference_case c("flow_iaf_permute_iaf_d4");
    install_arn<0>(f, c, "transforms.0.arn.");
    install_arn<1>(f, c, "transforms.1.arn.");
    require_agreement(c, "sample.x", numbers(f.forward(rows<T>(c, "sample.z")).y));
    require_agreement(c, "z", numbers(f.inverse(rows<T>(c, "data")).x));
  };
  check(double{});
  check(float{});
}

void maps_by_call() {
  with_two_layers([](const auto& q, const reference_case& c) {
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    require_agreement(c, "sample.x", numbers(q.forward(rows<T>(c, "sample.z")).y));
    require_agreement(c, "z", numbers(q.inverse(rows<T>(c, "data")).x));
  });
}

void log_dets_by_call() {
  const reference_case c("AffineAutoregressive_0_d2");
  const auto check = [&]<class T>(T) {
    auto f = make_bijector<T, 2>(autoregressive<8>(clamped_affine));
    install_arn<0>(f, c, "arn.");
    require_agreement(c, "ladj", numbers(f.log_det_jacobian(rows<T>(c, "x"))));
    require_agreement(c, "ladj", numbers(f.forward(rows<T>(c, "x")).log_det));
  };
  check(double{});
  check(float{});
}

void sums_and_scores() {
  with_two_layers([](const auto& q, const reference_case& c) {
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    const auto y = rows<T>(c, "data");
    double sum = 0;
    for (const double l : c["log_prob"].values) sum += l;
    CHECK(static_cast<double>(q.log_pdf(y)) ==
          Approx(sum).epsilon(std::is_same_v<T, double> ? 1e-10 : 1e-5));
    require_agreement(c, "log_prob", numbers(q.batch_log_pdf(y)));
    require_agreement(c, "log_prob", numbers(q.log_prob(y)));
  });
}

void samples_and_their_gradients() {
  with_two_layers([](const auto& q, const reference_case& c) {
    using T = typename std::remove_cvref_t<decltype(q)>::value_type;
    // Of Pyro's noise, for Pyro's generator is another.
    const auto drawn = q.sample_from(rows<T>(c, "sample.z"));
    require_agreement(c, "sample.x", numbers(drawn.samples));
    require_agreement(c, "sample.log_prob", numbers(drawn.log_prob));
    philox stream{1};
    const auto y = q.sample(stream, 7);
    CHECK(y.shape()[0] == 7);
    CHECK(y.shape()[1] == 4);
    // rsample: the gradient through the sample, of sum log q + sum y v, in
    // accumulate_sample_gradient.
    const compared_flow<T> s = compared_flow<T>(q);
    const auto g = s.gradient_of_samples(c["sample.z"].as<T>(), c["sample.v"].as<T>(), T(1));
    require_parameter_gradients(c, "sample.grad.", s, g, [](const std::string& name) {
      return name.starts_with("transforms.0.")
                 ? renamed("transforms.0.arn.", "layers.0.arn.")(name)
                 : renamed("transforms.1.arn.", "layers.2.arn.")(name);
    });
  });
}

void shapes() {
  // A batch of Pyro's is not part of the distribution: event_shape (4,), batch_shape ().
  const auto q = two_layers<float>().first;
  CHECK(q.event_shape().size() == 1);
  CHECK(q.event_shape()[0] == reference_case("flow_iaf_permute_iaf_d4")["data"].row_size());
  CHECK(q.batch_shape().empty());
}

void contexts() {
  const reference_case c("ConditionalAffineAutoregressive_0_d4");
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(normal<4> | given<3> | autoregressive<12>(clamped_affine));
    install_arn<0>(q, c, "inner.nn.");
    const auto context = rows<T>(c, "buffer.context");
    const auto y = q.forward(rows<T>(c, "x"), context);
    require_agreement(c, "y", numbers(y.y));
    require_agreement(c, "ladj", numbers(y.log_det));
    // .condition(c), row by row.
    const auto row_of = [](const std::vector<T>& all, std::size_t i, std::size_t size) {
      xt::xtensor<T, 1> row = xt::zeros<T>({size});
      std::copy_n(all.begin() + static_cast<std::ptrdiff_t>(i * size), size, row.begin());
      return row;
    };
    std::vector<T> conditioned;
    for (std::size_t i = 0; i < c.batch(); ++i) {
      const auto under = q.condition(row_of(c["buffer.context"].as<T>(), i, 3));
      for (const T v : under.forward(row_of(c["x"].as<T>(), i, 4)).y) conditioned.push_back(v);
    }
    require_agreement(c, "y", conditioned);
  };
  check(double{});
  check(float{});
}

void spline_coupling() {
  // With identity=True the lower spline stands in the state_dict but maps nothing.
  const std::string network = "upper_spline.nn.", last = network + "layers.2.";
  const pyro_layout layout = [=](const std::string& name) -> counterpart {
    if (name.starts_with("lower_spline.")) return {};
    counterpart to = renamed(network, "layers.0.nn.")(name);
    const std::size_t columns = name.ends_with("bias") ? 1 : 16, n = 3, K = 5;
    if (name.starts_with(last))
      to.place = [=](std::size_t element) {
        // README's words: row of Pyro's, row of ours.
        const std::size_t row = element / columns;
        std::size_t ours = 0;
        if (row < n * K)
          ours = row % K * n + row / K;
        else if (row < 2 * n * K)
          ours = (K + (row - n * K) % K) * n + (row - n * K) / K;
        else
          ours = (2 * K + (row - 2 * n * K) % (K - 1)) * n + (row - 2 * n * K) / (K - 1);
        return ours * columns + element % columns;
      };
    return to;
  };
  const auto install = [&](auto& f, const reference_case& c) { install_by_name(f, c, layout); };
  require_word<5>("SplineCoupling_1_d5",
                  coupling<16, 16>(rational_quadratic<5>.bound(3).pyro()).split(2), install);
  require_word<5>("SplineCoupling_1_d5", coupling<16, 16>(rational_quadratic<5>.pyro()), install);

  // identity=False: what is kept goes through the lower spline, of which the network sees nothing.
  // Parameters of words on rows stand in a tensor of all five variables.
  const auto place_in = [](const std::string& ours, std::size_t variables) -> pyro_layout {
    return [=](const std::string& name) -> counterpart {
      const spline_part part = spline_part_of(name, 5);
      return {.ours = ours, .place = [=](std::size_t i) {
                return (part.first + i % part.n) * variables + i / part.n;
              }};
    };
  };
  const pyro_layout both = [&](const std::string& name) {
    return name.starts_with("lower_spline.") ? place_in("layers.1.theta", 5)(name) : layout(name);
  };
  const reference_case c("SplineCoupling_1_d5");
  auto f = make_bijector<double, 5>(coupling<16, 16>(rational_quadratic<5>.pyro()).split(2) |
                                    on<0, 1>(rational_quadratic<5>.pyro()));
  auto lower = make_bijector<double, 2>(rational_quadratic<5>.pyro());
  install_by_name(f, c, both);
  auto set = named_parameters(lower);
  for (const std::string& name : c.names("param.lower_spline.")) {
    const counterpart to = place_in("layers.0.theta", 2)(name);
    const auto from = c["param.lower_spline." + name].values;
    for (std::size_t i = 0; i < from.size(); ++i)
      values_of(set, "layers.0.theta").at(to.place(i)) = from[i];
  }
  set_named_parameters(lower, set);
  const auto x = rows<double>(c, "x");
  xt::xtensor<double, 2> kept = xt::zeros<double>({c.batch(), std::size_t{2}});
  for (std::size_t i = 0; i < c.batch(); ++i)
    for (std::size_t d = 0; d < 2; ++d) kept(i, d) = x(i, d);
  const auto whole = f.forward(x), part = lower.forward(kept);
  for (std::size_t i = 0; i < c.batch(); ++i) {
    for (std::size_t d = 0; d < 5; ++d)
      CHECK(whole.y(i, d) == Approx(d < 2 ? part.y(i, d) : c["y"](i, d)).epsilon(1e-10));
    CHECK(whole.log_det(i) ==
          Approx(part.log_det(i) + c["ladj"].values[i]).epsilon(1e-10).margin(1e-12));
  }
}

void spline() {
  const pyro_layout layout = [](const std::string& name) -> counterpart {
    const spline_part part = spline_part_of(name, 5);
    return {.ours = "layers.0.theta",
            .place = [=](std::size_t i) { return (part.first + i % part.n) * 3 + i / part.n; }};
  };
  const reference_case c("Spline_1_d3");
  auto f = make_bijector<double, 3>(rational_quadratic<5>.bound(2.5).pyro());
  install_by_name(f, c, layout);
  require_map(c, f); // in float a point of the inverse is too steep: spline.cpp
}

void cholesky() {
  const reference_case c("LowerCholeskyAffine_0_d4");
  const auto install = [](auto& f, const reference_case& of, const std::string& prefix) {
    using T = typename std::remove_cvref_t<decltype(f)>::value_type;
    auto set = named_parameters(f);
    const auto loc = of["param.loc"].values, scale = of["param.scale_tril"].values;
    for (std::size_t i = 0; i < 4; ++i) values_of(set, prefix + "loc")[i] = static_cast<T>(loc[i]);
    for (std::size_t i = 0; i < 16; ++i)
      values_of(set, prefix + "log_scale_tril")[i] =
          static_cast<T>(i % 4 == i / 4 ? std::log(scale[i]) : scale[i]);
    set_named_parameters(f, set);
  };
  const auto check = [&]<class T>(T) {
    auto f = make_bijector<T, 4>(lower_triangular);
    install(f, c, "layers.0.");
    require_map(c, f);
  };
  check(double{});
  check(float{});
}

void multivariate_normal() {
  // log N(loc + L x; loc, L L^T) = log N(x; 0, 1) - log|det L|, of Pyro's x, y and ladj.
  const reference_case c("LowerCholeskyAffine_0_d4");
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(full_rank_normal<4>);
    auto set = named_parameters(q);
    const auto loc = c["param.loc"].values, scale = c["param.scale_tril"].values;
    for (auto& tensor : set.values) {
      if (tensor.name.ends_with(".log_scale_tril"))
        for (std::size_t i = 0; i < 16; ++i)
          tensor.values[i] = static_cast<T>(i % 4 == i / 4 ? std::log(scale[i]) : scale[i]);
      else
        for (std::size_t i = 0; i < 4; ++i) tensor.values[i] = static_cast<T>(loc[i]);
    }
    set_named_parameters(q, set);
    const auto log_p = q.log_prob(rows<T>(c, "y"));
    for (std::size_t i = 0; i < c.batch(); ++i) {
      double right = -2 * std::log(2 * std::numbers::pi) - c["ladj"].values[i];
      for (std::size_t d = 0; d < 4; ++d) right -= 0.5 * std::pow(c["x"](i, d), 2);
      CHECK(static_cast<double>(log_p(i)) ==
            Approx(right).epsilon(std::is_same_v<T, double> ? 1e-10 : 1e-4));
    }
  };
  check(double{});
  check(float{});
}

void affine_transforms() {
  const reference_case c("AffineTransform_0_d4");
  const std::vector<double> loc = c["param.loc"].values, scale = c["param.scale"].values;
  require_word<4>("AffineTransform_0_d4", inverse(standardise(loc, scale)), nothing);
}

void permutations() {
  require_word<5>("Permute_0_d5", permute({3, 1, 4, 0, 2}), nothing);
  // flip is Permute([D - 1, ..., 0]), shuffle(seed) one of the permutations.
  const auto x = rows<double>(reference_case("Permute_0_d5"), "x");
  const auto f = make_bijector<double, 5>(flip);
  const auto g = make_bijector<double, 5>(permute({4, 3, 2, 1, 0}));
  CHECK(numbers(f.forward(x).y) == numbers(g.forward(x).y));
  auto shuffled = make_bijector<double, 5>(shuffle(3)).forward(x).y;
  auto sorted = x;
  for (auto* m : {&shuffled, &sorted})
    for (std::size_t i = 0; i < m->shape()[0]; ++i)
      std::sort(m->begin() + static_cast<std::ptrdiff_t>(5 * i),
                m->begin() + static_cast<std::ptrdiff_t>(5 * i + 5));
  CHECK(numbers(shuffled) == numbers(sorted));
}

void another_sylvester() {
  // Another map than Pyro's, at the same parameters; what it is stands in sylvester.cpp. Its
  // log-det is that of its own Jacobian.
  const reference_case c("Sylvester_0_d4");
  auto f = make_bijector<double, 4>(sylvester.reflections<2>());
  install_by_name(f, c, renamed("", "layers.0."));
  const std::vector<double> x = c["x"].values;
  const auto there = f.forward(rows<double>(c, "x"));
  CHECK(std::abs(there.y(0, 0) - c["y"].values[0]) > 1e-3);
  const auto map = [&](const std::vector<double>& from) {
    xt::xtensor<double, 2> one = xt::zeros<double>({1, 4});
    std::copy(from.begin(), from.end(), one.begin());
    return numbers(f.forward(one).y);
  };
  for (std::size_t i = 0; i < 3; ++i)
    CHECK(near(there.log_det(i), log_abs_det(numerical_jacobian<double>(map, slice(x, 4 * i, 4))),
               1e-7));
}

void turned_round() {
  const reference_case c("AffineAutoregressive_0_d2");
  const auto check = [&]<class T>(T) {
    auto f = make_bijector<T, 2>(inverse(autoregressive<8>(clamped_affine)));
    install_arn<0>(f, c, "arn.");
    require_agreement(c, "inv.x", numbers(f.forward(rows<T>(c, "inv.y")).y));
    require_agreement(c, "y", numbers(f.inverse(rows<T>(c, "x")).x));
  };
  check(double{});
  check(float{});
}

void masked_autoregressive_flow() {
  constexpr auto word = inverse(autoregressive<16, 16>(clamped_affine));
  const reference_case c("flow_maf_permute_maf_d5");
  const auto check = [&]<class T>(T) {
    auto q = make_flow<T>(normal<5> | word | flip | word);
    install_arn<0>(q, c, "transforms.0.arn.");
    install_arn<1>(q, c, "transforms.1.arn.");
    require_agreement(c, "log_prob", numbers(q.log_prob(rows<T>(c, "data"))));
    require_agreement(c, "sample.x", numbers(q.forward(rows<T>(c, "sample.z")).y));
  };
  check(double{});
  check(float{});
  // maf<H...> is the same with affine's smooth bound.
  CHECK(describe(normal<5> | maf<16, 16>).find("maf<16, 16>") != std::string::npos);
  static_assert(
      std::is_same_v<std::remove_cvref_t<decltype(maf<16, 16>)>,
                     std::remove_cvref_t<decltype(inverse(autoregressive<16, 16>(affine)))>>);
}

void evidence_lower_bound() {
  // Trace_ELBO of samples z: the mean of log p(z) - log q(z), whose negative is the loss.
  const auto [q, c] = two_layers<double>();
  const auto log_p = [](const auto& z) {
    return -0.5 * (z[0] * z[0] + z[1] * z[1] + z[2] * z[2] + z[3] * z[3]) + 0.25 * z[0] * z[3];
  };
  const philox noise{11};
  philox stream = noise;
  const auto drawn = q.sample_and_log_prob(stream, 300);
  double loss = 0;
  for (std::size_t i = 0; i < 300; ++i) {
    std::array<double, 4> z{};
    for (std::size_t d = 0; d < 4; ++d) z[d] = drawn.samples(i, d);
    loss += (drawn.log_prob(i) - log_p(z)) / 300;
  }
  auto ws = q.make_gradient_workspace();
  std::vector<double> g(q.parameters().size());
  const elbo_options options{.samples = 300, .noise = noise};
  CHECK(elbo(log_p, options).accumulate(q, std::span<double>(g), ws) ==
        Approx(loss).epsilon(1e-12));
  CHECK(elbo(path_only(log_p), options).accumulate(q, std::span<double>(g), ws) ==
        Approx(loss).epsilon(1e-12));
}

void parameters_by_name() {
  // A state_dict with its masks and orders, and again from a file of ours.
  constexpr auto word = autoregressive<64>(clamped_affine);
  auto q = make_flow<double>(normal<8> | word | word | word | word | word);
  const reference_case weights("model_iaf_d8.weights"), c("model_iaf_d8.expected");
  [&]<int... I>(std::integer_sequence<int, I...>) {
    (set_network<I>(q, weights["transforms." + std::to_string(I) + ".arn.permutation"].indices(),
                    read_network<double>(weights, "transforms." + std::to_string(I) + ".arn.")),
     ...);
  }(std::make_integer_sequence<int, 5>{});
  require_agreement(c, "log_prob", numbers(q.log_prob(rows<double>(c, "data"))));
  const scratch_folder folder;
  save(q, folder / "q.safetensors");
  auto again = make_flow<double>(normal<8> | word | word | word | word | word, 3);
  load(again, folder / "q.safetensors");
  require_agreement(c, "log_prob", numbers(again.log_prob(rows<double>(c, "data"))));
  const auto set = named_parameters(q);
  const auto theirs = weights["transforms.0.arn.layers.1.bias"].values;
  CHECK(values_of(set, "layers.0.arn.layers.1.bias") == theirs);
}

void networks() {
  require_word<5>("AffineAutoregressive_1_d5", autoregressive<16, 16>(clamped_affine).skip(),
                  an_arn);
  require_word<3>("AffineAutoregressive_4_d3",
                  autoregressive<9>(clamped_affine).order({2, 0, 1}).activation(activations::tanh),
                  [](auto& f, const reference_case& c) {
                    CHECK(arn<0>(f).order() == c["buffer.arn.permutation"].indices());
                    install_arn<0>(f, c, "arn.");
                  });
  // nn.GELU() and nn.GELU(approximate="tanh") at 1: their formulas in mpmath.
  CHECK(activations::gelu(simd::pack<double>(1.0)).first() ==
        Approx(0.84134474606854295).epsilon(1e-14));
  CHECK(activations::gelu_tanh(simd::pack<double>(1.0)).first() ==
        Approx(0.84119199060827670).epsilon(1e-14));
}

const auto iaf_of_pyro = [] { require_word<4>("AffineAutoregressive_2_d4", iaf<12>, an_arn); };
const auto iaf_with_options = [] {
  const reference_case c("AffineAutoregressive_2_d4");
  const auto order = c["buffer.arn.permutation"].indices();
  require_word<4>("AffineAutoregressive_2_d4", iaf<12>.sigmoid_bias(2.0).order(order), an_arn);
};

/// What computes the two sides of a row, by what stands in its last cell.
const std::vector<std::pair<std::string, std::function<void()>>>& checks() {
  static const std::vector<std::pair<std::string, std::function<void()>>> list{
      {R"(`make_flow<float>(base \| word \| word)`)", whole_flow},
      {R"(a word; with parameters and without a base: `make_bijector<float, D>(word \| word)`)",
       bijector_of_words},
      {R"(`word \| word`)", bijector_of_words},
      {R"(`iaf<H>`)", iaf_of_pyro},
      {R"(`iaf<H>.sigmoid_bias(2.0).order(permutation)`)", iaf_with_options},
      {R"(`autoregressive<H...>(clamped_affine.clip(-5, 3))`)",
       [] {
         require_word<6>("AffineAutoregressive_3_d6",
                         autoregressive<20>(clamped_affine.clip(-0.25, 0.2)), an_arn);
         require_word<2>("AffineAutoregressive_0_d2", autoregressive<8>(clamped_affine.clip(-5, 3)),
                         an_arn);
       }},
      {R"(`inverse(autoregressive<H...>(clamped_affine))`; with a smooth bound of the scale: `maf<H...>`)",
       masked_autoregressive_flow},
      {R"(inside the word: `iaf<H...>.order(p).skip().activation(activations::tanh)` (`nn.GELU()` is `activations::gelu`, its tanh form `gelu_tanh`); `arn<I>(q)`)",
       networks},
      {R"(`given<C>` before the word)", contexts},
      {R"(`coupling<H...>(clamped_affine).split(split_dim)`)",
       [] {
         require_word<5>("AffineCoupling_0_d5", coupling<16>(clamped_affine).split(2), a_coupling);
         require_word<5>("AffineCoupling_0_d5", coupling<16>(clamped_affine), a_coupling);
       }},
      {R"(`rational_quadratic<K>.bound(B).pyro()`)", spline},
      {R"(`coupling<H...>(rational_quadratic<K>.bound(B).pyro()).split(split_dim)`; the network's last rows stand in [another order](#rows-of-pyros-splinecoupling))",
       spline_coupling},
      {R"(`autoregressive<H...>(rational_quadratic<K>.bound(B).pyro())`)",
       [] {
         require_word<4>("SplineAutoregressive_1_d4",
                         autoregressive<16>(rational_quadratic<5>.bound(3).pyro()), an_arn);
       }},
      {R"(`planar`, `radial`)",
       [] {
         require_word<4>("Planar_0_d4", planar, by_name);
         require_word<3>("Radial_0_d3", radial, by_name);
       }},
      {R"(`householder<K>`)", [] { require_word<5>("Householder_0_d5", householder<2>, by_name); }},
      {R"(`sylvester.reflections<K>()`: the column form, another map, with an [exact log-determinant](docs/bijectors/sylvester.md))",
       another_sylvester},
      {R"(`lower_triangular`, learned; the diagonal as its logarithm)", cholesky},
      {R"(`full_rank_normal<D>`, learned)", multivariate_normal},
      {R"(`permute(permutation)`, `flip`, `shuffle(seed)`)", permutations},
      {R"(`inverse(standardise(loc, scale))`; learned: `affine`)", affine_transforms},
      {R"(`exp_map`, `sigmoid_map`, `tanh_map`, `softplus_map`)",
       [] {
         require_word<4>("ExpTransform_0_d4", exp_map, nothing);
         require_word<4>("SigmoidTransform_0_d4", sigmoid_map, nothing);
         require_word<4>("TanhTransform_0_d4", tanh_map, nothing);
         require_word<4>("SoftplusTransform_0_d4", softplus_map, nothing);
       }},
      {R"(`inverse(word)`)", turned_round},
      {R"(`f.forward(x).y`, `f.inverse(y).x`)", maps_by_call},
      {R"(`f.log_det_jacobian(x)`, `f.forward(x).log_det`)", log_dets_by_call},
      {R"(`q.sample(stream, n)`; reparametrised gradients: `accumulate_sample_gradient`)",
       samples_and_their_gradients},
      {R"(`q.log_pdf(y)` (sum), `q.batch_log_pdf(y)`, `q.log_prob(y)`)", sums_and_scores},
      {R"(`q.event_shape()`, `q.batch_shape()`)", shapes},
      {R"(a flow with `given<C>`; `q.condition(c)`, or the context as an argument)", contexts},
      {R"(`fit_to(q, target, options)`; the objective: `elbo(target)`, `elbo(path_only(target))`)",
       evidence_lower_bound},
      {R"(`named_parameters(q)`, `save(q, path)`; weights with masks: `set_network<I>(q, order, dense)`)",
       parameters_by_name},
  };
  return list;
}

} // namespace

TEST_CASE("README's table: both sides of every row") {
  const auto table = rows_of_readme();
  REQUIRE(table.size() > 25);
  std::vector<std::string> bijou_side;
  for (const auto& row : table) {
    REQUIRE(row.size() == 3);
    bijou_side.push_back(row[2]);
  }
  std::vector<std::string> checked;
  for (const auto& [text, check] : checks()) checked.push_back(text);
  REQUIRE(bijou_side == checked);
  for (const auto& [text, check] : checks()) DYNAMIC_SECTION(text) {
      check();
    }
}
