#pragma once
/// \file
/// `on<rows...>(word)`: an elementwise word on some variables only, the rest untouched.

#include <bijou/grammar/pipe.hpp>

#include <algorithm>
#include <string>

namespace bijou::inline BIJOU_ISA {

/// An elementwise word on the variables `Rows...` (counted from 0).
template <class W, int... Rows> struct on_t {
  using bijou_tag = word_tag;
  using op_type = typename W::op_type;
  static constexpr rule what = rule::elementwise;
  static constexpr int size = 0;
  static constexpr bool invertible = W::invertible;
  static constexpr kind domain = W::domain; // of the selected rows
  static constexpr kind image = W::image;
  [[no_unique_address]] W inner;

  static constexpr bool selects(int row) { return (false || ... || (row == Rows)); }
  static constexpr int largest = std::max({-1, Rows...});

  template <int D> static constexpr misfit fits(const place<D>& p) {
    return fits_kind(p, W::domain);
  }
  template <int D> static constexpr place<D> after(const place<D>& p) {
    return with_kind(p, W::image);
  }
  template <int D> static constexpr misfit fits_back(const place<D>& p) {
    return fits_kind(p, W::image);
  }
  template <int D> static constexpr place<D> before(const place<D>& p) {
    return with_kind(p, W::domain);
  }
  constexpr op_type op() const { return inner.op(); }
  std::string text() const {
    std::string rows;
    ((rows += (rows.empty() ? "" : ", ") + std::to_string(Rows)), ...);
    return "on<" + rows + ">(" + inner.text() + ")";
  }

 private:
  template <int D> static constexpr misfit fits_kind(const place<D>& p, kind k) {
    if (((Rows < 0 || Rows >= D) || ...)) return misfit::few;
    return ((p.support[static_cast<std::size_t>(Rows)] == k) && ...) ? misfit::none
                                                                     : misfit::support;
  }
  template <int D> static constexpr place<D> with_kind(place<D> p, kind k) {
    ((p.support[static_cast<std::size_t>(Rows)] = k), ...);
    return p;
  }
};

namespace detail {
/// Whether there are rows, none negative and none twice.
template <int... Rows> constexpr bool distinct_rows() {
  const auto times = [](int row) { return (0 + ... + (row == Rows)); };
  return sizeof...(Rows) > 0 && ((Rows >= 0 && times(Rows) == 1) && ...);
}
} // namespace detail

/// Applies an elementwise word to the variables `Rows...` only: `on<1, 2>(sigmoid_map)`.
template <int... Rows, grammar_item W> constexpr auto on(W w) {
  using word_type = decltype(detail::as_word(w));
  constexpr bool is_elementwise = word_item<word_type> && requires { typename word_type::op_type; };
  static_assert(is_elementwise,
                "bijou: on<rows...>(word) takes one elementwise word, such as exp_map, affine or "
                "elementwise(my_map{})");
  constexpr bool are_rows = detail::distinct_rows<Rows...>();
  static_assert(are_rows, "bijou: on<rows...>(word) takes one row or more, counted from 0, each "
                          "once");
  if constexpr (is_elementwise && are_rows)
    return on_t<word_type, Rows...>{detail::as_word(w)};
  else
    return detail::refused_t{};
}

} // namespace bijou::inline BIJOU_ISA
