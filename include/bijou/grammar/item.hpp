#pragma once
/// \file
/// What may stand in an expression: bases, words, and what `|` makes of them.
///
/// Items carry a nested tag, not a shared base class: two empty objects of one type may not share
/// an address, and a common base would cost a byte a word.

#include <bijou/kernels/isa.hpp>

#include <boost/hana/basic_tuple.hpp>

#include <concepts>
#include <string>
#include <type_traits>

namespace bijou::inline BIJOU_ISA {

struct base_tag {};
struct word_tag {};
struct expression_tag {}; ///< begins with a base
struct chain_tag {};      ///< words without a base
struct transformer_tag;

template <class T> using tag_of = typename T::bijou_tag;

template <class T>
concept grammar_item = requires { typename T::bijou_tag; };
template <class T>
concept base_item = grammar_item<T> && std::same_as<tag_of<T>, base_tag>;
template <class T>
concept word_item = grammar_item<T> && std::same_as<tag_of<T>, word_tag>;
template <class T>
concept expression_item = grammar_item<T> && std::same_as<tag_of<T>, expression_tag>;
template <class T>
concept chain_item = grammar_item<T> && std::same_as<tag_of<T>, chain_tag>;
template <class T>
concept transformer_item = grammar_item<T> && std::same_as<tag_of<T>, transformer_tag>;

/// What a word does, as far as the normal form is concerned.
enum class rule : unsigned char {
  learned,     ///< mixes variables: a layer of its own
  permutation, ///< reorders variables: becomes row tables
  elementwise, ///< maps each variable by itself: fuses with its neighbours
  context      ///< given<C>: no map at all
};

/// A list of types; the only thing that grammar passes around at compile time.
template <class... T> struct types {
  static constexpr int size = sizeof...(T);
};

/// How a struct of a user is written: its own text() with options, its name, or what stands for
/// both.
template <class F> std::string text_or_name(const F& f, const char* otherwise) {
  if constexpr (requires { f.text(); })
    return f.text();
  else if constexpr (requires { F::name; })
    return F::name;
  else
    return otherwise;
}

/// Always false, for a static_assert that fires when its template is instantiated.
template <class...> inline constexpr bool never = false;

} // namespace bijou::inline BIJOU_ISA
