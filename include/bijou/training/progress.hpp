#pragma once
/// \file
/// The progress line of a training run: one line on stderr that rewrites itself.
///
///     epoch 12/200  step 540/9000  training 3.2140  validation 3.3010 nats  152 k/s  0:43 left
///
/// On a terminal the line is overwritten in place. Elsewhere it stays silent, so that logs and
/// pipes stay clean, unless asked; then it prints plain lines, fewer of them.

#include <bijou/kernels/isa.hpp>

#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <limits>
#include <string>

#if __has_include(<unistd.h>)
#include <unistd.h>
#endif

namespace bijou::inline BIJOU_ISA {

/// When training reports: `automatic` is on a terminal only.
enum class progress_mode { automatic, always, never };

struct progress_options {
  progress_mode mode = progress_mode::automatic;
  std::FILE* out = stderr;
  double seconds_between_lines = 10;     ///< where lines are kept
  double seconds_between_rewrites = 0.1; ///< where one line is overwritten
  double (*clock)() = nullptr;           ///< seconds from any origin; null: std::chrono
};

/// What a line says. Losses are in nats per event, NaN where there is none yet.
struct progress_report {
  int epoch = 0; ///< of `epochs`, from 1
  int epochs = 0;
  std::int64_t step = 0; ///< of `steps`, from 1
  std::int64_t steps = 0;
  std::int64_t first_step = 0; ///< where this run goes on from an earlier one, for the time left
  std::int64_t samples = 0;    ///< seen since the start, for the rate
  double training = std::numeric_limits<double>::quiet_NaN();
  double validation = std::numeric_limits<double>::quiet_NaN();
};

/// Writes reports, as often as it is readable to. The clock starts with the constructor.
class progress_line {
 public:
  /// Silent unless `speaks`: of several processes that share a run, one reports.
  explicit progress_line(progress_options options = {}, bool speaks = true)
      : options_(options), start_(now()) {
    rewrites_ = is_terminal(options_.out);
    enabled_ = speaks && options_.out != nullptr && options_.mode != progress_mode::never &&
               (options_.mode == progress_mode::always || rewrites_);
  }

  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  /// An error message that follows begins on a line of its own.
  ~progress_line() {
    if (open_) std::fputc('\n', options_.out);
  }

  bool enabled() const { return enabled_; }

  /// Shows the report, or leaves it out when the last line is too young. Never allocates.
  void update(const progress_report& report) {
    if (!enabled_) return;
    const double interval =
        rewrites_ ? options_.seconds_between_rewrites : options_.seconds_between_lines;
    const double t = now();
    if (t - last_ >= interval) write(report, t);
  }

  /// Shows the last report whatever its age, and ends the line.
  void finish(const progress_report& report) {
    if (!enabled_) return;
    write(report, now());
    if (rewrites_) std::fputc('\n', options_.out);
    open_ = false;
    std::fflush(options_.out);
  }

  /// A line of its own behind the last report.
  void remark(const std::string& text) {
    if (!enabled_) return;
    if (open_) std::fputc('\n', options_.out);
    open_ = false;
    std::fprintf(options_.out, "%s\n", text.c_str());
    std::fflush(options_.out);
  }

 private:
  double now() const {
    if (options_.clock != nullptr) return options_.clock();
    using namespace std::chrono;
    return duration<double>(steady_clock::now().time_since_epoch()).count();
  }

  static bool is_terminal([[maybe_unused]] std::FILE* file) {
#if __has_include(<unistd.h>)
    if (file == nullptr) return false;
    const int descriptor = fileno(file);
    return descriptor >= 0 && isatty(descriptor) == 1;
#else
    return false;
#endif
  }

  void write(const progress_report& r, double t) {
    last_ = t;
    char line[256];
    int n = 0;
    const auto add = [&]<class... A>(const char* format, A... a) {
      if (n < static_cast<int>(sizeof line))
        n += std::snprintf(line + n, sizeof line - static_cast<std::size_t>(n), format, a...);
    };
    add("epoch %d/%d  step %lld/%lld", r.epoch, r.epochs, static_cast<long long>(r.step),
        static_cast<long long>(r.steps));
    if (!std::isnan(r.training)) add("  training %.4f", r.training);
    if (!std::isnan(r.validation)) add("  validation %.4f", r.validation);
    if (!std::isnan(r.training) || !std::isnan(r.validation)) add("%s", " nats");
    const double elapsed = t - start_;
    if (elapsed > 0 && r.step > r.first_step) {
      const double rate = static_cast<double>(r.samples) / elapsed;
      if (rate >= 1e6)
        add("  %.3g M/s", rate * 1e-6);
      else if (rate >= 1e3)
        add("  %.3g k/s", rate * 1e-3);
      else
        add("  %.3g /s", rate);
      const double left = elapsed * static_cast<double>(r.steps - r.step) /
                          static_cast<double>(r.step - r.first_step);
      const auto seconds = static_cast<long long>(std::ceil(left));
      if (seconds >= 3600)
        add("  %lld:%02lld:%02lld left", seconds / 3600, seconds / 60 % 60, seconds % 60);
      else
        add("  %lld:%02lld left", seconds / 60, seconds % 60);
    }
    // Spaces wipe what a longer line before left behind.
    if (rewrites_)
      std::fprintf(options_.out, "\r%-*s", width_, line);
    else
      std::fprintf(options_.out, "%s\n", line);
    width_ = n;
    open_ = rewrites_;
    std::fflush(options_.out);
  }

  progress_options options_;
  double start_;
  double last_ = -std::numeric_limits<double>::infinity();
  int width_ = 0;
  bool enabled_ = false;
  bool rewrites_ = false;
  bool open_ = false; // the cursor stands behind a line that may still change
};

} // namespace bijou::inline BIJOU_ISA
