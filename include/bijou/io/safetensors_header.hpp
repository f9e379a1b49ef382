#pragma once
/// \file
/// The header of a safetensors file: JSON text to entries and back, refusing everything that the
/// format does not allow.
///
/// Format: huggingface/safetensors, README ("Format"). The text is parsed by events, never as a
/// tree: what is nested deeper than the format goes is refused when it begins.

#include <bijou/io/file.hpp>
#include <bijou/kernels/isa.hpp>

#include <nlohmann/json.hpp>

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

/// Receives the events of nlohmann's parser and accepts exactly
///   { name: {"dtype": text, "shape": [n...], "data_offsets": [n, n]}..., "__metadata__": {text:
///   text...} }
class header_events {
 public:
  using number_integer_t = nlohmann::json::number_integer_t;
  using number_unsigned_t = nlohmann::json::number_unsigned_t;
  using number_float_t = nlohmann::json::number_float_t;
  using string_t = nlohmann::json::string_t;
  using binary_t = nlohmann::json::binary_t;

  explicit header_events(const std::string& file) : file_(file) {}
  safetensors_header take() { return std::move(header_); }

  bool null() { unexpected("null"); }
  bool boolean(bool /*value*/) { unexpected("a truth value"); }
  bool number_integer(number_integer_t value) {
    unexpected("the negative number " + std::to_string(value));
  }
  bool number_float(number_float_t /*value*/, const string_t& text) {
    unexpected("the number " + in_quotes(text));
  }
  bool binary(binary_t& /*value*/) { unexpected("binary data"); }

  bool number_unsigned(number_unsigned_t value) {
    if (place_ != place::array) unexpected("the number " + std::to_string(value));
    if (numbers_.size() == most_axes) {
      refuse(file_, where() + " has more than " + std::to_string(most_axes) + " numbers");
    }
    numbers_.push_back(value);
    return true;
  }

  bool string(string_t& value) {
    if (place_ == place::metadata) {
      header_.metadata.emplace(key_, std::move(value));
    } else if (place_ == place::tensor && key_ == "dtype") {
      for (std::size_t i = 0; i < dtype_table.size(); ++i) {
        if (dtype_table[i].name == value) type_ = static_cast<dtype>(i);
      }
      if (!type_) refuse(file_, where() + " is " + in_quotes(value) + ", which is no known type");
    } else {
      unexpected("the text " + in_quotes(value));
    }
    return true;
  }

  bool start_object(std::size_t /*size*/) {
    if (place_ == place::outside) {
      place_ = place::root;
    } else if (place_ == place::root) {
      name_ = std::move(key_);
      place_ = name_ == metadata_name ? place::metadata : place::tensor;
      type_.reset();
      shape_.reset();
      offsets_.reset();
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& value) {
    key_ = std::move(value);
    const bool again = place_ == place::root ? header_.tensors.contains(key_) || seen_metadata(key_)
                       : place_ == place::metadata
                           ? header_.metadata.contains(key_)
                           : (key_ == "dtype" && type_) || (key_ == "shape" && shape_) ||
                                 (key_ == "data_offsets" && offsets_);
    if (again) refuse(file_, "the header has " + where() + " twice");
    if (place_ == place::tensor && key_ != "dtype" && key_ != "shape" && key_ != "data_offsets") {
      refuse(file_, "the header has " + where() + ", a field that the format does not know");
    }
    return true;
  }

  bool end_object() {
    if (place_ == place::tensor) finish_tensor();
    if (place_ == place::metadata) has_metadata_ = true;
    place_ = place_ == place::root ? place::outside : place::root;
    return true;
  }

  bool start_array(std::size_t /*size*/) {
    if (place_ != place::tensor || key_ == "dtype") unexpected("an array");
    place_ = place::array;
    numbers_.clear();
    return true;
  }

  bool end_array() {
    place_ = place::tensor;
    if (key_ == "shape") {
      shape_ = numbers_;
    } else if (numbers_.size() == 2) {
      offsets_ = {numbers_[0], numbers_[1]};
    } else {
      refuse(file_, where() + " has " + std::to_string(numbers_.size()) + " numbers instead of 2");
    }
    return true;
  }

  bool parse_error(std::size_t position, const std::string& /*token*/,
                   const nlohmann::json::exception& /*error*/) {
    refuse(file_, "the header is no JSON: mistake at its byte " + std::to_string(position));
  }

 private:
  enum class place : unsigned char { outside, root, metadata, tensor, array };

  bool seen_metadata(std::string_view key) const { return key == metadata_name && has_metadata_; }

  std::string where() const {
    switch (place_) {
    case place::outside:
      return "the header";
    case place::root:
      return in_quotes(key_);
    case place::metadata:
      return "metadata " + in_quotes(key_);
    default:
      return in_quotes(key_) + " of tensor " + in_quotes(name_);
    }
  }

  [[noreturn]] void unexpected(const std::string& what) const {
    refuse(file_, where() + " holds " + what + ", which the format does not allow");
  }

  void finish_tensor() {
    const auto required = [&](auto& field, const char* name) -> auto& {
      if (!field) refuse(file_, "tensor " + in_quotes(name_) + " has no " + name);
      return *field;
    };
    const dtype type = required(type_, "dtype");
    auto& shape = required(shape_, "shape");
    const auto [begin, end] = required(offsets_, "data_offsets");
    const auto bytes = byte_count(type, shape);
    const std::string about = "tensor " + in_quotes(name_) + " of shape " + to_string(shape);
    if (!bytes) refuse(file_, about + " has more bytes than can be counted");
    if (begin > end) {
      refuse(file_, about + " ends at byte " + std::to_string(end) + ", before its beginning at " +
                        std::to_string(begin));
    }
    if (end - begin != *bytes) {
      refuse(file_, about + " and type " + std::string(io::to_string(type)) + " needs " +
                        std::to_string(*bytes) + " bytes, but its offsets span " +
                        std::to_string(end - begin));
    }
    header_.tensors.emplace(name_, tensor_entry{type, std::move(shape), begin, end});
  }

  std::string file_;
  safetensors_header header_;
  place place_ = place::outside;
  bool has_metadata_ = false;
  std::string key_;
  std::string name_; // of the tensor whose object is open
  std::optional<dtype> type_;
  std::optional<std::vector<std::size_t>> shape_;
  std::optional<std::pair<std::size_t, std::size_t>> offsets_;
  std::vector<std::size_t> numbers_;
};

/// Parses a header's text. `file` is its name in messages.
inline safetensors_header parse_header(std::string_view text, const std::string& file) {
  // The parser would skip a byte order mark, and take a NUL for the end of the text.
  if (text.empty() || text.front() != '{') refuse(file, "the header does not begin with '{'");
  if (text.find('\0') != std::string_view::npos) refuse(file, "the header holds a NUL byte");
  header_events events(file);
  nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  return events.take();
}

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

/// The header's text, padded with spaces so that the data begins at a multiple of 8 bytes. Throws
/// nlohmann::json::exception for text that is no UTF-8.
inline std::string
print_header(const metadata_map& metadata,
             const std::vector<std::pair<std::string_view, tensor_entry>>& tensors) {
  std::string text = "{";
  const auto quote = [](std::string_view s) { return nlohmann::json(s).dump(); };
  if (!metadata.empty()) {
    text += quote(metadata_name) + ":" + nlohmann::json(metadata).dump();
  }
  for (const auto& [name, entry] : tensors) {
    text += (text.size() > 1 ? "," : "") + quote(name);
    text += ":{\"dtype\":" + quote(to_string(entry.type)) +
            ",\"shape\":" + nlohmann::json(entry.shape).dump() + ",\"data_offsets\":[" +
            std::to_string(entry.begin) + "," + std::to_string(entry.end) + "]}";
  }
  text += "}";
  text.append((8 - text.size() % 8) % 8, ' ');
  return text;
}

} // namespace detail
} // namespace bijou::inline BIJOU_ISA::io
