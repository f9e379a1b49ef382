#pragma once
/// \file
/// From words to layers: the normal form made for a scalar type, tile width and event size.

#include <bijou/grammar/expression.hpp>
#include <bijou/grammar/normal_form.hpp>
#include <bijou/kernels/tile.hpp>
#include <bijou/layers/elementwise_run.hpp>
#include <bijou/transformers/option_text.hpp>

#include <boost/hana/at.hpp>
#include <boost/hana/basic_tuple.hpp>

#include <array>
#include <cmath>
#include <limits>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>

namespace bijou::inline BIJOU_ISA::detail {

namespace hana = boost::hana;

// --- what the words say together

template <class Words> struct word_facts;
template <class... W> struct word_facts<types<W...>> {
  static constexpr int count = sizeof...(W);
  static constexpr std::array<rule, sizeof...(W) + 1> rules{W::what..., rule::context};
  /// C of the given<C> in the chain, else 0.
  static constexpr int context = [] {
    int c = 0;
    (..., [&] {
      if constexpr (W::what == rule::context) c = W::context;
    }());
    return c;
  }();
  /// Whether the given<C> in the chain says what the context's units are.
  static constexpr bool standardises = [] {
    bool found = false;
    (..., [&] {
      if constexpr (W::what == rule::context) found = W::standardises;
    }());
    return found;
  }();
  /// Whether noise can be found from data: given<C> is no map, all others must be invertible.
  static constexpr bool invertible = (true && ... && (W::what == rule::context || W::invertible));
  /// The layer that word I became: -1 for permutations and given.
  static constexpr std::array<int, sizeof...(W) + 1> layer_of = [] {
    std::array<int, sizeof...(W) + 1> at{};
    int layers = 0;
    bool in_run = false;
    for (std::size_t i = 0; i < sizeof...(W); ++i) {
      if (rules[i] == rule::learned) {
        at[i] = layers++;
        in_run = false;
      } else if (rules[i] == rule::elementwise) {
        if (!in_run) ++layers;
        at[i] = layers - 1;
        in_run = true;
      } else {
        at[i] = -1;
      }
    }
    return at;
  }();
  /// Its place within a fused run.
  static constexpr int op_of(int word) {
    int k = 0;
    for (int i = word - 1; i >= 0; --i)
      if (layer_of[static_cast<std::size_t>(i)] == layer_of[static_cast<std::size_t>(word)]) ++k;
    return k;
  }
};

// --- steps to layer types

template <class Step, class T, int L, int D, int C> struct layer_for;
template <class W, class... P, class T, int L, int D, int C>
struct layer_for<ordered<W, P...>, T, L, D, C> {
  using type = types<typename W::template layer<T, L, D, C>>;
};
template <class... W, class T, int L, int D, int C> struct layer_for<fused<W...>, T, L, D, C> {
  using type = types<elementwise_run<T, L, D, typename W::op_type...>>;
};
template <class... P, class T, int L, int D, int C> struct layer_for<rows<P...>, T, L, D, C> {
  using type = types<>;
};

template <class... Layers> constexpr auto joined(types<Layers...>) { return types<Layers...>{}; }
template <class... A, class... B, class... Rest>
constexpr auto joined(types<A...>, types<B...>, Rest... rest) {
  return joined(types<A..., B...>{}, rest...);
}
template <class Steps, class T, int L, int D, int C> struct layers_for;
template <class... Step, class T, int L, int D, int C>
struct layers_for<types<Step...>, T, L, D, C> {
  template <class... One> static hana::basic_tuple<One...> tuple_of(types<One...>);
  using type =
      decltype(tuple_of(joined(types<>{}, typename layer_for<Step, T, L, D, C>::type{}...)));
};

// --- values

/// The bounds of each variable's support: infinite where there are none.
template <int D> struct bounds_table {
  std::array<double, static_cast<std::size_t>(D)> low, high;
};

/// Low and high end of an interval word, seen through inverse() and on<>.
template <class W> auto interval_of(const W& w) {
  if constexpr (requires { w.function.low; })
    return std::pair<double, double>(w.function.low, w.function.high);
  else
    return interval_of(w.inner);
}

/// Lets a word, or what it is made of, see whether numbers of type T hold its options.
/// \throws std::invalid_argument
template <class T, class W> void check_options(const W& w) {
  if constexpr (requires { w.template check_options<T>(); })
    w.template check_options<T>();
  else if constexpr (requires { w.inner; })
    check_options<T>(w.inner);
  else if constexpr (requires { w.function; })
    check_options<T>(w.function);
  else if constexpr (requires { w.transformer; })
    check_options<T>(w.transformer);
}

/// Walks an expression from the noise end, makes its layers and keeps the tables on the way.
template <int D> struct layer_maker {
  index_table<D> position = identity_order<D>(); ///< variable -> row of the tile
  bounds_table<D> bounds{};
  int word = 0;

  template <class Base> explicit layer_maker(const Base& base) {
    for (std::size_t i = 0; i < static_cast<std::size_t>(D); ++i) {
      set_bounds(i, Base::at.support[i]);
      if constexpr (requires { base.interval(0); })
        if (Base::at.support[i] == kind::interval)
          std::tie(bounds.low[i], bounds.high[i]) = base.interval(static_cast<int>(i));
    }
  }

  template <class W, class T, int L, int C, class Facts, int I, class Layers>
  void add(const W& w, Layers& layers) {
    check_options<T>(w);
    if constexpr (W::what == rule::permutation) {
      const auto order = w.template order<D>();
      position = composed<D>(position, order);
      const bounds_table<D> before = bounds;
      for (std::size_t i = 0; i < static_cast<std::size_t>(D); ++i) {
        bounds.low[i] = before.low[static_cast<std::size_t>(order[i])];
        bounds.high[i] = before.high[static_cast<std::size_t>(order[i])];
      }
    } else if constexpr (W::what == rule::learned) {
      hana::at_c<Facts::layer_of[I]>(layers) = w.template make_layer<T, L, D, C>(position);
    } else if constexpr (W::what == rule::elementwise) {
      index_table<D> variable{};
      variable.fill(-1);
      for (int v = 0; v < D; ++v)
        if (w.selects(v))
          variable[static_cast<std::size_t>(position[static_cast<std::size_t>(v)])] = v;
      hana::at_c<Facts::layer_of[I]>(layers).template set_op<Facts::op_of(I)>(w.op(), word,
                                                                              variable);
      if constexpr (W::domain == kind::interval) compare_interval(w);
      if constexpr (W::image != W::domain) {
        for (int v = 0; v < D; ++v)
          if (w.selects(v)) set_bounds(static_cast<std::size_t>(v), W::image);
        if constexpr (W::image == kind::interval) set_interval(w);
      }
    }
    ++word;
  }

 private:
  void set_bounds(std::size_t v, kind k) {
    constexpr double inf = std::numeric_limits<double>::infinity();
    if (k == kind::interval) { // of a bijector without a base: its first word will know
      bounds.low[v] = bounds.high[v] = std::numeric_limits<double>::quiet_NaN();
      return;
    }
    bounds.low[v] = k == kind::symmetric ? -1 : k == kind::line ? -inf : 0;
    bounds.high[v] = k == kind::symmetric || k == kind::unit ? 1 : inf;
  }
  template <class W> void set_interval(const W& w) {
    const auto [low, high] = interval_of(w);
    for (int v = 0; v < D; ++v)
      if (w.selects(v)) {
        bounds.low[static_cast<std::size_t>(v)] = low;
        bounds.high[static_cast<std::size_t>(v)] = high;
      }
  }
  template <class W> void compare_interval(const W& w) const {
    const auto [low, high] = interval_of(w);
    for (int v = 0; v < D; ++v) {
      const auto i = static_cast<std::size_t>(v);
      const bool known = !std::isnan(bounds.low[i]);
      if (w.selects(v) && known && (bounds.low[i] != low || bounds.high[i] != high))
        throw std::invalid_argument(
            "make_flow: " + w.text() + " expects the interval [" + number_text(low) + ", " +
            number_text(high) + "], but variable " + std::to_string(v) + " ranges over [" +
            number_text(bounds.low[i]) + ", " + number_text(bounds.high[i]) + "]");
    }
  }
};

/// Fills the layers of an expression, left to right; I counts the words.
template <class T, int L, int C, class Facts, int I, int D, class E, class Layers>
void make_layers(const E& e, layer_maker<D>& r, Layers& layers) {
  if constexpr (word_item<E>) {
    r.template add<E, T, L, C, Facts, I>(e, layers);
  } else if constexpr (!base_item<E>) {
    make_layers<T, L, C, Facts, I - 1>(e.prefix(), r, layers);
    using W = typename E::word_type;
    r.template add<W, T, L, C, Facts, I>(e.last(), layers);
  }
}

} // namespace bijou::inline BIJOU_ISA::detail
