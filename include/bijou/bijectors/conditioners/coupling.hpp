#pragma once
/// \file
/// Coupling words: half the variables drive a transformer of the other half.
///
/// y_a = x_a, y_b = f(x_b; theta(x_a)); log|det dy/dx| = sum_b log f'(x_b). Both directions run the
/// network the same way. Dinh, Sohl-Dickstein and Bengio 2017 (1605.08803), equations 4 to 6;
/// splines: Durkan et al. 2019 (1906.04032), section 3.

#include <bijou/bijectors/conditioners/network_options.hpp>
#include <bijou/bijectors/inverse.hpp>
#include <bijou/bijectors/linear/permute.hpp>
#include <bijou/layers/network_layer.hpp>
#include <bijou/transformers/affine.hpp>

#include <cstdint>
#include <stdexcept>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The first `kept` variables are read; all others see all of them: a network of two degrees.
struct coupling_conditioner {
  static constexpr bool sequential = false;
  static constexpr const char* prefix = "nn.";
  static degree_assignment degrees(int kept, int mapped, int context, std::span<const int> widths) {
    return coupling_degrees(kept, mapped, context, widths);
  }
};

struct even_split {
  template <int D> static constexpr int kept() { return D / 2; }
  static std::string text() { return ""; }
};
struct given_split {
  int first;
  template <int D> int kept() const {
    if (first < 1 || first >= D)
      throw std::invalid_argument("coupling: expected a split of 1 to " + std::to_string(D - 1) +
                                  " variables, got " + std::to_string(first));
    return first;
  }
  std::string text() const { return ".split(" + std::to_string(first) + ")"; }
};

} // namespace detail

/// A coupling word. `.split(n)`: the first n variables are kept (default: half, rounded down);
/// `.activation(a)` and `.seed(s)` as for autoregressive words.
template <class Tr, class Act, class Split, class Seed, int... H> struct coupling_t {
  using bijou_tag = word_tag;
  using transformer_type = Tr;
  static constexpr rule what = rule::learned;
  static constexpr int size = 0;
  static constexpr bool invertible = true;
  static constexpr detail::hidden_units units{detail::hidden_units{}.narrowest, std::max({H...}),
                                              (H + ...)};
  [[no_unique_address]] Tr transformer;
  [[no_unique_address]] Split split_;
  [[no_unique_address]] Seed seed_;

  template <int D> static constexpr misfit fits(const place<D>& p) {
    if (D < 2) return misfit::few;
    return p.is_all(Tr::support) ? misfit::none : misfit::support;
  }
  template <int D> static constexpr place<D> after(const place<D>& p) { return p; }
  template <int D> static constexpr misfit fits_back(const place<D>& p) { return fits(p); }
  template <int D> static constexpr place<D> before(const place<D>& p) { return p; }

  template <class T, int L, int D, int C>
  using layer = network_layer<T, L, D, C, detail::coupling_conditioner, Tr, Act, false, H...>;
  template <class T, int L, int D, int C>
  layer<T, L, D, C> make_layer(const detail::index_table<D>& position) const {
    return {transformer, detail::identity_order<D>(), split_.template kept<D>(), position};
  }

  /// The gate's bias: s = sigmoid(z + b). For the gated transformer.
  constexpr auto sigmoid_bias(double b) const {
    return with(transformer.sigmoid_bias(b), Act{}, split_, seed_);
  }
  /// The nonlinearity after each hidden layer, one of `activations::`.
  template <class A> constexpr auto activation(A a) const {
    detail::check_activation<A>();
    return with(transformer, a, split_, seed_);
  }
  /// The first `kept` variables are read and kept; make_flow throws std::invalid_argument unless
  /// 1 <= kept < D.
  constexpr auto split(int kept) const {
    return with(transformer, Act{}, detail::given_split{kept}, seed_);
  }
  /// Initial weights of a seed of their own, whatever the flow's.
  constexpr auto seed(std::uint64_t s) const {
    return with(transformer, Act{}, split_, detail::own_seed{s});
  }

  /// As it could be written, without seeds.
  std::string text() const {
    return "coupling<" + detail::widths_text<H...>() + ">(" + transformer_text(transformer) + ")" +
           detail::activation_text<Act>() + split_.text();
  }

 private:
  template <class R, class A, class P, class S>
  static constexpr auto with(R r, A, const P& p, S s) {
    return coupling_t<R, A, P, S, H...>{r, p, s};
  }
};

/// Half the variables drive a transformer of the others: `coupling<128>(affine)`. Cost of a sample:
/// one pass over the network, forward as inverse.
template <int... H, class Tr = affine_t> constexpr auto coupling(Tr t = {}) {
  if constexpr (detail::check_network_word<Tr, H...>())
    return coupling_t<Tr, activations::relu_t, detail::even_split, detail::flow_seed, H...>{
        t, {}, {}};
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA
