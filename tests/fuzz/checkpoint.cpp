/// \file
/// Any bytes as the checkpoint of a run: the run goes on from it, or refuses it and the flow stays.

#include <bijou/io/checkpoint.hpp>

#include "readers.hpp"

using namespace bijou;

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  return fuzz::mutate(data, size, most, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  try {
    const auto file = io::safetensors::read(std::as_bytes(std::span(data, size)), "file");
    fuzz::resume_run(detail::checkpoint_content(file, "file"));
  } catch (const io::file_error& e) {
    fuzz::check_message(e.what(), "file: ");
  }
  return 0;
}
