#pragma once
/// \file
/// What the fuzz targets share: safetensors files put together without the library, changes that
/// keep them whole, and what must hold of a refusal.

#include <bijou/io/safetensors.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <limits>
#include <random>
#include <span>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

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

/// A text changed as the fuzzer likes.
inline std::string mutated(std::string text, std::size_t most) {
  std::vector<std::uint8_t> buffer(std::max(text.size(), most));
  std::copy(text.begin(), text.end(), buffer.begin());
  const std::size_t size = LLVMFuzzerMutate(buffer.data(), text.size(), buffer.size());
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// Changes a value, a shape, a type, a name or a text, such that the rest of the file fits it.
inline void change(file& f, std::minstd_rand& random) {
  const auto below = [&](std::size_t n) { return n == 0 ? 0 : random() % n; };
  if (!f.metadata.empty() && below(6) == 0) {
    auto& [key, value] = f.metadata[below(f.metadata.size())];
    std::string& text = below(4) == 0 ? key : value;
    text = mutated(text, text.size() + 16);
    return;
  }
  if (f.tensors.empty()) return;
  tensor& t = f.tensors[below(f.tensors.size())];
  const auto put = [&](auto value) {
    if (t.bytes.size() < sizeof value) return;
    const std::size_t at = below(t.bytes.size() / sizeof value) * sizeof value;
    std::memcpy(t.bytes.data() + at, &value, sizeof value);
  };
  const auto fill = [&] {
    std::size_t count = io::size_of(io::dtype::u8);
    for (const auto& row : io::detail::dtype_table)
      if (row.name == t.type) count = row.size;
    for (std::size_t& extent : t.shape) {
      extent = std::min<std::size_t>(extent, 64); // beside a 0 there may be any number
      if (count * extent > 10'000) extent = 1;
      count *= extent;
    }
    t.bytes.resize(count);
  };
  constexpr std::array hostile{0.0,
                               -0.0,
                               1.0,
                               -1.0,
                               1e300,
                               -1e300,
                               5e-324,
                               1e-40,
                               3.5e38,
                               2147483648.0,
                               std::numeric_limits<double>::infinity(),
                               -std::numeric_limits<double>::infinity(),
                               std::numeric_limits<double>::quiet_NaN()};
  constexpr std::array<std::int64_t, 10> whole{
      0, 1, 2, 3, -1, 1LL << 31, 1LL << 32, (1LL << 32) + 1, INT64_MAX, INT64_MIN};
  switch (below(9)) {
  case 0:
    put(hostile[below(hostile.size())]);
    break;
  case 1:
    put(static_cast<float>(std::clamp(hostile[below(hostile.size())], -3e38, 3e38)));
    break;
  case 2:
    put(whole[below(whole.size())]);
    break;
  case 3:
    if (!t.bytes.empty())
      LLVMFuzzerMutate(reinterpret_cast<std::uint8_t*>(t.bytes.data()), t.bytes.size(),
                       t.bytes.size());
    fill(); // of the same size again
    break;
  case 4:
    if (!t.shape.empty()) t.shape[below(t.shape.size())] = below(9);
    fill();
    break;
  case 5:
    if (below(2) == 0 && !t.shape.empty())
      t.shape.pop_back();
    else if (t.shape.size() < 5)
      t.shape.push_back(below(3));
    fill();
    break;
  case 6:
    t.type = io::detail::dtype_table[below(io::detail::dtype_table.size())].name;
    fill();
    break;
  case 7:
    t.name = mutated(t.name, t.name.size() + 8);
    break;
  default:
    if (below(2) == 0)
      f.tensors.erase(f.tensors.begin() + static_cast<std::ptrdiff_t>(&t - f.tensors.data()));
    else
      std::swap(t.bytes, f.tensors[below(f.tensors.size())].bytes);
  }
}

/// The mutator of the targets that read files: bytes anywhere; the header with the length that it
/// then has; the data; or a file that is whole again.
inline std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
  std::minstd_rand random(seed);
  std::uint64_t length = 0;
  if (size >= 8) std::memcpy(&length, data, 8);
  const unsigned way = random() % 8;
  if (size < 8 || length > size - 8 || way == 0) return LLVMFuzzerMutate(data, size, most);
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto rest = bytes.subspan(8 + length);
  std::vector<std::byte> result;
  if (way < 4) {
    const std::string header(reinterpret_cast<const char*>(data) + 8, length);
    result = joined(mutated(header, std::max(header.size(), most - rest.size() - 8)), rest);
  } else if (way == 4) {
    return 8 + length + LLVMFuzzerMutate(data + 8 + length, rest.size(), most - 8 - length);
  } else {
    try {
      file f = content_of(io::safetensors::read(bytes));
      for (std::size_t n = 1 + random() % 3; n > 0; --n) change(f, random);
      result = bytes_of(f);
    } catch (const io::file_error&) {
      return LLVMFuzzerMutate(data, size, most);
    }
  }
  if (result.size() > most) return LLVMFuzzerMutate(data, size, most);
  std::memcpy(data, result.data(), result.size());
  return result.size();
}

} // namespace bijou::fuzz
