#pragma once
/// \file
/// An expression as it could be written.

#include <bijou/grammar/expression.hpp>

#include <string>

namespace bijou::inline BIJOU_ISA {

/// "normal<8> | iaf<64> | flip | iaf<64>". Seeds are left out: they are no part of the
/// architecture.
template <class E> std::string expression_text(const E& e) {
  if constexpr (base_item<E> || word_item<E>)
    return e.text();
  else
    return expression_text(e.prefix()) + " | " + e.last().text();
}

} // namespace bijou::inline BIJOU_ISA
