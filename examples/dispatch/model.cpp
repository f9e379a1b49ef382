// Compiled once for each instruction set. All but the one function at the end is in an unnamed
// namespace: the other variants have their own.
#include "model.hpp"

#include <bijou/bijou.hpp>

namespace {

constexpr auto layer = bijou::iaf<64>;
constexpr int size = proposal::size;
constexpr auto expression = bijou::normal<size> | layer | bijou::flip | layer | bijou::flip | layer;

class compiled final : public proposal {
 public:
  explicit compiled(std::uint64_t seed) : q_(bijou::make_flow<float>(expression, seed)) {}

  void sample_and_log_prob(std::uint64_t first, std::span<float> samples,
                           std::span<float> log_q) override {
    bijou::philox stream{/*seed=*/1};
    stream.advance(first);
    q_.sample_and_log_prob(stream, bijou::rows_of(samples.data(), log_q.size(), size), log_q.data(),
                           workspace_);
  }

  void log_prob(std::span<const float> samples, std::span<float> log_q) override {
    q_.log_prob(bijou::rows_of(samples.data(), log_q.size(), size), log_q.data(), workspace_);
  }

 private:
  bijou::flow_for<expression, float> q_;
  bijou::workspace<float> workspace_ = q_.make_workspace();
};

} // namespace

std::unique_ptr<proposal> BIJOU_VARIANT(make_proposal)(std::uint64_t seed) {
  return std::make_unique<compiled>(seed);
}
