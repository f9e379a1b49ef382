/// \file
/// Each system call of a write fails, or is the last before a SIGKILL: whoever reads the file finds
/// the old content or the new.

#include <bijou/io/file.hpp>

#include <array>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <filesystem>
#include <span>
#include <string>
#include <sys/wait.h>
#include <unistd.h>

#include "../catch.hpp"
#include "../support/scratch_folder.hpp"
#include "system_calls.hpp"

using bijou::testing::content;
using bijou::testing::put;
using bijou::testing::scratch_folder;
using bijou::testing::watched_calls;
using fault = watched_calls::fault;

namespace {

const std::string before(30'000, 'a'), after(50'000, 'b');

/// In three pieces, as files have them.
void replace(const std::string& path, const std::string& text) {
  const auto bytes = std::as_bytes(std::span(text));
  const std::array pieces{bytes.first(8), bytes.subspan(8, 20'000), bytes.subspan(20'008)};
  bijou::io::replace_file(path, pieces);
}

} // namespace

TEST_CASE("content is on the disk before its name, and the name at the end", "[faults]") {
  const scratch_folder here;
  put(here / "f", before);
  const watched_calls calls;
  replace(here / "f", after);
  CHECK(calls.names() == "flock fchmod write write write fsync rename fsync");
}

TEST_CASE("a write of which any call fails changes nothing", "[faults]") {
  const scratch_folder here;
  const std::string path = here / "f";
  put(path, before);
  int made = 0;
  for (int at = 1; at <= 8; ++at)
    for (const int error : {EIO, ENOSPC, EDQUOT}) {
      CAPTURE(at, error);
      std::string message, name;
      {
        const watched_calls calls(fault::error, at, error);
        try {
          replace(path, after);
        } catch (const bijou::io::file_error& e) {
          message = e.what();
        }
        name = calls.names();
      }
      // Without locks, and where directories cannot be waited for, files are written all the same.
      const bool needed = at != 1 && at != 8;
      made += message.empty() ? 0 : 1;
      CHECK(message.empty() == !needed);
      CHECK((content(path) == (needed ? before : after)));
      CHECK(here.files() == 1);
      if (needed)
        CHECK_THAT(message, Catch::Matchers::Contains("f: cannot be written: " +
                                                      std::generic_category().message(error)));
      put(path, before);
    }
  CHECK(made == 18);
}

TEST_CASE("a write goes on where it was cut short or interrupted", "[faults]") {
  const scratch_folder here;
  for (const fault kind : {fault::half, fault::interruption})
    for (int at = 3; at <= 5; ++at) {
      put(here / "f", before);
      int count = 0;
      {
        const watched_calls calls(kind, at);
        replace(here / "f", after);
        count = calls.count();
      }
      CHECK(count == 9); // one more
      CHECK((content(here / "f") == after));
    }
}

TEST_CASE("a process that is killed at any call of a write breaks no file", "[faults]") {
  const scratch_folder here;
  const std::string path = here / "f";
  for (const bool existed : {true, false})
    for (const fault kind : {fault::death_before, fault::death_after})
      for (int at = 1; at <= 8; ++at) {
        const int calls = existed ? 8 : 7; // permissions are those of a file that was there
        if (at > calls) continue;
        CAPTURE(existed, at, kind == fault::death_before);
        std::filesystem::remove(path);
        if (existed) put(path, before);
        const pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
          const watched_calls watched(kind, at);
          replace(path, after);
          _exit(0);
        }
        int status = 0;
        waitpid(child, &status, 0);
        CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
        const bool renamed = at == calls || (at == calls - 1 && kind == fault::death_after);
        CHECK((content(path) == (renamed ? after : existed ? before : "")));
        CHECK(std::filesystem::exists(path) == (existed || renamed));
        CHECK(here.files() == (existed && !renamed ? 2 : 1));
        // What it left behind is in nobody's way, and goes.
        replace(path, after);
        CHECK((content(path) == after));
        CHECK(here.files() == 1);
      }
}

TEST_CASE("what a thousand killed writers left does not fill the directory", "[faults]") {
  const scratch_folder here;
  for (int i = 0; i < 1000; ++i) {
    const pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      const watched_calls watched(fault::death_before, 5);
      replace(here / "f", after);
      _exit(0);
    }
    waitpid(child, nullptr, 0);
  }
  CHECK(here.files() == 1);
  replace(here / "f", after);
  CHECK((content(here / "f") == after));
  CHECK(here.files() == 1);
}
