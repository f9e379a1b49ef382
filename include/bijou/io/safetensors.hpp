#pragma once
/// \file
/// safetensors files: named arrays with a dictionary of text, as PyTorch and its relatives write
/// them.
///
/// A file is untrusted: whatever it holds, it is read as the format says or refused by a file_error
/// whose sentence says why. No tensor's offset is believed before all of them are checked.

#include <bijou/io/file.hpp>
#include <bijou/io/safetensors_header.hpp>
#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <functional>
#include <iterator>
#include <map>
#include <ranges>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <type_traits>
#include <utility>
#include <vector>

namespace bijou::inline BIJOU_ISA::io {

static_assert(std::endian::native == std::endian::little,
              "safetensors: the format is little-endian, and so must this machine be");

/// An array that somebody else owns: C order, not necessarily aligned.
struct tensor_view {
  dtype type = dtype::u8;           ///< of an element
  std::vector<std::size_t> shape;   ///< empty for a single number
  std::span<const std::byte> bytes; ///< product of the shape times size_of(type)
};

/// Values in memory as a tensor to write. Throws std::invalid_argument if their number is not the
/// product of the shape.
template <std::ranges::contiguous_range Values>
  requires std::ranges::borrowed_range<Values> // a temporary vector would be gone before the write
tensor_view tensor_of(Values&& values, std::vector<std::size_t> shape) {
  constexpr dtype type = dtype_of<std::ranges::range_value_t<Values>>();
  const auto bytes = std::as_bytes(std::span(std::ranges::data(values), std::ranges::size(values)));
  if (detail::byte_count(type, shape) != bytes.size()) {
    throw std::invalid_argument("tensor_of: shape " + to_string(shape) + " does not fit " +
                                std::to_string(bytes.size() / size_of(type)) + " values");
  }
  return {type, std::move(shape), bytes};
}

/// May `safetensors::as` turn float into double and double into float?
enum class conversion : unsigned char { none, floating };

/// The content of a safetensors file, a value.
class safetensors {
 public:
  /// Reads the file at `path`. Throws file_error.
  static safetensors read(const std::string& path) {
    detail::file_source source(path);
    return safetensors(source, path);
  }

  /// Reads the bytes of a file, and copies what it needs. `name` stands for the file in messages.
  static safetensors read(std::span<const std::byte> bytes, const std::string& name = "memory") {
    detail::memory_source source(bytes);
    return safetensors(source, name);
  }

  /// The texts of "__metadata__"; empty if there are none.
  const metadata_map& metadata() const { return header_.metadata; }

  /// Names of all tensors, sorted.
  std::vector<std::string> names() const {
    std::vector<std::string> result;
    result.reserve(header_.tensors.size());
    for (const auto& item : header_.tensors) result.push_back(item.first);
    return result;
  }

  /// Whether there is a tensor of that name.
  bool contains(std::string_view name) const { return header_.tensors.contains(name); }

  /// A view of one tensor, valid as long as this value. Throws file_error if there is none.
  tensor_view tensor(std::string_view name) const& {
    const auto& entry = find(name);
    return {entry.type, entry.shape,
            std::span(data_).subspan(entry.begin, entry.end - entry.begin)};
  }
  tensor_view tensor(std::string_view name) const&& = delete;

  /// The values of one tensor, C order. T must be the C++ type of the tensor's; with
  /// conversion::floating, float and double stand for each other (rounded to nearest, beyond the
  /// range of float to infinity). Throws file_error.
  template <class T>
    requires std::is_arithmetic_v<T>
  std::vector<T> as(std::string_view name, conversion allowed = conversion::none) const {
    const auto view = tensor(name);
    if (view.type == dtype_of<T>()) {
      if constexpr (std::is_same_v<T, bool>) {
        return truth_values(name, view);
      } else {
        return values<T, T>(view);
      }
    }
    if constexpr (std::is_floating_point_v<T>) {
      if (allowed == conversion::floating && view.type == dtype::f32) return values<T, float>(view);
      if (allowed == conversion::floating && view.type == dtype::f64)
        return values<T, double>(view);
    }
    detail::refuse(file_, "tensor " + detail::in_quotes(name) + " is of type " +
                              std::string(to_string(view.type)) + ", expected " +
                              std::string(to_string(dtype_of<T>())));
  }

 private:
  template <class Source> safetensors(Source& source, const std::string& file) : file_(file) {
    std::uint64_t length = 0;
    const auto prefix = detail::take(source, sizeof length);
    if (prefix.size() < sizeof length) {
      detail::refuse(file, "is " + std::to_string(prefix.size()) +
                               " bytes long, too short for a safetensors file");
    }
    std::memcpy(&length, prefix.data(), sizeof length);
    if (length > detail::largest_header) {
      detail::refuse(file, "claims a header of " + std::to_string(length) +
                               " bytes; more than 100 MB is not allowed");
    }
    const auto text = detail::take(source, length);
    if (text.size() < length) {
      detail::refuse(file, "claims a header of " + std::to_string(length) + " bytes, but ends " +
                               std::to_string(text.size()) + " bytes into it");
    }
    const std::string_view characters(reinterpret_cast<const char*>(text.data()), text.size());
    header_ = detail::parse_header(characters, file);
    const std::size_t size = detail::data_size(header_, file);
    data_ = detail::take(source, size);
    if (data_.size() < size) {
      detail::refuse(file, "has tensors of " + std::to_string(size) + " bytes, but ends after " +
                               std::to_string(data_.size()) + " of them");
    }
    if (!detail::take(source, 1).empty()) detail::refuse(file, "goes on after its last tensor");
  }

  const detail::tensor_entry& find(std::string_view name) const {
    const auto found = header_.tensors.find(name);
    if (found == header_.tensors.end()) {
      detail::refuse(file_, "has no tensor " + detail::in_quotes(name));
    }
    return found->second;
  }

  /// memcpy, because nothing aligns a tensor inside its file.
  template <class T, class Stored> static std::vector<T> values(const tensor_view& view) {
    std::vector<T> result(view.bytes.size() / sizeof(Stored));
    if constexpr (std::is_same_v<T, Stored>) {
      if (!result.empty()) std::memcpy(result.data(), view.bytes.data(), view.bytes.size());
    } else {
      for (std::size_t i = 0; i < result.size(); ++i) {
        Stored value;
        std::memcpy(&value, view.bytes.data() + i * sizeof value, sizeof value);
        result[i] = static_cast<T>(value);
      }
    }
    return result;
  }

  std::vector<bool> truth_values(std::string_view name, const tensor_view& view) const {
    std::vector<bool> result;
    result.reserve(view.bytes.size());
    for (const std::byte value : view.bytes) {
      if (value > std::byte{1}) {
        detail::refuse(file_, "tensor " + detail::in_quotes(name) +
                                  " of type BOOL holds the byte " +
                                  std::to_string(std::to_integer<int>(value)));
      }
      result.push_back(value == std::byte{1});
    }
    return result;
  }

  std::string file_;
  detail::safetensors_header header_;
  std::vector<std::byte> data_;
};

/// Writes a safetensors file; either all of it appears under the name `path`, or nothing changes
/// (replace_file).
///
/// Larger elements come first, so that every tensor is aligned to its element. Throws
/// std::invalid_argument for what the format cannot hold, file_error if the file cannot be written.
inline void write_safetensors(const std::string& path,
                              const std::map<std::string, tensor_view, std::less<>>& tensors,
                              const metadata_map& metadata = {}) {
  const auto reject = [](std::string_view name, const std::string& reason) {
    throw std::invalid_argument("write_safetensors: tensor " + detail::in_quotes(name) + " " +
                                reason);
  };
  std::vector<const std::pair<const std::string, tensor_view>*> order;
  order.reserve(tensors.size());
  for (const auto& item : tensors) order.push_back(&item);
  std::stable_sort(order.begin(), order.end(), [](const auto* a, const auto* b) {
    return size_of(a->second.type) > size_of(b->second.type);
  });

  std::size_t end = 0;
  std::vector<std::pair<std::string_view, detail::tensor_entry>> entries;
  for (const auto* item : order) {
    const auto& [name, view] = *item;
    if (name == detail::metadata_name) reject(name, "has a name that the format reserves");
    if (view.shape.size() > detail::most_axes) reject(name, "has more than 64 axes");
    if (detail::byte_count(view.type, view.shape) != view.bytes.size()) {
      reject(name, "of shape " + to_string(view.shape) + " and type " +
                       std::string(to_string(view.type)) + " does not fit its " +
                       std::to_string(view.bytes.size()) + " bytes");
    }
    entries.push_back({name, {view.type, view.shape, end, end + view.bytes.size()}});
    end += view.bytes.size();
  }

  const std::string text = detail::print_header(metadata, entries);
  const std::uint64_t length = text.size();
  if (length > detail::largest_header) {
    throw std::invalid_argument("write_safetensors: a header of " + std::to_string(length) +
                                " bytes is more than the 100 MB that the format allows");
  }
  std::vector<std::span<const std::byte>> pieces{std::as_bytes(std::span(&length, 1)),
                                                 std::as_bytes(std::span(text))};
  for (const auto* item : order) pieces.push_back(item->second.bytes);
  replace_file(path, pieces);
}

} // namespace bijou::inline BIJOU_ISA::io
