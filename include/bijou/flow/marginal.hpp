#pragma once
/// \file
/// `marginal<K>(q)`: the density of the first K variables of a flow.
///
///     const auto first = marginal<2>(q);
///     auto log_p = first.log_prob(y);      // y of shape (n, 2); nats
///
/// Where no variable depends on a later one, the Jacobian is lower triangular, and integrating the
/// last variable out leaves out the last factor of the density: log p(y_1 .. y_K) is what the chain
/// has added up when it has dealt with K variables. No integral is computed.

#include <bijou/flow/flow.hpp>

#include <cstddef>
#include <stdexcept>
#include <string>

namespace bijou::inline BIJOU_ISA {

namespace detail {

template <int K, template <int> class Base, int D>
constexpr Base<K> first_of_alike(const Base<D>&) {
  return {};
}
/// A base on its first K variables: by its own first<K>(), or that of its template with K for D.
template <int K, class Base> constexpr auto first_variables(const Base& base) {
  if constexpr (requires { base.template first<K>(); })
    return base.template first<K>();
  else
    return first_of_alike<K>(base);
}

template <class Words> struct word_list;
template <class... W> struct word_list<types<W...>> {
  static constexpr bool permutes = (false || ... || (W::what == rule::permutation));
};
template <class Layer, class T>
concept triangular_layer = requires(const Layer& l, const tile<T>& t) { l.inverse_first(t, 1); };
template <class T, class Layers> struct layer_list;
template <class T, class... Layers> struct layer_list<T, boost::hana::basic_tuple<Layers...>> {
  static constexpr bool triangular = (true && ... && triangular_layer<Layers, T>);
};
/// Whether, as far as the types know, no variable of a flow depends on a later one.
template <class Flow> constexpr bool is_triangular() {
  if constexpr (requires { typename Flow::program_type; }) {
    using program = typename Flow::program_type;
    return !word_list<typename program::words>::permutes &&
           layer_list<typename Flow::value_type, typename program::layers_type>::triangular;
  } else {
    return false;
  }
}

/// Stands for what does not exist, so that one mistake is one error.
struct no_marginal {
  template <class... A> double log_prob(A&&...) const;
};

} // namespace detail

/// The first K variables of a flow, with the calls of log_prob. Refers to the flow; contexts are
/// those of the flow. Cost: at most that of log_prob.
template <class Flow, int K>
class marginal_flow : public log_prob_calls<marginal_flow<Flow, K>, typename Flow::value_type, K> {
  using T = typename Flow::value_type;

 public:
  using value_type = T;
  static constexpr int size = K;                          ///< of the variables that are left
  static constexpr int context_size = Flow::context_size; ///< C, 0 without given<C>
  static constexpr bool invertible = true;

  /// What marginal() calls.
  explicit marginal_flow(const Flow& q) : flow_(&q) {
    q.layers().each([](const auto& layer) {
      if constexpr (requires { layer.leads(K); })
        if (!layer.leads(K))
          throw std::invalid_argument(
              "marginal: expected autoregressive words whose order begins with the first " +
              std::to_string(K) + " variables");
    });
  }

  /// As of the flow.
  workspace<T> make_workspace() const { return flow_->make_workspace(); }

  // The loop of the flow, and what its calls ask for.

  auto context() const { return flow_->context(); }
  auto fold_context(const detail::sample_source<T>& c, workspace<T>& ws) const {
    return flow_->fold_context(c, ws);
  }
  void write_log_prob(const detail::sample_source<T>& y, detail::value_sink<T> log_prob,
                      workspace<T>& ws, const detail::context_source<T>& context) const {
    flow_->template write_log_prob_of_first<K>(detail::first_variables<K>(flow_->base()), y,
                                               log_prob, ws, context);
  }

 private:
  const Flow* flow_;
};

/// The density of the first K variables of q. For chains of autoregressive words in the natural
/// order, coupling, lower_triangular and elementwise words, without permutations.
/// \throws std::invalid_argument if an order that is known at run time only begins otherwise
template <int K, class Flow> auto marginal(const Flow& q) {
  constexpr bool has_so_many = K >= 1 && K <= Flow::size;
  static_assert(has_so_many,
                "bijou: marginal<K>(q) leaves the first K variables of q, 1 <= K <= D");
  constexpr bool is_triangular = detail::is_triangular<Flow>();
  static_assert(is_triangular,
                "bijou: marginal<K>(q) takes a flow in which no variable depends on a later one: "
                "autoregressive words in the natural order, coupling, lower_triangular and "
                "elementwise words, without flip, permute or shuffle");
  if constexpr (has_so_many && is_triangular)
    return marginal_flow<Flow, K>(q);
  else
    return detail::no_marginal{};
}
template <int K, class Flow> auto marginal(const Flow&&) {
  static_assert(never<Flow>, "bijou: marginal<K>(q) refers to its flow, so that a temporary would "
                             "be gone: give the flow a name first");
  return detail::no_marginal{};
}

} // namespace bijou::inline BIJOU_ISA
