// One path through a flow, for a tool that counts instructions in counted_calls().
//     gate_instructions           prints the names of the paths
//     gate_instructions PATH      warms up and runs one of them
// bench/instructions.cmake runs all of them under callgrind.
#include <bijou/bijou.hpp>

#include <cstdio>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "subject.hpp"

using namespace bench;

/// All that is counted.
extern "C" [[gnu::noinline]] void counted_calls(const std::function<void()>& call,
                                                int repetitions) {
  for (int i = 0; i < repetitions; ++i) call();
}

namespace {

constexpr int repetitions = 2;
constexpr std::size_t batch = 256;

struct path {
  std::string name;
  std::function<void()> call;
};

template <class Flow> void add(std::vector<path>& paths, const std::string& name, Flow flow) {
  const auto q = std::make_shared<Flow>(std::move(flow));
  const auto s = std::make_shared<subject<Flow>>(*q, batch);
  const auto t = std::make_shared<trainer<Flow>>(*q, batch);
  paths.push_back({name + "/log_prob", [q, s] { s->score(); }});
  paths.push_back({name + "/sample_and_log_prob", [q, s] { s->draw(); }});
  paths.push_back({name + "/inverse", [q, s] { s->inverse(); }});
  paths.push_back({name + "/forward", [q, s] { s->forward(); }});
  paths.push_back({name + "/training_step", [q, t] { t->step(); }});
  paths.push_back(
      {name + "/event/sample_and_log_prob", [q, s] { s->log_prob[0] = s->draw_event(); }});
  paths.push_back({name + "/event/log_prob", [q, s] { s->log_prob[0] = s->score_event(); }});
}

std::vector<path> all_paths() {
  std::vector<path> paths;
  constexpr auto small = iaf<64>;
  add(paths, "iaf", make_flow<float>(normal<8> | small | small | small | small | small, 1));
  constexpr auto spline = coupling<32>(rational_quadratic<8>);
  add(paths, "spline", make_flow<double>(normal<16> | spline | flip | spline | flip | spline, 1));
  return paths;
}

} // namespace

int main(int argc, char** argv) {
  for (const path& p : all_paths()) {
    if (argc < 2) {
      std::printf("%s\n", p.name.c_str());
    } else if (p.name == argv[1]) {
      p.call();
      counted_calls(p.call, repetitions);
      std::printf("%d calls\n", repetitions);
      return 0;
    }
  }
  if (argc < 2) return 0;
  std::fprintf(stderr, "no path is called %s\n", argv[1]);
  return 1;
}
