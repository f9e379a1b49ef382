#pragma once
/// \file
/// What the fuzz targets share: safetensors files put together without the library, and what must
/// hold of a refusal.

#include <bijou/io/safetensors.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bijou::fuzz {

/// Ends the program where something that always holds does not: the fuzzer keeps its input.
inline void always(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "does not hold: %s\n", what);
  std::abort();
}

/// Whether the bytes are UTF-8 (The Unicode Standard, table 3-7).
inline bool is_utf8(std::string_view text) {
  const auto within = [&](std::size_t i, unsigned low, unsigned high) {
    if (i >= text.size()) return false;
    const auto c = static_cast<unsigned char>(text[i]);
    return c >= low && c <= high;
  };
  for (std::size_t i = 0; i < text.size();) {
    std::size_t more = 0;
    if (within(i, 0xC2, 0xDF))
      more = 1;
    else if (within(i, 0xE0, 0xEF))
      more = 2;
    else if (within(i, 0xF0, 0xF4))
      more = 3;
    else if (!within(i, 0, 0x7F))
      return false;
    const auto lead = static_cast<unsigned char>(text[i]);
    if (more > 0 && !within(i + 1,
                            lead == 0xE0   ? 0xA0U
                            : lead == 0xF0 ? 0x90U
                                           : 0x80U,
                            lead == 0xED   ? 0x9FU
                            : lead == 0xF4 ? 0x8FU
                                           : 0xBFU))
      return false;
    for (std::size_t k = 2; k <= more; ++k)
      if (!within(i + k, 0x80, 0xBF)) return false;
    i += 1 + more;
  }
  return true;
}

/// A refusal is a sentence: it begins with the file, is no longer than one can read, and commands
/// no terminal.
inline void check_message(std::string_view text, std::string_view begin) {
  always(text.starts_with(begin), "a refusal names what it refuses");
  always(text.size() < 4000, "a refusal is short");
  always(is_utf8(text), "a refusal is UTF-8");
  for (std::size_t i = 0; i < text.size(); ++i) {
    const auto c = static_cast<unsigned char>(text[i]);
    const bool second_set = c == 0xC2 && static_cast<unsigned char>(text[i + 1]) < 0xA0;
    always(c >= 0x20 && c != 0x7F && !second_set, "a refusal has no control characters");
  }
}

struct tensor {
  std::string name, type;
  std::vector<std::size_t> shape;
  std::vector<std::byte> bytes;
};
struct file {
  std::vector<std::pair<std::string, std::string>> metadata;
  std::vector<tensor> tensors;
};

/// JSON of a text, with all that is not plain ASCII as it is.
inline std::string json_text(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') result += '\\';
    if (static_cast<unsigned char>(c) < 0x20) {
      std::array<char, 8> escape{};
      std::snprintf(escape.data(), escape.size(), "\\u%04x", static_cast<unsigned>(c));
      result += escape.data();
    } else {
      result += c;
    }
  }
  return result + "\"";
}

inline std::vector<std::byte> joined(const std::string& header, std::span<const std::byte> data) {
  std::vector<std::byte> bytes(8 + header.size() + data.size());
  const std::uint64_t length = header.size();
  std::memcpy(bytes.data(), &length, 8);
  std::memcpy(bytes.data() + 8, header.data(), header.size());
  std::copy(data.begin(), data.end(), bytes.begin() + 8 + static_cast<std::ptrdiff_t>(length));
  return bytes;
}

inline std::vector<std::byte> bytes_of(const file& f) {
  std::string header = "{\"__metadata__\":{";
  for (std::size_t i = 0; i < f.metadata.size(); ++i)
    header += (i == 0 ? "" : ",") + json_text(f.metadata[i].first) + ":" +
              json_text(f.metadata[i].second);
  header += "}";
  std::vector<std::byte> data;
  for (const tensor& t : f.tensors) {
    const std::size_t begin = data.size();
    data.insert(data.end(), t.bytes.begin(), t.bytes.end());
    header += "," + json_text(t.name) + R"(:{"dtype":")" + t.type + R"(","shape":[)";
    for (std::size_t i = 0; i < t.shape.size(); ++i)
      header += (i == 0 ? "" : ",") + std::to_string(t.shape[i]);
    header +=
        "],\"data_offsets\":[" + std::to_string(begin) + "," + std::to_string(data.size()) + "]}";
  }
  return joined(header + "}", data);
}

inline file content_of(const io::safetensors& s) {
  file f;
  for (const auto& [key, value] : s.metadata()) f.metadata.emplace_back(key, value);
  for (const auto& name : s.names()) {
    const io::tensor_view view = s.tensor(name);
    f.tensors.push_back({name,
                         std::string(io::to_string(view.type)),
                         view.shape,
                         {view.bytes.begin(), view.bytes.end()}});
  }
  return f;
}

/// The bytes read as a file and given to f: taken, or refused with a sentence.
template <class F> int feed(const std::uint8_t* data, std::size_t size, const F& f) {
  const auto bytes = std::as_bytes(std::span(data, size));
  try {
    f(io::safetensors::read(bytes, "file"));
  } catch (const io::file_error& e) {
    check_message(e.what(), "file: ");
  }
  return 0;
}

} // namespace bijou::fuzz
