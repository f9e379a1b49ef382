/// \file
/// Any bytes as a safetensors file: read as the format says, or refused with a sentence.
///
/// What is accepted is compared with what nlohmann's own tree of the header says.

#include <nlohmann/json.hpp>

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "file.hpp"

namespace io = bijou::io;
using bijou::fuzz::always;

namespace {

void compare_with_tree(std::span<const std::byte> bytes, const io::safetensors& file) {
  std::uint64_t length = 0;
  always(bytes.size() >= 8, "a file has a length");
  std::memcpy(&length, bytes.data(), 8);
  always(length <= 100'000'000 && length <= bytes.size() - 8, "the header is in the file");
  const std::string text(reinterpret_cast<const char*>(bytes.data()) + 8, length);
  const auto data = bytes.subspan(8 + length);
  const auto tree = nlohmann::json::parse(text);
  std::size_t tensors = 0, metadata = 0;
  std::map<std::uint64_t, std::uint64_t> pieces; // of the data: begin, end
  for (const auto& [name, value] : tree.items()) {
    if (name == "__metadata__") {
      for (const auto& [key, word] : value.items())
        always(file.metadata().at(key) == word.get<std::string>(), "metadata as in the tree");
      metadata = value.size();
      continue;
    }
    ++tensors;
    const auto view = file.tensor(name);
    always(value.size() == 3, "three fields");
    always(value.at("dtype").get<std::string>() == io::to_string(view.type), "the type");
    always(value.at("shape").get<std::vector<std::size_t>>() == view.shape, "the shape");
    always(view.shape.size() <= 64, "64 axes");
    unsigned __int128 count = io::size_of(view.type);
    for (const std::size_t extent : view.shape) {
      count *= extent;
      always(count < (static_cast<unsigned __int128>(1) << 64U), "no product overflows");
    }
    const auto offsets = value.at("data_offsets").get<std::vector<std::uint64_t>>();
    always(offsets.size() == 2 && offsets[0] <= offsets[1], "two offsets in order");
    always(offsets[1] <= data.size() && count == offsets[1] - offsets[0], "offsets and shape");
    always(view.bytes.size() == count, "as many bytes");
    always(std::equal(view.bytes.begin(), view.bytes.end(),
                      data.begin() + static_cast<std::ptrdiff_t>(offsets[0])),
           "the tensor's bytes");
    if (offsets[0] < offsets[1])
      always(pieces.emplace(offsets[0], offsets[1]).second, "no two begin alike");
  }
  std::uint64_t end = 0;
  for (const auto& [first, last] : pieces) {
    always(first == end, "no overlap, no hole");
    end = last;
  }
  always(end == data.size(), "the tensors are all of the data");
  always(tensors == file.names().size() && metadata == file.metadata().size(), "nothing more");
}

template <class T> void convert(const io::safetensors& file, const std::string& name) {
  try {
    always(file.as<T>(name, bijou::io::conversion::floating).size() <=
               file.tensor(name).bytes.size(),
           "no more values than bytes");
  } catch (const io::file_error& e) {
    bijou::fuzz::check_message(e.what(), "file: ");
  }
}

} // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  return bijou::fuzz::feed(data, size, [&](const io::safetensors& file) {
    compare_with_tree(std::as_bytes(std::span(data, size)), file);
    for (const auto& name : file.names()) {
      convert<float>(file, name);
      convert<double>(file, name);
      convert<bool>(file, name);
      convert<std::int64_t>(file, name);
      convert<std::uint8_t>(file, name);
    }
    // Written by other means and read again it is the same.
    const auto again = bijou::fuzz::bytes_of(bijou::fuzz::content_of(file));
    const auto second = io::safetensors::read(std::span(again), "again");
    always(second.metadata() == file.metadata(), "metadata after a round trip");
    always(second.names() == file.names(), "names after a round trip");
  });
}
