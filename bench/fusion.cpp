// What fusion is worth: W1 sampled and scored word by word, each word over the whole batch through
// the public calls, against the one fused program of the same words and weights. Pin it to a core.

#include "measure.hpp"
#include "subject.hpp"
#include "workloads.hpp"

using namespace bench;

namespace {

constexpr int size = 8;
using samples = std::vector<float>;

batch_view<float> view(samples& v) { return rows_of(v.data(), v.size() / size, size); }

/// The words of W1, each a bijector of its own: what a library of transforms does.
class word_by_word {
 public:
  explicit word_by_word(std::size_t n) : x_(n * size), y_(n * size), total_(n), part_(n) {}

  /// Fresh noise through every word; log q beside it.
  void draw(philox& stream) {
    base_.sample_and_log_prob(stream, view(x_), total_.data(), base_workspace_);
    for (std::size_t i = 0; i < layers_.size(); ++i) {
      apply(layers_[i], layer_workspace_);
      if (i + 1 < layers_.size()) apply(flip_, flip_workspace_);
    }
  }
  /// The words' parameters one after another, as the fused flow holds them.
  void take_parameters(std::span<const float> all) {
    for (auto& layer : layers_) {
      const std::size_t n = layer.parameters().size();
      layer.set_parameters(all.first(n));
      all = all.subspan(n);
    }
  }
  const samples& values() const { return x_; }

 private:
  template <class Word> void apply(const Word& word, workspace<float>& ws) {
    word.forward(view(x_), view(y_), part_.data(), ws);
    for (std::size_t i = 0; i < part_.size(); ++i) total_[i] -= part_[i];
    x_.swap(y_);
  }

  using iaf_word = decltype(make_bijector<float, size>(iaf<64>));
  decltype(make_flow<float>(normal<size>)) base_ = make_flow<float>(normal<size>);
  decltype(make_bijector<float, size>(flip)) flip_ = make_bijector<float, size>(flip);
  std::vector<iaf_word> layers_ = std::vector<iaf_word>(5, make_bijector<float, size>(iaf<64>));
  workspace<float> base_workspace_ = base_.make_workspace();
  workspace<float> flip_workspace_ = flip_.make_workspace();
  workspace<float> layer_workspace_ = layers_[0].make_workspace();
  samples x_, y_, total_, part_;
};

void add_pair(const std::string& where, std::size_t batch) {
  add("W1 word by word/" + where + "/" + std::to_string(batch), [=](benchmark::State& state) {
    const auto q = make_flow<float>(small_iaf, 1);
    subject fused(q, batch);
    word_by_word apart(batch);
    apart.take_parameters(q.parameters());
    philox a{1}, b{1};
    apart.draw(a);
    fused.stream = b;
    fused.draw();
    if (fused.y != apart.values()) return state.SkipWithError("the two ways differ");
    const double one = run_against(
        state, "x_fused", [&] { apart.draw(a); }, [&] { fused.draw(); });
    report_samples<float>(state, multiply_adds(q), batch, one);
  });
}

void add_all() {
  add_pair("first-level cache", 256);
  add_pair("second-level cache", 8192);
  add_pair("memory", 65536);
  if (!options().quick) add_pair("memory", 1 << 20);
}

} // namespace

int main(int argc, char** argv) { return run_all(argc, argv, add_all); }
