/// \file
/// Any bytes as the checkpoint of a run: the run goes on from it, or refuses it and the flow stays.

#include <bijou/io/checkpoint.hpp>

#include "readers.hpp"

using namespace bijou;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return fuzz::feed(data, size, [](const io::safetensors& file) {
    fuzz::resume_run(detail::checkpoint_content(file, "file"));
  });
}
