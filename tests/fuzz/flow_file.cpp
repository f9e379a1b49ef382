/// \file
/// Any bytes as the file of a flow: taken as they are, or refused and nothing changes.

#include "readers.hpp"

using namespace bijou;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::feed(data, size, fuzz::load_into_flows);
}
