#include <bijou/training/progress.hpp>

#include <cstdio>
#include <string>

#include "../catch.hpp"

#if __has_include(<pty.h>)
#include <pty.h>
#include <unistd.h>
#endif

using namespace bijou;

namespace {

double seconds = 0;
double test_clock() { return seconds; }

std::string contents(std::FILE* file) {
  std::string text;
  std::rewind(file);
  for (int c = std::fgetc(file); c != EOF; c = std::fgetc(file)) text += static_cast<char>(c);
  return text;
}

struct temporary_file {
  std::FILE* file = std::tmpfile();
  temporary_file() { REQUIRE(file != nullptr); }
  temporary_file(const temporary_file&) = delete;
  temporary_file& operator=(const temporary_file&) = delete;
  ~temporary_file() { std::fclose(file); }
};

} // namespace

TEST_CASE("progress is silent where there is no terminal", "[training]") {
  temporary_file out;
  progress_line line({.out = out.file, .clock = test_clock});
  CHECK_FALSE(line.enabled());
  line.update({.epoch = 1, .epochs = 2, .step = 1, .steps = 2});
  line.finish({.epoch = 2, .epochs = 2, .step = 2, .steps = 2});
  CHECK(contents(out.file).empty());
}

TEST_CASE("the time left is that of this run's own steps, in whole seconds begun", "[training]") {
  temporary_file out;
  seconds = 0;
  progress_line line({.mode = progress_mode::always, .out = out.file, .clock = test_clock});
  seconds = 1; // for two steps: seven take 3.5 s
  line.update({.epoch = 1, .epochs = 2, .step = 3, .steps = 10, .first_step = 1, .samples = 20});
  CHECK(contents(out.file) == "epoch 1/2  step 3/10  20 /s  0:04 left\n");
}

TEST_CASE("progress prints plain lines into a file when asked", "[training]") {
  temporary_file out;
  seconds = 100;
  progress_line line({.mode = progress_mode::always, .out = out.file, .clock = test_clock});
  line.update({.epoch = 1, .epochs = 3, .step = 0, .steps = 300}); // nothing known yet
  seconds = 105;
  line.update({.epoch = 1, .epochs = 3, .step = 50, .steps = 300, .training = 9}); // too soon
  seconds = 110;
  line.update({.epoch = 2,
               .epochs = 3,
               .step = 150,
               .steps = 300,
               .samples = 1'524'000,
               .training = 3.25,
               .validation = 3.5});
  seconds = 120;
  line.finish({.epoch = 3,
               .epochs = 3,
               .step = 300,
               .steps = 300,
               .samples = 38'400,
               .training = -1.25,
               .validation = 2});
  CHECK(contents(out.file) ==
        "epoch 1/3  step 0/300\n"
        "epoch 2/3  step 150/300  training 3.2500  validation 3.5000 nats  152 k/s  0:10 left\n"
        "epoch 3/3  step 300/300  training -1.2500  validation 2.0000 nats  1.92 k/s  0:00 left\n");
}

TEST_CASE("progress writes units and hours readably", "[training]") {
  temporary_file out;
  seconds = 0;
  progress_line line({.mode = progress_mode::always,
                      .out = out.file,
                      .seconds_between_lines = 0,
                      .clock = test_clock});
  seconds = 1;
  line.update({.step = 1, .steps = 4000, .samples = 12'300'000});
  line.update({.step = 1, .steps = 75, .samples = 7});
  CHECK(contents(out.file) == "epoch 0/0  step 1/4000  12.3 M/s  1:06:39 left\n"
                              "epoch 0/0  step 1/75  7 /s  1:14 left\n");
}

TEST_CASE("progress can be switched off altogether", "[training]") {
  temporary_file out;
  CHECK_FALSE(progress_line({.mode = progress_mode::never, .out = out.file}).enabled());
  CHECK_FALSE(progress_line({.mode = progress_mode::always, .out = nullptr}).enabled());
}

#if __has_include(<pty.h>)
TEST_CASE("progress overwrites one line on a terminal", "[training]") {
  int ours = -1, theirs = -1;
  if (openpty(&ours, &theirs, nullptr, nullptr, nullptr) != 0) return; // no terminals here
  std::FILE* terminal = fdopen(theirs, "w");
  REQUIRE(terminal != nullptr);
  seconds = 0;
  progress_line line({.out = terminal, .clock = test_clock});
  CHECK(line.enabled());
  line.update({.epoch = 1, .epochs = 10, .step = 1, .steps = 10});
  seconds = 0.05;
  line.update({.epoch = 2, .epochs = 10, .step = 2, .steps = 10}); // too soon
  line.finish({.epoch = 3, .epochs = 3});
  char text[512] = {};
  std::string seen;
  while (seen.find('\n') == std::string::npos) {
    const auto n = read(ours, text, sizeof text);
    if (n <= 0) break;
    seen.append(text, static_cast<std::size_t>(n));
  }
  std::fclose(terminal);
  close(ours);
  // The second text is shorter; a space wipes each character left over.
  CHECK(seen == "\repoch 1/10  step 1/10\repoch 3/3  step 0/0  \r\n");
}
#endif
