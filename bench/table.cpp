// One table from what the benchmarks and the peers wrote.
//
//     bench_table [--json FILE] [--chart FILE] RESULTS.json...
//
// Reads Google Benchmark's JSON, the peers' rows, or a file that --json wrote before. Prints tables
// in Markdown; --json keeps everything in one file, --chart writes what bench/chart.gp draws.
#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstdio>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <tuple>
#include <utility>
#include <vector>

using nlohmann::json;

namespace {

// --- reading

/// {"machine": ..., "rows": [...], "peers": [...], "versions": ..., "failures": [...]}
struct results {
  json all = {{"machine", json::object()},
              {"rows", json::array()},
              {"peers", json::array()},
              {"versions", json::object()},
              {"failures", json::array()}};

  /// Rows of Google Benchmark: medians, or the only run.
  void add_benchmark(const json& file, const std::string& program) {
    const json& context = file.at("context");
    const std::string prefix = program + ".";
    for (const auto& [key, value] : context.items())
      if (key != "caches" && key != "load_avg" && key != "executable")
        all["machine"][key == "instruction_set" || key.starts_with("peak") ? prefix + key : key] =
            value;
    for (const json& b : file.at("benchmarks")) {
      const bool repeated = b.value("repetitions", 1) > 1;
      if (repeated && b.value("aggregate_name", "") != "median") continue;
      json row = b;
      row["program"] = program;
      row["name"] = b.value("run_name", b.at("name").get<std::string>());
      row["instruction_set"] = context.value("instruction_set", "");
      row["threads"] = std::stoi(context.value("threads", "1"));
      all["rows"].push_back(std::move(row));
    }
  }
  /// A one-pass inverse written by hand for a peer is no way that its library has: a column apart.
  void add_peer(json row) {
    const json trials = row.value("trials", json::object());
    if (row.value("variant", "").starts_with("sweep")) {
      json swept = row;
      swept["library"] = row.at("library").get<std::string>() + " + sweep";
      swept["variant"] = "by hand";
      all["peers"].push_back(std::move(swept));
      double best = 0;
      for (const auto& [variant, seconds] : trials.items())
        if (!variant.starts_with("sweep") && (best == 0 || seconds.get<double>() < best)) {
          best = seconds.get<double>();
          row["variant"] = variant;
        }
      if (best == 0) return;
      row["seconds"] = best;
    }
    all["peers"].push_back(std::move(row));
  }
  void add_peers(const json& file) {
    for (const json& row : file.at("rows")) add_peer(row);
    all["versions"].update(file.value("versions", json::object()));
    for (const json& failure : file.value("failures", json::array()))
      all["failures"].push_back(failure);
  }
  void add_merged(const json& file) {
    all["machine"].update(file.at("machine"));
    for (const json& row : file.at("rows")) all["rows"].push_back(row);
    add_peers({{"rows", file.at("peers")},
               {"versions", file.at("versions")},
               {"failures", file.at("failures")}});
  }
  void add(const std::string& path) {
    std::ifstream in(path);
    if (!in) throw std::runtime_error("cannot read " + path);
    const json file = json::parse(in);
    const auto slash = path.find_last_of('/') + 1;
    if (file.contains("machine"))
      add_merged(file);
    else if (file.contains("context"))
      add_benchmark(file, path.substr(slash, path.rfind(".json") - slash));
    else
      add_peers(file);
  }
};

// --- printing

/// "15.4 M"
std::string engineering(double v) {
  const char* unit = "";
  for (const char* next : {"k", "M", "G"}) {
    if (v < 1000) break;
    v /= 1000;
    unit = next;
  }
  char text[32];
  std::snprintf(text, sizeof text, v < 10 ? "%.2f" : v < 100 ? "%.1f" : "%.0f", v);
  return std::string(text) + (*unit ? std::string(" ") + unit : "");
}
std::string fixed(double v, int digits) {
  char text[32];
  std::snprintf(text, sizeof text, "%.*f", digits, v);
  return text;
}

/// A table in Markdown whose columns stand under one another on a terminal too.
class markdown_table {
 public:
  explicit markdown_table(std::vector<std::string> head) { lines_.push_back(std::move(head)); }
  void add(std::vector<std::string> line) { lines_.push_back(std::move(line)); }
  bool empty() const { return lines_.size() < 2; }
  void print() const {
    std::vector<std::size_t> width(lines_[0].size(), 3);
    for (const auto& line : lines_)
      for (std::size_t i = 0; i < line.size(); ++i) width[i] = std::max(width[i], length(line[i]));
    for (std::size_t n = 0; n < lines_.size(); ++n) {
      std::string text = "|";
      for (std::size_t i = 0; i < width.size(); ++i) {
        const std::string& cell = lines_[n][i];
        const std::string space(width[i] - length(cell), ' ');
        text += " " + (i == 0 ? cell + space : space + cell) + " |";
      }
      std::puts(text.c_str());
      if (n > 0) continue;
      std::string rule = "|";
      for (std::size_t i = 0; i < width.size(); ++i)
        rule +=
            i == 0 ? std::string(width[i] + 2, '-') + "|" : std::string(width[i] + 1, '-') + ":|";
      std::puts(rule.c_str());
    }
  }

 private:
  /// Characters, not bytes.
  static std::size_t length(const std::string& s) {
    return static_cast<std::size_t>(
        std::count_if(s.begin(), s.end(), [](char c) { return (c & 0xC0) != 0x80; }));
  }
  std::vector<std::vector<std::string>> lines_;
};

void heading(const std::string& text) { std::printf("\n### %s\n\n", text.c_str()); }

std::string cell(const json& row, const char* counter, int digits, const char* unit = "") {
  return row.contains(counter) ? fixed(row[counter].get<double>(), digits) + unit : "";
}
std::string percent(const json& row) {
  return row.contains("of_peak") ? fixed(100 * row["of_peak"].get<double>(), 0) + " %" : "";
}

/// Seconds of a call on the wall.
double seconds(const json& row) {
  const std::string unit = row.value("time_unit", "ns");
  return row.at("real_time").get<double>() * (unit == "ns"   ? 1e-9
                                              : unit == "us" ? 1e-6
                                              : unit == "ms" ? 1e-3
                                                             : 1);
}

struct work {
  std::string name, type;
  long batch;
};
/// "W1/float/1024/real_time"
work parts_of(const json& row) {
  const auto name = row.at("name").get<std::string>();
  const auto a = name.find('/');
  const auto b = name.find('/', a + 1);
  if (a == std::string::npos || b == std::string::npos) return {name, "", 0};
  return {name.substr(0, a), name.substr(a + 1, b - a - 1), std::atol(name.c_str() + b + 1)};
}
/// The name as shown: without what Google Benchmark adds.
std::string shown(const json& row) {
  auto name = row.at("name").get<std::string>();
  for (const char* tail : {"/real_time", "/iterations:1", "/repeats:1"})
    if (const auto at = name.find(tail); at != std::string::npos)
      name.erase(at, std::string(tail).size());
  return name;
}

// --- the tables

using peers_by_work = std::map<std::tuple<std::string, long, int>, std::vector<json>>;

peers_by_work group(const json& peers) {
  peers_by_work groups;
  for (const json& p : peers)
    groups[{p.at("work"), p.at("batch").get<long>(), p.value("threads", 1)}].push_back(p);
  for (auto& [key, list] : groups)
    std::sort(list.begin(), list.end(), [](const json& a, const json& b) {
      return a.at("seconds").get<double>() < b.at("seconds").get<double>();
    });
  return groups;
}

bool is_library(const json& peer) { return peer.value("variant", "") != "by hand"; }

/// The workloads beside the best peer of the same work, batch and threads.
void print_workloads(const json& rows, const peers_by_work& peers, json& chart) {
  markdown_table table({"work", "type", "batch", "samples/s", "GFLOP/s", "of peak", "× explicit",
                        "best peer", "its samples/s", "bijou / peer"});
  for (const json& row : rows) {
    if (row.at("program") != "flows") continue;
    const work w = parts_of(row);
    std::vector<std::string> line{w.name,
                                  w.type,
                                  std::to_string(w.batch),
                                  engineering(row.at("samples/s").get<double>()),
                                  cell(row, "GFLOP/s", 0),
                                  percent(row),
                                  cell(row, "x_forward", 2)};
    const auto found = peers.find({w.name, w.batch, row.value("threads", 1)});
    if (found != peers.end() && w.type == "float") {
      const json& best = *std::find_if(found->second.begin(), found->second.end() - 1, is_library);
      const double rate = static_cast<double>(w.batch) / best.at("seconds").get<double>();
      const double ours = static_cast<double>(w.batch) / seconds(row);
      line.insert(line.end(), {best.at("library").get<std::string>(), engineering(rate),
                               fixed(ours / rate, 1)});
      for (const json& p : found->second)
        chart.push_back({w.name, w.batch, p.at("library"),
                         static_cast<double>(w.batch) / p.at("seconds").get<double>(), ""});
      chart.push_back({w.name, w.batch, "bijou", ours, fixed(ours / rate, 1) + "x"});
    } else {
      line.insert(line.end(), {"", "", ""});
    }
    table.add(line);
  }
  if (table.empty()) return;
  heading("Flows");
  table.print();
}

/// All peers: samples per second by library.
void print_peers(const peers_by_work& groups) {
  if (groups.empty()) return;
  std::vector<std::string> libraries;
  for (const auto& [key, list] : groups)
    for (const json& p : list)
      if (const auto name = p.at("library").get<std::string>();
          std::find(libraries.begin(), libraries.end(), name) == libraries.end())
        libraries.push_back(name);
  std::sort(libraries.begin(), libraries.end());
  std::vector<std::string> head{"work", "batch", "threads"};
  head.insert(head.end(), libraries.begin(), libraries.end());
  markdown_table table(head);
  for (const auto& [key, list] : groups) {
    const auto& [name, batch, threads] = key;
    std::vector<std::string> line{name, std::to_string(batch), std::to_string(threads)};
    for (const std::string& library : libraries) {
      const auto p = std::find_if(list.begin(), list.end(),
                                  [&](const json& row) { return row.at("library") == library; });
      line.push_back(p == list.end() ? ""
                                     : engineering(static_cast<double>(batch) /
                                                   p->at("seconds").get<double>()));
    }
    table.add(line);
  }
  heading("Peers, samples/s");
  table.print();
}

/// Rows of one program, its counters as columns.
void print_program(const json& rows, const std::string& program, const std::string& title,
                   const std::vector<std::pair<const char*, int>>& counters) {
  std::vector<std::string> head{"", "instructions"};
  for (const auto& [name, digits] : counters) head.emplace_back(name);
  markdown_table table(head);
  for (const json& row : rows) {
    const auto from = row.at("program").get<std::string>();
    if (from != program && !from.starts_with(program + ".")) continue;
    std::vector<std::string> line{shown(row), row.value("instruction_set", "")};
    for (const auto& [name, digits] : counters)
      line.push_back(std::string(name) == "of_peak" ? percent(row)
                     : std::string(name) == "samples/s"
                         ? (row.contains(name) ? engineering(row[name]) : "")
                         : cell(row, name, digits));
    table.add(line);
  }
  if (table.empty()) return;
  heading(title);
  table.print();
}

void print_machine(const json& machine, const json& versions, const json& failures) {
  for (const char* key : {"cpu", "compiler", "openblas", "openblas_core", "date", "threads"})
    if (machine.contains(key))
      std::printf("%s: %s\n", key, machine[key].get<std::string>().c_str());
  if (!versions.empty()) {
    std::printf("peers:");
    for (const auto& [name, version] : versions.items())
      std::printf(" %s %s", name.c_str(), version.get<std::string>().c_str());
    std::printf("\n");
  }
  for (const json& f : failures) { // work and batch are null where a whole library failed
    std::string what = f.at("library").get<std::string>();
    if (f.at("work").is_string()) what += ", " + f.at("work").get<std::string>();
    if (f.at("batch").is_number()) what += ", batch " + f.at("batch").dump();
    std::printf("failed: %s: %s\n", what.c_str(), f.at("why").get<std::string>().c_str());
  }
}

void write(const std::string& path, const std::string& text) {
  std::ofstream out(path);
  if (!(out << text)) throw std::runtime_error("cannot write " + path);
}

} // namespace

int main(int argc, char** argv) {
  CLI::App app("One table from the benchmarks' results");
  std::vector<std::string> paths;
  std::string json_path, chart_path;
  app.add_option("results", paths, "JSON of benchmarks and peers")->required();
  app.add_option("--json", json_path, "keep everything in this file");
  app.add_option("--chart", chart_path, "what bench/chart.gp draws");
  CLI11_PARSE(app, argc, argv);
  try {
    results r;
    for (const std::string& path : paths) r.add(path);
    const json& rows = r.all["rows"];
    const auto peers = group(r.all["peers"]);
    json chart = json::array();
    print_machine(r.all["machine"], r.all["versions"], r.all["failures"]);
    print_program(rows, "limits", "The machine",
                  {{"GFLOP/s", 0}, {"of_peak", 0}, {"GB/s", 0}, {"ns_each", 2}, {"samples/s", 0}});
    print_program(rows, "networks", "Networks on tiles",
                  {{"GFLOP/s", 0}, {"of_peak", 0}, {"dense_GFLOP/s", 0}, {"x_forward", 2}});
    print_workloads(rows, peers, chart);
    print_program(rows, "events", "One event, ns",
                  {{"ns_median", 0}, {"ns_p99.9", 0}, {"ns_together", 0}});
    print_program(rows, "fusion", "Word by word, in units of the fused flow",
                  {{"samples/s", 0}, {"x_fused", 2}});
    print_program(rows, "mixing", "Words that mix variables, derived over by hand",
                  {{"ns_each", 2}, {"x_by_hand", 2}});
    print_program(rows, "presets", "Flows of the field",
                  {{"samples/s", 0}, {"GFLOP/s", 0}, {"of_peak", 0}});
    print_peers(peers);
    if (!json_path.empty()) write(json_path, r.all.dump(1) + "\n");
    if (!chart_path.empty()) {
      std::string text;
      for (const json& c : chart)
        text += c[0].get<std::string>() + "\t" + std::to_string(c[1].get<long>()) + "\t" +
                c[2].get<std::string>() + "\t" + std::to_string(c[3].get<double>()) + "\t" +
                c[4].get<std::string>() + "\n";
      write(chart_path, text);
    }
  } catch (const std::exception& error) {
    std::fprintf(stderr, "bench_table: %s\n", error.what());
    return 1;
  }
  return 0;
}
