#pragma once
/// \file
/// `channel_permute<C>`: the invertible 1 x 1 convolution of an image of C channels.
///
/// The D = C x pixels variables are channel after channel (C, H, W). At each pixel the C numbers
/// are multiplied with one matrix, y = P L U x: P a fixed permutation, L lower triangular with ones
/// on its diagonal, U upper triangular with a diagonal u of either sign;
/// log|det dy/dx| = pixels sum_c log|u_c|. The inverse undoes P, L and U at each pixel. All of R^D
/// to all of R^D, where no u_c is 0.
///
/// Kingma and Dhariwal 2018 (1807.03039), section 3.2 and equation 10; Pyro's
/// `GeneralizedChannelPermute`.

#include <bijou/bijectors/mixing.hpp>
#include <bijou/layers/index_table.hpp>
#include <bijou/reverse/channels.hpp>

#include <array>
#include <cstddef>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

namespace detail {

/// The formulas of `channel_permute<C>`; it begins as the permutation alone. Cost of a sample:
/// C (C + 1) multiply-adds a pixel in either direction; of the inverse C quotients a pixel as well.
/// A tile takes C logarithms.
template <int C> struct channel_permute_map {
  static constexpr int channels = C;
  template <int D> static constexpr int kept = 2 * D;
  static constexpr std::array parameters{parameter{"lower", C, C}.below_diagonal(),
                                         parameter{"upper", C, C}.above_diagonal(),
                                         parameter{"diagonal", C}.normal(1, 0)};

  index_table<C> order = identity_order<C>(); ///< y's channel -> channel of L U x
  index_table<C> place = identity_order<C>(); ///< the inverse of `order`

  std::string text() const {
    const std::string word = "channel_permute<" + std::to_string(C) + ">";
    return order == identity_order<C>() ? word : word + ".order(" + order_text(order) + ")";
  }
  void prepare(const auto& l, const auto& u, const auto& scales, const auto& then) const {
    auto sizes = abs(scales);
    auto logs = log(sizes);
    then(l, u, scales, logs);
  }
  void forward(const auto& x, auto& y, const auto& l, const auto& u, const auto& scales,
               const auto& logs) const {
    auto halfway = multiply_channels<upper>(u, scales, x, y.kept());
    auto mixed = multiply_channels<lower>(l, 1, halfway, y.kept());
    auto moved = reverse_mode::reorder_channels<C>(mixed, order.data());
    auto shares = logs * pixels_of(x);
    y.log_det(shares);
    y.set(moved);
  }
  void inverse(const auto& y, auto& x, const auto& l, const auto& u, const auto& scales,
               const auto& logs) const {
    auto mixed = reverse_mode::reorder_channels<C>(y, place.data());
    auto halfway = solve_channels<lower>(l, 1, mixed, x.kept());
    auto moved = solve_channels<upper>(u, scales, halfway, x.kept());
    auto shares = logs * -pixels_of(y);
    x.log_det(shares);
    x.set(moved);
  }

 private:
  static constexpr auto lower = reverse_mode::triangle::lower;
  static constexpr auto upper = reverse_mode::triangle::upper;
  template <class Image> static constexpr int pixels_of(const Image&) { return Image::size / C; }
};

} // namespace detail

/// The word. `.order({...})`: channel c of y is channel order[c] of L U x (default: 0, 1, 2 ...).
template <int C> struct channel_permute_t : mixing_t<detail::channel_permute_map<C>> {
  /// \throws std::invalid_argument (a compile error in a constexpr expression) if it is no
  /// permutation of C channels.
  constexpr channel_permute_t order(const std::array<int, static_cast<std::size_t>(C)>& o) const {
    detail::check_permutation("channel_permute", o);
    channel_permute_t made = *this;
    made.map.order = o;
    made.map.place = detail::inverted_order(o);
    return made;
  }
};

/// An invertible 1 x 1 convolution of images of C channels, C x pixels variables:
/// `normal<3 * 64> | channel_permute<3> | coupling<64>(affine)`.
template <int C>
  requires(C > 0)
inline constexpr channel_permute_t<C> channel_permute{};

} // namespace bijou::inline BIJOU_ISA
