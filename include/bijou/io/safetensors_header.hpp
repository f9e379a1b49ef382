#pragma once
/// \file
/// What the header of a safetensors file says. Format: huggingface/safetensors, README ("Format").

#include <bijou/io/file.hpp>
#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::io {

/// The element types of the format whose elements are whole bytes.
enum class dtype : unsigned char {
  boolean,
  u8,
  i8,
  f8_e5m2,
  f8_e4m3,
  i16,
  u16,
  f16,
  bf16,
  i32,
  u32,
  f32,
  f64,
  i64,
  u64
};

namespace detail {

struct dtype_row {
  std::string_view name;
  std::size_t size;
};

/// In the order of the enumerators.
inline constexpr std::array<dtype_row, 15> dtype_table{{{"BOOL", 1},
                                                        {"U8", 1},
                                                        {"I8", 1},
                                                        {"F8_E5M2", 1},
                                                        {"F8_E4M3", 1},
                                                        {"I16", 2},
                                                        {"U16", 2},
                                                        {"F16", 2},
                                                        {"BF16", 2},
                                                        {"I32", 4},
                                                        {"U32", 4},
                                                        {"F32", 4},
                                                        {"F64", 8},
                                                        {"I64", 8},
                                                        {"U64", 8}}};

} // namespace detail

/// The name of an element type in the file: "F32".
constexpr std::string_view to_string(dtype type) {
  return detail::dtype_table[static_cast<std::size_t>(type)].name;
}

/// Bytes per element.
constexpr std::size_t size_of(dtype type) {
  return detail::dtype_table[static_cast<std::size_t>(type)].size;
}

/// The element type that holds a T: float is f32, bool is boolean, long and long long are i64.
template <class T>
  requires std::is_arithmetic_v<T>
constexpr dtype dtype_of() {
  if constexpr (std::is_same_v<T, bool>) {
    return dtype::boolean;
  } else if constexpr (std::is_floating_point_v<T>) {
    static_assert(sizeof(T) == 4 || sizeof(T) == 8, "safetensors: float or double");
    return sizeof(T) == 4 ? dtype::f32 : dtype::f64;
  } else {
    constexpr bool is_signed = std::is_signed_v<T>;
    switch (sizeof(T)) {
    case 1:
      return is_signed ? dtype::i8 : dtype::u8;
    case 2:
      return is_signed ? dtype::i16 : dtype::u16;
    case 4:
      return is_signed ? dtype::i32 : dtype::u32;
    default:
      return is_signed ? dtype::i64 : dtype::u64;
    }
  }
}

/// A shape as messages print it: "[2, 3]".
inline std::string to_string(const std::vector<std::size_t>& shape) {
  std::string text = "[";
  for (std::size_t i = 0; i < shape.size(); ++i) {
    text += (i == 0 ? "" : ", ") + std::to_string(shape[i]);
  }
  return text + "]";
}

using metadata_map = std::map<std::string, std::string, std::less<>>;

namespace detail {

/// The format's own limit, which its other readers keep as well.
inline constexpr std::size_t largest_header = 100'000'000;
/// More axes than any array library has. A limit, so that one tensor cannot fill the header.
inline constexpr std::size_t most_axes = 64;

inline constexpr std::string_view metadata_name = "__metadata__";

/// One tensor of the header: bytes [begin, end) of the data.
struct tensor_entry {
  dtype type = dtype::u8;
  std::vector<std::size_t> shape;
  std::size_t begin = 0;
  std::size_t end = 0;
};

struct safetensors_header {
  std::map<std::string, tensor_entry, std::less<>> tensors;
  metadata_map metadata;
};

/// Bytes of a tensor; nothing if that number does not fit.
inline std::optional<std::size_t> byte_count(dtype type, const std::vector<std::size_t>& shape) {
  std::size_t count = size_of(type);
  for (const std::size_t extent : shape) {
    if (extent != 0 && count > static_cast<std::size_t>(-1) / extent) return std::nullopt;
    count *= extent;
  }
  return count;
}

/// Parses a header's text, refusing everything that the format does not allow. `file` is its name
/// in messages.
safetensors_header parse_header(std::string_view text, const std::string& file);
/// The header's text, padded with spaces so that the data begins at a multiple of 8 bytes. Throws
/// std::invalid_argument for names and metadata that are no UTF-8.
std::string print_header(const metadata_map& metadata,
                         const std::vector<std::pair<std::string_view, tensor_entry>>& tensors);

/// Checks that the tensors fill the data without gap or overlap; returns the data's size.
inline std::size_t data_size(const safetensors_header& header, const std::string& file) {
  std::vector<const std::pair<const std::string, tensor_entry>*> order;
  order.reserve(header.tensors.size());
  for (const auto& item : header.tensors) order.push_back(&item);
  std::sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return std::pair(a->second.begin, a->second.end) < std::pair(b->second.begin, b->second.end);
  });
  std::size_t end = 0;
  for (const auto* item : order) {
    const auto& [name, entry] = *item;
    if (entry.begin != end) {
      refuse(file, "tensor " + in_quotes(name) + " begins at byte " + std::to_string(entry.begin) +
                       " of the data, but the one before it ends at " + std::to_string(end) +
                       (entry.begin < end ? " (they overlap)" : " (there is a hole)"));
    }
    end = entry.end;
  }
  return end;
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA::io

#if !defined(BIJOU_COMPILED)
#include <bijou/io/safetensors_json.hpp>
#endif
