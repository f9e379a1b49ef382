/// \file
/// Any bytes as the file of a flow: taken as they are, or refused and nothing changes.

#include "readers.hpp"

using namespace bijou;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  return fuzz::mutate(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    fuzz::load_into_flows(io::safetensors::read(std::as_bytes(std::span(data, size)), "file"));
  } catch (const io::file_error& e) {
    fuzz::check_message(e.what(), "file: ");
  }
  return 0;
}
