#pragma once
/// \file
/// Cases of one autoregressive network.

#include <string>

#include "agreement.hpp"

namespace bijou::testing {

/// A case of an autoregressive word: order, masks and weights come from the case. C is the size of
/// the context, `network` the prefix of Pyro's names.
template <int D, int C = 0, class Word>
void check_autoregressive(const std::string& name, const Word& word,
                          const std::string& network = "arn.") {
  // Word 0 moves the base (agreement.hpp); a given<C> counts as a word, too.
  const std::string ours = C > 0 ? "layers.2.arn." : "layers.1.arn.";
  const auto install = [&](auto& q, const reference_case& c) { install_arn<0>(q, c, network); };
  check_word<D, C>(name, word, install, renamed(network, ours));
}

} // namespace bijou::testing
