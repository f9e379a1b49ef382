// Expressions as types: they have no size, they are flattened and brought to their normal form.
// The rules are checked by the compiler: this file compiles, or the grammar is broken.
#include <bijou/bijou.hpp>

#include <type_traits>

#include "../catch.hpp"

using namespace bijou;

namespace {

// --- size ----------------------------------------------------------------------------------------

template <class E> constexpr bool is_weightless(const E&) {
  return sizeof(E) == 1 && std::is_empty_v<E> && std::is_trivially_copyable_v<E>;
}
static_assert(is_weightless(normal<8>));
static_assert(is_weightless(iaf<64> | flip | iaf<64>));
static_assert(is_weightless(normal<8> | iaf<64> | flip | iaf<64>));
static_assert(is_weightless(normal<8> | maf<64, 64> | maf<64, 64> | maf<64, 64> | maf<64, 64>));
static_assert(is_weightless(normal<4> | given<3> | iaf<32>.activation(activations::silu).skip()));
static_assert(is_weightless(normal<4> | coupling<32>(affine) | flip | coupling<32>(gated)));
static_assert(is_weightless(uniform<4> | coupling<32>(rational_quadratic<8>.unit_box())));
static_assert(is_weightless(normal<4> | affine | on<1, 2>(sigmoid_map) |
                            inverse(on<1>(sigmoid_map))));
// An option costs its own bytes and no more.
static_assert(sizeof(normal<8> | iaf<64>.seed(3) | flip | iaf<64>) == sizeof(std::uint64_t));
static_assert(sizeof(normal<3> | permute({2, 0, 1}) | iaf<64>) == 3 * sizeof(int));

// --- names and brackets --------------------------------------------------------------------------

template <class A, class B> constexpr bool same_type(const A&, const B&) {
  return std::is_same_v<A, B>;
}
constexpr auto base_of_four = normal<4>;
constexpr auto layer = iaf<64>;
constexpr auto block = layer | flip;
static_assert(same_type(base_of_four | block | block, normal<4> | iaf<64> | flip | iaf<64> | flip));
static_assert(same_type(normal<4> | (exp_map | inverse(exp_map)),
                        normal<4> | exp_map | inverse(exp_map)));
static_assert(same_type(normal<4> | ((iaf<8> | flip) | (flip | (maf<8> | affine))),
                        normal<4> | iaf<8> | flip | flip | maf<8> | affine));
// given<C> comes first in a chain, too.
static_assert(same_type(normal<4> | (given<2> | iaf<8>), normal<4> | given<2> | iaf<8>));

// --- inverses ------------------------------------------------------------------------------------

constexpr auto f = autoregressive<8>(gated);
constexpr auto g = coupling<8>(affine);
constexpr auto on_row = on<0>(exp_map);
static_assert(same_type(inverse(inverse(f)), f));
static_assert(same_type(inverse(inverse(exp_map)), exp_map));
static_assert(same_type(inverse(inverse(on_row)), on_row));
static_assert(same_type(inverse(inverse(f | flip | g | on_row)), f | flip | g | on_row));
static_assert(same_type(inverse(f | g), inverse(g) | inverse(f)));
static_assert(same_type(inverse(f | (flip | exp_map)), inverse(exp_map) | flip | inverse(f)));
static_assert(same_type(inverse(flip), flip));
static_assert(same_type(inverse(inverse(shuffle(7))), shuffle(7)));
static_assert(same_type(inverse(on_row), on<0>(inverse(exp_map))));
static_assert(same_type(maf<8>, inverse(autoregressive<8>(affine))));
static_assert(same_type(inverse(maf<8>.skip()), autoregressive<8>(affine).skip()));

// --- the normal form -----------------------------------------------------------------------------

template <class E> using normal_form_of = normal_form<words_of<std::remove_const_t<E>>>;
template <class... Steps, class E> constexpr bool becomes(const E&) {
  return std::is_same_v<normal_form_of<E>, types<Steps...>>;
}
using iaf_t = std::remove_const_t<decltype(iaf<8>)>;
using maf_t = std::remove_const_t<decltype(maf<8>)>;
using exp_t = std::remove_const_t<decltype(exp_map)>;
using log_t = decltype(inverse(exp_map));
using affine_word = free_parameters<affine_t>;
using permute3 = permute_t<3>;
using shuffle_word = shuffle_t<false>;
constexpr auto turn = permute({1, 2, 0});

// A word alone; nothing at all; given<C> is no step.
static_assert(becomes<ordered<iaf_t>>(normal<3> | iaf<8>));
static_assert(becomes<>(normal<3>));
static_assert(becomes<ordered<iaf_t>>(normal<3> | given<2> | iaf<8>));
// Neighbouring permutations group, and two flips cancel.
static_assert(becomes<rows<permute3, flip_t>>(normal<3> | turn | flip));
static_assert(becomes<rows<permute3, shuffle_word, permute3>>(normal<3> | turn | shuffle(1) |
                                                              turn));
static_assert(becomes<>(normal<3> | flip | flip));
static_assert(becomes<rows<permute3>>(normal<3> | flip | flip | turn));
static_assert(becomes<rows<flip_t>>(normal<3> | flip | flip | flip));
// A permutation moves into the learned word behind it, and on towards the data.
static_assert(becomes<ordered<iaf_t, flip_t>, rows<flip_t>>(normal<3> | flip | iaf<8>));
static_assert(becomes<ordered<iaf_t>, rows<flip_t>>(normal<3> | iaf<8> | flip));
static_assert(becomes<ordered<iaf_t>, ordered<maf_t, flip_t>, ordered<iaf_t>>(normal<3> | iaf<8> |
                                                                              flip | maf<8> | flip |
                                                                              iaf<8>));
static_assert(becomes<ordered<iaf_t, permute3, flip_t>, rows<permute3, flip_t>>(normal<3> | turn |
                                                                                flip | iaf<8>));
// Neighbouring elementwise words fuse, across permutations too; a learned word parts them.
static_assert(becomes<fused<affine_word, exp_t>>(normal<3> | affine | exp_map));
static_assert(becomes<fused<affine_word, exp_t, log_t>>(normal<3> | affine | exp_map |
                                                        inverse(exp_map)));
static_assert(becomes<fused<exp_t, log_t>, rows<flip_t>>(normal<3> | exp_map | flip |
                                                         inverse(exp_map)));
static_assert(becomes<fused<affine_word>, ordered<iaf_t>, fused<affine_word, exp_t>>(
    normal<3> | affine | iaf<8> | affine | exp_map));
// All rules at once.
static_assert(becomes<ordered<iaf_t>, fused<affine_word, affine_word>, ordered<maf_t, flip_t>,
                      fused<exp_t>, rows<flip_t, permute3>>(normal<3> | iaf<8> | affine | flip |
                                                            affine | maf<8> | turn | exp_map));

// --- options are constexpr -----------------------------------------------------------------------

constexpr auto with_options =
    iaf<64, 32>.sigmoid_bias(1.5).activation(activations::silu).order({2, 0, 1}).skip().seed(3);
static_assert(with_options.transformer.bias == 1.5);
static_assert(with_options.order_.indices == std::array{2, 0, 1});
static_assert(with_options.seed_.value == 3);
static_assert(maf<8>.order({1, 0}).seed(4).inner.seed_.value == 4);
constexpr auto whole = normal<3> | with_options | turn |
                       inverse(standardise(std::array{1.0, 2.0, 3.0}, std::array{1.0, 1.0, 2.0}));
static_assert(whole.last().inner.mean[2] == 3.0);

} // namespace

TEST_CASE("an expression is written as it was read", "[grammar]") {
  CHECK(expression_text(normal<8> | iaf<64> | flip | iaf<64>) ==
        "normal<8> | iaf<64> | flip | iaf<64>");
  CHECK(expression_text(whole) ==
        "normal<3> | autoregressive<64, 32>(gated.sigmoid_bias(1.5))"
        ".activation(activations::silu).order({2, 0, 1}).skip() | permute({1, 2, 0}) | "
        "inverse(standardise({1, 2, 3}, {1, 1, 2}))");
  CHECK(expression_text(inverse(maf<8> | on<0, 2>(exp_map) | shuffle(5))) ==
        "inverse(shuffle(5)) | on<0, 2>(inverse(exp_map)) | autoregressive<8>(affine)");
}
