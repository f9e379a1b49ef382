#pragma once
/// \file
/// Bytes from and to the disk: reading that believes no claim about a size, writing that never
/// leaves half a file. Needs POSIX: standard C++ can neither lock a file nor wait for the disk.

#include <bijou/kernels/isa.hpp>
#include <bijou/kernels/printable.hpp>

#include <algorithm>
#include <cerrno>
#include <cstddef>
#include <cstdio>
#include <fcntl.h>
#include <filesystem>
#include <memory>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <sys/file.h>
#include <sys/stat.h>
#include <system_error>
#include <unistd.h>
#include <utility>
#include <vector>

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

/// A name or a value out of a file, for a message.
inline std::string in_quotes(std::string_view text) {
  return "'" + bijou::detail::printable(text, 60) + "'";
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

/// The number of an open file, closed at the end.
class file_number {
 public:
  explicit file_number(int number = -1) : number_(number) {}
  file_number(const file_number&) = delete;
  file_number& operator=(const file_number&) = delete;
  file_number(file_number&& other) noexcept : number_(std::exchange(other.number_, -1)) {}
  file_number& operator=(file_number&& other) noexcept {
    std::swap(number_, other.number_);
    return *this;
  }
  ~file_number() {
    if (number_ >= 0) ::close(number_);
  }
  explicit operator bool() const { return number_ >= 0; }
  int operator*() const { return number_; }

 private:
  int number_;
};

/// A new file beside `target`, for one writer; it goes at the end unless it has taken that name.
///
/// Its lock says that the writer lives. A file without a lock was left behind by one that was
/// killed, and is removed: however often that happens, the directory does not fill.
class part_file {
 public:
  /// \param mode its permissions, of which the umask takes away
  part_file(const std::string& target, mode_t mode) {
    for (int attempt = 0;; ++attempt) {
      path_ = target + ".bijou-part" + std::to_string(attempt);
      remove_abandoned();
      errno = 0;
      file_ = file_number(::open(path_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, mode));
      if (!file_ && (errno != EEXIST || attempt == 1000)) fail();
      // Some file systems have no locks; nobody removes anything there.
      if (file_ && (::flock(*file_, LOCK_EX | LOCK_NB) == 0 || errno != EWOULDBLOCK) &&
          is_at_path(file_))
        return;
    }
  }
  part_file(const part_file&) = delete;
  part_file(part_file&&) = delete;
  part_file& operator=(const part_file&) = delete;
  part_file& operator=(part_file&&) = delete;
  ~part_file() {
    if (!path_.empty()) ::unlink(path_.c_str());
  }

  void set_mode(mode_t mode) {
    if (::fchmod(*file_, mode) != 0) fail();
  }
  void write(std::span<const std::byte> bytes) {
    while (!bytes.empty()) {
      // Linux writes no more at once.
      const std::size_t piece = std::min<std::size_t>(bytes.size(), std::size_t{1} << 30U);
      const auto written = ::write(*file_, bytes.data(), piece);
      if (written >= 0)
        bytes = bytes.subspan(static_cast<std::size_t>(written));
      else if (errno != EINTR)
        fail();
    }
  }
  /// Gives all that was written the name `target`. Without the first fsync a power failure might
  /// keep the new name and lose the content, which a full disk may also refuse only here; without
  /// that of the directory it might keep the old name.
  void become(const std::string& target) {
    if (::fsync(*file_) != 0) fail();
    if (::rename(path_.c_str(), target.c_str()) != 0) fail();
    path_.clear();
    const auto folder = std::filesystem::path(target).parent_path();
    const file_number directory(
        ::open(folder.empty() ? "." : folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
    // Some file systems cannot; the content is whole in any case, and in its place.
    if (directory) ::fsync(*directory);
  }

 private:
  [[noreturn]] static void fail() { throw std::system_error(errno, std::generic_category()); }

  bool is_at_path(const file_number& file) const {
    struct stat a {
    }, b{};
    return ::fstat(*file, &a) == 0 && ::lstat(path_.c_str(), &b) == 0 && a.st_dev == b.st_dev &&
           a.st_ino == b.st_ino && S_ISREG(a.st_mode) && a.st_uid == ::geteuid();
  }
  void remove_abandoned() const {
    const file_number file(::open(path_.c_str(), O_WRONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
    if (file && ::flock(*file, LOCK_EX | LOCK_NB) == 0 && is_at_path(file)) ::unlink(path_.c_str());
  }

  std::string path_;
  file_number file_;
};

} // namespace detail

/// Writes the pieces, one after the other, as the content of `path`.
///
/// They go to a temporary file in the same directory, which takes the name `path` only when all of
/// it is on the disk: whoever reads `path` finds the old content or the new, whatever fails, be it
/// the power. Links are followed, permissions stay. Throws file_error; what was there before is
/// then unchanged.
inline void replace_file(const std::string& path,
                         std::span<const std::span<const std::byte>> pieces) {
  namespace fs = std::filesystem;
  std::error_code ignored;
  fs::path target = path;
  for (int links = 0; links < 40 && fs::is_symlink(target, ignored); ++links)
    target = target.parent_path() / fs::read_symlink(target, ignored);
  struct stat old {};
  const bool exists = ::lstat(target.c_str(), &old) == 0;
  if (exists && !S_ISREG(old.st_mode)) {
    detail::refuse(path, "cannot be written: it is no regular file");
  }
  try {
    constexpr mode_t all = 0666, permissions = 0777;
    detail::part_file file(target.string(), exists ? old.st_mode & permissions : all);
    if (exists) file.set_mode(old.st_mode & permissions);
    for (const auto piece : pieces) file.write(piece);
    file.become(target.string());
  } catch (const std::system_error& e) {
    detail::refuse(path, "cannot be written: " + e.code().message());
  }
}

} // namespace bijou::inline BIJOU_ISA::io
