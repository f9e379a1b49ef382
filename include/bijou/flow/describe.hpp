#pragma once
/// \file
/// `describe(expression)`: what the compiler knows of an expression, as text to print.

#include <bijou/flow/make_flow.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// Supports in order, equal neighbours counted: "8 x line", "line, positive, 2 x unit".
template <int D> std::string support_text(const place<D>& p) {
  std::string s;
  for (std::size_t i = 0, next = 0; i < p.support.size(); i = next) {
    while (next < p.support.size() && p.support[next] == p.support[i]) ++next;
    s += (i ? ", " : "") + (next - i > 1 ? std::to_string(next - i) + " x " : std::string()) +
         to_string(p.support[i]);
  }
  return s;
}

/// One entry of a list in a word's text, six digits of a number.
inline std::string entry_text(const std::string& entry) {
  char* end = nullptr;
  const double v = std::strtod(entry.c_str(), &end);
  if (entry.size() <= 8 || *end != '\0') return entry;
  char text[32];
  std::snprintf(text, sizeof text, "%.6g", v);
  return text;
}

/// A word's text with its lists cut to what a reader looks at: "permute({5, 1, 4, ..., 7})".
inline std::string shortened(const std::string& text) {
  constexpr std::size_t shown = 3, most = 8;
  std::string result;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t open = text.find('{', at);
    const std::size_t close = text.find('}', open);
    if (close == std::string::npos) return result + text.substr(at);
    result += text.substr(at, open + 1 - at);
    std::vector<std::string> entries;
    for (std::size_t i = open + 1; i < close;) {
      const std::size_t comma = std::min(text.find(", ", i), close);
      entries.push_back(entry_text(text.substr(i, comma - i)));
      i = comma == close ? close : comma + 2;
    }
    const bool cut = entries.size() > most;
    for (std::size_t i = 0; i < entries.size(); ++i) {
      result += (i ? ", " : "") + entries[i];
      if (cut && i + 1 == shown) {
        result += ", ...";
        i = entries.size() - 2;
      }
    }
    result += '}';
    at = close + 1;
  }
  return result;
}

inline std::string rows_text(const int* table, int n) {
  std::string s;
  for (int i = 0; i < n; ++i) s += (i ? ", " : "{") + std::to_string(table[i]);
  return shortened(s + "}");
}

/// Rows of cells, padded to columns; numbers to the right.
inline std::string aligned_columns(const std::vector<std::vector<std::string>>& rows,
                                   std::size_t first_number) {
  std::vector<std::size_t> width;
  for (const auto& row : rows)
    for (std::size_t c = 0; c < row.size(); ++c) {
      if (c >= width.size()) width.push_back(0);
      width[c] = std::max(width[c], row[c].size());
    }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (std::size_t c = 0; c < row.size(); ++c) {
      const std::string space(width[c] - row[c].size(), ' ');
      line += (c ? "  " : "") + (c < first_number ? row[c] + space : space + row[c]);
    }
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

/// What a learned word costs in one direction.
enum class effort : unsigned char {
  pass, ///< all outputs at once
  sweep ///< one variable after another, each weight used once
};
/// Only autoregressive words have a direction that must sweep.
template <class W> constexpr std::array<effort, 2> efforts(const W& w) {
  if constexpr (requires { W::sweeps; })
    return {effort::pass, effort::sweep};
  else if constexpr (requires { w.inner.sweeps; })
    return {effort::sweep, effort::pass};
  else
    return {effort::pass, effort::pass};
}

/// One row for each word, and one for each step of the normal form.
template <class E> class description {
  using program_type = program<float, E>;
  using facts = typename program_type::facts;
  static constexpr int D = program_type::size;

 public:
  explicit description(const E& e) : program_(e) {
    words_.push_back({"", "variables", "parameters", "forward ", "inverse "});
    describe_words<facts::count - 1>(e);
    const std::string cost = std::to_string(multiply_adds_) + " ";
    words_.push_back({"in all", "", std::to_string(program_.structural_count()), cost, cost});
    if (!is_identity(program_.position().data(), D))
      steps_.push_back("variables of the data from rows " +
                       rows_text(program_.position().data(), D));
  }

  std::string text() const {
    std::string s =
        aligned_columns(words_, 2) + "forward, inverse: multiply-adds of a sample in the networks";
    if (sweeps_) s += "; * goes variable by variable";
    s += "\n\nas it runs, in tiles of " + std::to_string(program_type::lanes) +
         " samples (float):\n";
    if (steps_.empty()) s += "  nothing but the base\n";
    for (const std::string& step : steps_) s += "  " + step + "\n";
    for (const std::string& note : notes_) s += note + "\n";
    return s + std::to_string(program_.structural_count()) + " parameters, stored in " +
           std::to_string(program_.parameter_count()) + " numbers\n";
  }

 private:
  template <int I, class P> void describe_words(const P& e) {
    if constexpr (base_item<P>) {
      words_.push_back({e.text(), support_text(P::at)});
    } else {
      describe_words<I - 1>(e.prefix());
      describe_word<I>(e.last(), support_text(place_after<P>::value));
    }
  }

  template <int I, class W> void describe_word(const W& w, const std::string& support) {
    constexpr int at = facts::layer_of[static_cast<std::size_t>(I)];
    const std::string name = shortened(w.text());
    std::vector<std::string> row{name, support};
    if constexpr (W::what == rule::learned) {
      const auto& layer = program_.template layer<at>();
      long n = 0;
      if constexpr (requires { layer.network(); }) n = layer.network().multiply_adds();
      row.push_back(std::to_string(layer.structural_count()));
      for (const effort how : efforts(w)) {
        row.push_back(std::to_string(n) + (how == effort::sweep ? "*" : " "));
        sweeps_ = sweeps_ || how == effort::sweep;
      }
      if (!W::invertible) row.back() = "none ";
      if (const char* how = inverse_by(w)) note(name + ": inverse by " + how);
      if constexpr (requires { w.inner; })
        if (const char* how = inverse_by(w.inner)) note(name + ": forward by " + how);
      multiply_adds_ += n;
      const std::vector<int> rows = layer.row_table();
      const bool plain = is_identity(rows.data(), D);
      steps_.push_back(plain ? name : name + " on rows " + rows_text(rows.data(), D));
      fused_ = 0;
    } else if constexpr (W::what == rule::elementwise) {
      int rows = 0;
      for (int v = 0; v < D; ++v) rows += w.selects(v);
      if (const int n = W::op_type::parameters * rows; n > 0) row.push_back(std::to_string(n));
      if (++fused_ == 1)
        steps_.push_back(name);
      else
        steps_.back() = (fused_ == 2 ? "in one loop: " : "") + steps_.back() + " + " + name;
    }
    words_.push_back(row);
  }

  /// How a word solves for its inverse; null if it has a formula.
  template <class W> static const char* inverse_by(const W&) {
    if constexpr (requires { W::inverse_by; })
      return W::inverse_by;
    else
      return nullptr;
  }
  void note(const std::string& text) {
    if (std::find(notes_.begin(), notes_.end(), text) == notes_.end()) notes_.push_back(text);
  }

  program_type program_;
  std::vector<std::vector<std::string>> words_;
  std::vector<std::string> steps_, notes_;
  long multiply_adds_ = 0;
  int fused_ = 0; // elementwise words of the last step
  bool sweeps_ = false;
};

} // namespace detail

/// Each word with the variables behind it and their supports, its parameters and what it costs in
/// each direction; then the normal form that runs. Not for parsing: the layout may change.
template <grammar_item E> std::string describe(const E& e) {
  constexpr bool has_base = base_item<E> || expression_item<E>;
  static_assert(has_base, "bijou: describe(expression) is for base | word; without a base it needs "
                          "the number of variables: describe<D>(word | word)");
  if constexpr (has_base)
    return detail::description<E>(e).text();
  else
    return {};
}
/// The same for words without a base, on D variables.
template <int D, class E>
  requires(word_item<E> || chain_item<E> || transformer_item<E>)
std::string describe(const E& e) {
  using words = words_of<decltype(detail::as_word(e))>;
  return describe(detail::open_end<D, detail::start_of<D, words>()>{} | e);
}

} // namespace bijou::inline BIJOU_ISA
