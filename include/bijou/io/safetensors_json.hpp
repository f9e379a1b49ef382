#pragma once
/// \file
/// The text of a safetensors header, JSON, by nlohmann's library: the one file that includes it.
///
/// The text is parsed by events, never as a tree: what is nested deeper than the format goes is
/// refused when it begins.

#include <bijou/io/safetensors_header.hpp>
#include <bijou/kernels/once.hpp>

#include <nlohmann/json.hpp>

#include <cstddef>
#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::io::detail {

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

BIJOU_ONCE safetensors_header parse_header(std::string_view text, const std::string& file) {
  // The parser would skip a byte order mark, and take a NUL for the end of the text.
  if (text.empty() || text.front() != '{') refuse(file, "the header does not begin with '{'");
  if (text.find('\0') != std::string_view::npos) refuse(file, "the header holds a NUL byte");
  header_events events(file);
  nlohmann::json::sax_parse(text.begin(), text.end(), &events);
  return events.take();
}

BIJOU_ONCE std::string
print_header(const metadata_map& metadata,
             const std::vector<std::pair<std::string_view, tensor_entry>>& tensors) try {
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
} catch (const nlohmann::json::exception&) {
  throw std::invalid_argument("write_safetensors: a name or a metadata text is no UTF-8");
}

} // namespace bijou::inline BIJOU_ISA::io::detail
