#pragma once
/// \file
/// Bytes from and to the disk: reading that believes no claim about a size, writing that never
/// leaves half a file.

#include <bijou/kernels/isa.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <system_error>
#include <vector>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace bijou::inline BIJOU_ISA::io {

/// A file that cannot be read or written, or whose content is refused. `what()` is a sentence that
/// names the file and says what is wrong with it.
class file_error : public std::runtime_error {
 public:
  using std::runtime_error::runtime_error;
};

namespace detail {

[[noreturn]] inline void refuse(const std::string& file, const std::string& reason) {
  throw file_error(file + ": " + reason);
}

/// errno in words; `strerror` is not safe to call from two threads.
inline std::string words(int error) { return std::generic_category().message(error); }

/// Text out of a file, made fit for a message: short, and without control characters.
inline std::string in_quotes(std::string_view text) {
  constexpr std::size_t longest = 60;
  std::string result = "'";
  for (const char c : text.substr(0, longest)) {
    const auto code = static_cast<unsigned char>(c);
    result += code < 0x20 || code == 0x7f ? '?' : c;
  }
  return result + (text.size() > longest ? "...'" : "'");
}

struct close_file {
  void operator()(std::FILE* file) const { std::fclose(file); } // NOLINT: an owner's deleter
};
using file_handle = std::unique_ptr<std::FILE, close_file>;

/// A source that reads the file at `path` from its beginning: fill(span) returns the bytes read,
/// fewer than asked for only at the end. A directory fails at the first read, with EISDIR.
class file_source {
 public:
  explicit file_source(const std::string& path) : path_(path) {
    errno = 0;
    file_.reset(std::fopen(path.c_str(), "rb"));
    if (!file_) refuse(path_, "cannot be opened: " + words(errno));
  }

  std::size_t fill(std::span<std::byte> target) {
    errno = 0;
    const std::size_t count = std::fread(target.data(), 1, target.size(), file_.get());
    if (count < target.size() && std::ferror(file_.get()) != 0) {
      refuse(path_, "cannot be read: " + words(errno));
    }
    return count;
  }

 private:
  std::string path_;
  file_handle file_;
};

/// The same for bytes in memory.
class memory_source {
 public:
  explicit memory_source(std::span<const std::byte> bytes) : rest_(bytes) {}

  std::size_t fill(std::span<std::byte> target) {
    const std::size_t count = std::min(target.size(), rest_.size());
    std::copy_n(rest_.data(), count, target.data());
    rest_ = rest_.subspan(count);
    return count;
  }

 private:
  std::span<const std::byte> rest_;
};

/// Up to `count` bytes of the source. The memory grows with what has been read, not with `count`:
/// a small file that claims to be huge costs no more than it is long.
template <class Source> std::vector<std::byte> take(Source& source, std::size_t count) {
  std::vector<std::byte> bytes;
  while (bytes.size() < count) {
    const std::size_t have = bytes.size();
    const std::size_t step = std::min(count - have, std::max<std::size_t>(have, 1U << 20U));
    bytes.resize(have + step);
    const std::size_t got = source.fill(std::span(bytes).subspan(have));
    bytes.resize(have + got);
    if (got < step) break;
  }
  return bytes;
}

/// A file beside `target` that did not exist before, for writing; `path` receives its name.
inline file_handle open_beside(const std::string& target, std::string& path) {
  for (int attempt = 0;; ++attempt) {
    path = target + ".part" + std::to_string(attempt);
    errno = 0;
    if (file_handle file{std::fopen(path.c_str(), "wbx")}) return file;
    // Another writer's file, or one that a crash left behind: neither is ours to touch.
    if (errno != EEXIST || attempt == 1000) refuse(target, "cannot be written: " + words(errno));
  }
}

} // namespace detail

/// Writes the pieces, one after the other, as the content of `path`.
///
/// They go to a temporary file in the same directory, which takes the name `path` only when all of
/// it is on the disk: whoever reads `path` finds the old content or the new, whatever fails. A link
/// is followed. Throws file_error; what was there before is then unchanged.
inline void replace_file(const std::string& path,
                         std::span<const std::span<const std::byte>> pieces) {
  std::error_code ignored;
  const auto status = std::filesystem::status(path, ignored);
  const bool exists = std::filesystem::exists(status);
  if (exists && !std::filesystem::is_regular_file(status)) {
    detail::refuse(path, "cannot be written: it is no regular file");
  }
  std::string target = exists ? std::filesystem::canonical(path, ignored).string() : "";
  if (target.empty()) target = path;

  std::string temporary;
  auto file = detail::open_beside(target, temporary);
  bool good = true;
  for (const auto piece : pieces) {
    if (piece.empty()) continue; // its pointer may be null
    good = good && std::fwrite(piece.data(), 1, piece.size(), file.get()) == piece.size();
  }
  good = good && std::fflush(file.get()) == 0;
#if __has_include(<unistd.h>)
  // Without this a power failure may keep the new name and lose the content.
  good = good && fsync(fileno(file.get())) == 0;
#endif
  int error = good ? 0 : errno;
  // A full disk may show itself only here.
  if (std::fclose(file.release()) != 0 && good) {
    good = false;
    error = errno;
  }
  if (good && std::rename(temporary.c_str(), target.c_str()) != 0) {
    good = false;
    error = errno;
  }
  if (!good) {
    std::remove(temporary.c_str());
    detail::refuse(path, "cannot be written: " + detail::words(error));
  }
}

} // namespace bijou::inline BIJOU_ISA::io
