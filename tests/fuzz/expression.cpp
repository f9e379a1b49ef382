/// \file
/// Any bytes as the text that says what a file is of: written if they are UTF-8, and then read
/// again as they were; compared with the flow's own text, and shown in a message fit to read.

#include <stdexcept>
#include <string>
#include <vector>

#include "readers.hpp"

using namespace bijou;
using fuzz::always;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const std::string own = fuzz::flow_text();
  const std::string text(reinterpret_cast<const char*>(data), size);
  if (text == io::detail::metadata_name) return 0;

  std::string header;
  const io::metadata_map metadata{{"expression", text}};
  try {
    header = io::detail::print_header(metadata, {{text, {io::dtype::u8, {0}, 0, 0}}});
  } catch (const std::invalid_argument&) {
    always(!fuzz::is_utf8(text), "UTF-8 is written");
    return 0;
  }
  always(fuzz::is_utf8(text), "what is no UTF-8 is not written");
  const auto bytes = fuzz::joined(header, {});
  const auto file = io::safetensors::read(std::span(bytes), "file");
  always(file.metadata() == metadata, "the text after a round trip");
  always(file.names() == std::vector{text}, "the name after a round trip");
  always(!fuzz::load_into_flows(file), "a file without parameters is refused");
  const auto named = fuzz::bytes_of({{{"expression", own}}, {{text, "F64", {0}, {}}}});
  always(!fuzz::load_into_flows(io::safetensors::read(std::span(named), "file")),
         "a tensor of any name is refused");
  training_state state;
  state.run = {{"training", "fit"}, {"expression", text}};
  always(!fuzz::resume_run(state), "a foreign checkpoint is refused");
  return 0;
}
