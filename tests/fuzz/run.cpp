/// \file
/// The run that fuzzed checkpoints are meant for.

#include <bijou/bijou.hpp>
#include <bijou/io/checkpoint.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <optional>
#include <stdexcept>
#include <string>
#include <utility>

#include "readers.hpp"

namespace bijou::fuzz {
namespace {

auto made() { return make_flow<float>(normal<2> | iaf<3> | flip | iaf<3>, 3); }

template <class Flow>
fit_result train(Flow& q, const checkpoints& places,
                 const std::function<bool(const fit_epoch&)>& goes_on = {}) {
  xt::xtensor<float, 2> y(std::array<std::size_t, 2>{24, 2});
  for (std::size_t i = 0; i < 24; ++i) {
    y(i, 0) = static_cast<float>(i) / 12 - 1;
    y(i, 1) = y(i, 0) * y(i, 0);
  }
  return fit(q, y,
             {.epochs = 4,
              .batch_size = 12,
              .schedule = schedules::cosine{},
              .validation_fraction = 0.25,
              .callback = goes_on,
              .checkpoint = places});
}

} // namespace

bool resume_run(const training_state& state) {
  static const auto original = made();
  auto q = original;
  try {
    const fit_result r = train(q, {.read = [&] { return std::optional(state); }});
    always(r.history.size() <= 4 && r.best_epoch >= 0 && r.best_epoch <= 4, "four epochs");
    for (std::size_t i = 0; i < r.history.size(); ++i)
      always(r.history[i].epoch == static_cast<int>(i) + 1, "epochs are counted");
    return true;
  } catch (const training_error& e) { // hostile numbers
    check_message(e.what(), "fit: ");
    return true;
  } catch (const std::invalid_argument& e) {
    check_message(e.what(), "");
    const auto a = std::as_const(q).parameters(), b = original.parameters();
    always(std::equal(a.begin(), a.end(), b.begin(), b.end()),
           "a foreign checkpoint changes nothing");
    return false;
  }
}

void save_run(const std::string& path, int epochs) {
  auto q = made();
  train(q, checkpoint_file(path), [&](const fit_epoch& e) { return e.epoch < epochs; });
}

} // namespace bijou::fuzz
