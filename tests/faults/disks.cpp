/// \file
/// Disks that are full and directories that are read-only: saving says so and changes nothing, and
/// a training run goes on from its checkpoint once there is room.

#include <bijou/bijou.hpp>
#include <bijou/io/checkpoint.hpp>
#include <bijou/io/save_load.hpp>

#include <array>
#include <cerrno>
#include <cstddef>
#include <filesystem>
#include <fstream>
#include <sched.h>
#include <string>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <unistd.h>
#include <utility>
#include <vector>

#include "../catch.hpp"
#include "../support/scratch_folder.hpp"
#include "run.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::content;
using testing::scratch_folder;

namespace {

/// Whether this process may mount: as root, or in a user namespace of its own. What it mounts
/// nobody else sees, and it goes with the process.
bool may_mount() {
  static const bool may = [] {
    const uid_t user = geteuid();
    if (user == 0) {
      if (unshare(CLONE_NEWNS) != 0) return false;
    } else {
      if (unshare(CLONE_NEWUSER | CLONE_NEWNS) != 0) return false;
      std::ofstream("/proc/self/uid_map") << "0 " << user << " 1";
    }
    return mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) == 0;
  }();
  return may;
}

/// A disk of a few pages.
class small_disk {
 public:
  explicit small_disk(std::string path) : path_(std::move(path)) {
    std::filesystem::create_directory(path_);
    mounted_ = may_mount() && mount("tmpfs", path_.c_str(), "tmpfs", 0, "size=512k") == 0;
    if (!mounted_) WARN("this process may not mount a file system; left out");
  }
  small_disk(const small_disk&) = delete;
  small_disk& operator=(const small_disk&) = delete;
  ~small_disk() {
    if (mounted_) umount2(path_.c_str(), MNT_DETACH);
  }
  explicit operator bool() const { return mounted_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  std::ptrdiff_t files() const {
    return std::distance(std::filesystem::directory_iterator(path_), {});
  }
  /// Leaves room for that many pages.
  void fill(std::size_t pages) const {
    std::filesystem::remove(*this / "filler");
    struct statvfs s {};
    REQUIRE(statvfs(path_.c_str(), &s) == 0);
    REQUIRE(s.f_bavail >= pages);
    const std::string bytes((s.f_bavail - pages) * s.f_bsize, 'x');
    std::ofstream(*this / "filler") << bytes;
  }
  void make_read_only() const {
    REQUIRE(mount("tmpfs", path_.c_str(), "tmpfs", MS_REMOUNT | MS_RDONLY, nullptr) == 0);
  }

 private:
  std::string path_;
  bool mounted_ = false;
};

} // namespace

TEST_CASE("a disk that is full while saving", "[faults]") {
  const scratch_folder here;
  const small_disk disk(here / "disk");
  if (!disk) return;
  const auto q = testing::made(3), r = testing::made(4);
  const std::string path = disk / "q.safetensors";
  save(q, path);
  const std::string old = content(path);
  const std::size_t pages = (old.size() + 4095) / 4096;
  REQUIRE(pages >= 4);
  for (std::size_t room = 0; room < pages; ++room) {
    disk.fill(room);
    CHECK_THROWS_WITH(save(r, path),
                      Contains("q.safetensors: cannot be written: No space left on device"));
    CHECK_THROWS_WITH(save(r, disk / "new"), Contains("No space left on device"));
    CHECK((content(path) == old));
    CHECK(disk.files() == 2); // and the filler
  }
  disk.fill(pages);
  save(r, path);
  auto back = testing::made(5);
  load(back, path);
  CHECK(testing::values_of(back) == testing::values_of(r));
}

TEST_CASE("a disk that is full while training", "[faults]") {
  const scratch_folder here;
  const small_disk disk(here / "disk");
  if (!disk) return;
  const std::string path = disk / "run";
  auto whole = testing::made(3);
  testing::train(whole, {}, 12);
  // Full after the fifth epoch; the checkpoint of every second one.
  auto q = testing::made(3);
  const auto places = checkpoint_file(path, {.every = 2, .resume = true});
  CHECK_THROWS_WITH(testing::train(q, places, 12,
                                   [&](const fit_epoch& e) {
                                     if (e.epoch == 5) disk.fill(1);
                                     return true;
                                   }),
                    Contains("run: cannot be written: No space left on device"));
  CHECK(disk.files() == 2);
  CHECK(detail::read_checkpoint(path).result.history.size() == 4);
  std::filesystem::remove(disk / "filler");
  auto rest = testing::made(8);
  testing::train(rest, places, 12);
  CHECK(testing::values_of(rest) == testing::values_of(whole));
}

TEST_CASE("a directory on a read-only disk", "[faults]") {
  const scratch_folder here;
  const small_disk disk(here / "disk");
  if (!disk) return;
  auto q = testing::made(3);
  save(q, disk / "q");
  testing::train(q, checkpoint_file(disk / "run"), 3);
  const std::string old = content(disk / "q");
  disk.make_read_only();
  for (const char* name : {"q", "new"})
    CHECK_THROWS_WITH(save(q, disk / name), Contains("cannot be written: Read-only file system"));
  CHECK_THROWS_AS(testing::train(q, checkpoint_file(disk / "run"), 3), io::file_error);
  CHECK((content(disk / "q") == old));
  CHECK(disk.files() == 2);
  load(q, disk / "q");
  CHECK(detail::read_checkpoint(disk / "run").result.history.size() == 3);
}

TEST_CASE("a directory that this user may not write, or not enter", "[faults]") {
  const scratch_folder here;
  const auto q = testing::made(3);
  const std::string folder = here / "folder";
  std::filesystem::create_directory(folder);
  save(q, folder + "/q");
  const std::string old = content(folder + "/q");
  chmod((here / "").c_str(), 0755);
  const bool root = geteuid() == 0; // permissions do not bind root
  const auto with_mode = [&](mode_t mode, const auto& f) {
    REQUIRE(chmod(folder.c_str(), mode) == 0);
    if (root) REQUIRE(seteuid(65534) == 0);
    f();
    if (root) REQUIRE(seteuid(0) == 0);
    REQUIRE(chmod(folder.c_str(), 0755) == 0);
  };
  with_mode(0555, [&] {
    CHECK_THROWS_WITH(save(q, folder + "/q"), Contains("cannot be written: Permission denied"));
    CHECK_THROWS_WITH(save(q, folder + "/new"), Contains("cannot be written: Permission denied"));
  });
  with_mode(0, [&] {
    auto r = testing::made(4);
    CHECK_THROWS_WITH(load(r, folder + "/q"), Contains("cannot be opened: Permission denied"));
    // A file that cannot be seen is not one that is absent.
    CHECK_THROWS_AS(testing::train(r, checkpoint_file(folder + "/run", {.resume = true}), 3),
                    io::file_error);
  });
  CHECK((content(folder + "/q") == old));
}
