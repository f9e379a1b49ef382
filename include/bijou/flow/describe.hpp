#pragma once
/// \file
/// `describe(expression)`: what the compiler knows of an expression, as text to print.

#include <bijou/flow/make_flow.hpp>

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// "line", or "line, unit, line" where variables differ; long lists are cut in the middle.
template <int D> std::string support_text(const place<D>& p) {
  if (p.is_uniform()) return to_string(p.support[0]);
  std::string s;
  for (std::size_t i = 0; i < p.support.size(); ++i) {
    if (i == 6 && p.support.size() > 8) return s + ", ...";
    s += (i ? ", " : "") + std::string(to_string(p.support[i]));
  }
  return s;
}

inline std::string table_text(const int* table, int n) {
  std::string s = "{";
  for (int i = 0; i < n; ++i) {
    if (i == 8 && n > 12) {
      s += ", ...";
      i = n - 1;
    }
    s += (i ? ", " : "") + std::to_string(table[i]);
  }
  return s + "}";
}

/// Rows of cells, padded to columns.
inline std::string aligned_columns(const std::vector<std::vector<std::string>>& rows) {
  std::vector<std::size_t> width;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c >= width.size()) width.push_back(0);
      width[c] = std::max(width[c], row[c].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line = "  ";
    for (std::size_t c = 0; c < row.size(); ++c)
      line += row[c] + std::string(width[c] - row[c].size() + 2, ' ');
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// Multiply-adds a sample of a layer, or "" where it has no network.
template <class Layer> std::string cost_text(const Layer& layer) {
  if constexpr (requires { layer.network().multiply_adds(); })
    return std::to_string(layer.network().multiply_adds());
  else
    return "";
}

/// One row for each word, and one for each step of the normal form.
template <class E> class description {
  using program_type = program<float, E>;
  using facts = typename program_type::facts;
  static constexpr int D = program_type::size;

 public:
  explicit description(const E& e) : program_(e) {
    words_.push_back({"word", "variables", "support", "parameters", "multiply-adds (each way)"});
    describe_words<facts::count - 1>(e);
    const bool moved = !is_identity(program_.position().data(), D);
    if (moved)
      steps_.push_back(
          {"rows", "variable -> row at the data end " + table_text(program_.position().data(), D)});
  }

  std::string text() const {
    return aligned_columns(words_) + "\nnormal form, as it runs:\n" +
           (steps_.empty() ? "  nothing but the base\n" : aligned_columns(steps_)) + "\n" +
           std::to_string(program_.structural_count()) + " parameters (" +
           std::to_string(program_.parameter_count()) + " stored with padding), tiles of " +
           std::to_string(program_type::lanes) + " lanes in float\n";
  }

 private:
  template <int I, class P> void describe_words(const P& e) {
    if constexpr (base<P>) {
      words_.push_back({e.text(), std::to_string(D), support_text(P::at), "0", ""});
    } else {
      describe_words<I - 1>(e.prefix());
      describe_word<I>(e.last(), support_text(place_after<P>::value));
    }
  }
  template <int I, class W> void describe_word(const W& w, const std::string& support) {
    constexpr int at = facts::layer_of[static_cast<std::size_t>(I)];
    std::string parameters = "0";
    std::string cost;
    if constexpr (W::what == rule::learned) {
      const auto& layer = program_.template layer<at>();
      parameters = std::to_string(layer.structural_count());
      cost = cost_text(layer);
      std::vector<int> rows = layer.ranks();
      const bool plain = is_identity(rows.data(), D);
      steps_.push_back({w.text(), plain ? "" : "reading rows " + table_text(rows.data(), D)});
      fusing_ = false;
    } else if constexpr (W::what == rule::elementwise) {
      int rows = 0;
      for (int v = 0; v < D; ++v) rows += w.selects(v);
      parameters = std::to_string(W::op_type::parameters * rows);
      if (fusing_)
        steps_.back()[0] += " + " + w.text();
      else
        steps_.push_back({w.text(), ""});
      if (fusing_) steps_.back()[1] = "fused: one loop over each row";
      fusing_ = true;
    }
    words_.push_back({w.text(), std::to_string(D), support, parameters, cost});
  }

  program_type program_;
  std::vector<std::vector<std::string>> words_, steps_;
  bool fusing_ = false;
};

} // namespace detail

/// Each word with event size, support after it, parameters and the multiply-adds a sample that its
/// network takes in either direction; then the normal form that runs.
template <class E>
  requires(base<E> || expression<E>)
std::string describe(const E& e) {
  return detail::description<E>(e).text();
}
/// The same for words without a base, on D variables.
template <int D, class E>
  requires(word<E> || chain<E> || transformer_item<E>)
std::string describe(const E& e) {
  using words = words_of<decltype(detail::as_word(e))>;
  return describe(detail::open_end<D, detail::start_of<D, words>()>{} | e);
}

} // namespace bijou::inline BIJOU_ISA
