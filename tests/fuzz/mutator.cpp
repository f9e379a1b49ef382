/// \file
/// The mutator of the targets that read files: most changes leave what can be read.

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "file.hpp"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t most);

namespace bijou::fuzz {
namespace {

/// A text changed as the fuzzer likes.
std::string mutated(std::string text, std::size_t most) {
  std::vector<std::uint8_t> buffer(std::max(text.size(), most));
  std::copy(text.begin(), text.end(), buffer.begin());
  const std::size_t size = LLVMFuzzerMutate(buffer.data(), text.size(), buffer.size());
  return {buffer.begin(), buffer.begin() + static_cast<std::ptrdiff_t>(size)};
}

/// Changes a value, a shape, a type, a name or a text, such that the rest of the file fits it.
void change(file& f, std::minstd_rand& random) {
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

/// Bytes anywhere; the header with the length that it then has; the data; or a file that is whole
/// again.
std::size_t mutate(std::uint8_t* data, std::size_t size, std::size_t most, unsigned seed) {
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

} // namespace
} // namespace bijou::fuzz

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t most, unsigned seed) {
  return bijou::fuzz::mutate(data, size, most, seed);
}
