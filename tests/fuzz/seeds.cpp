/// \file
/// `fuzz_seeds DIRECTORY` writes small whole files for each target: what the library makes, and
/// what an adversary might.

#include <cstdio>
#include <exception>
#include <filesystem>
#include <string>
#include <vector>

#include "../support/scratch_folder.hpp"
#include "readers.hpp"

using namespace bijou;
using testing::put;

namespace {

std::string tensor(const std::string& name, const std::string& type, const std::string& shape,
                   const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

void hostile(const std::filesystem::path& folder) {
  const auto write = [&](const std::string& name, const std::string& header, std::size_t data) {
    const auto bytes = fuzz::joined(header, std::vector<std::byte>(data));
    put(folder / name, {reinterpret_cast<const char*>(bytes.data()), bytes.size()});
  };
  const std::string a = tensor("a", "U8", "[2]", "[0,2]"), d = tensor("d", "F64", "[1]", "[3,11]");
  const std::string huge = "18446744073709551615";
  write("empty", "{}", 0);
  write("unaligned", "{" + d + "," + tensor("o", "U8", "[3]", "[0,3]") + "}", 11);
  write("overlap", "{" + a + "," + tensor("b", "U8", "[2]", "[1,3]") + "}", 3);
  write("hole", "{" + a + "," + tensor("b", "U8", "[2]", "[3,5]") + "}", 5);
  write("overflow", "{" + tensor("a", "F64", "[4294967296,4294967296]", "[0,0]") + "}", 0);
  write("wraps", "{" + tensor("a", "F64", "[2305843009213693952]", "[0,0]") + "}", 0);
  write("huge", "{" + tensor("a", "U8", "[" + huge + "]", "[0," + huge + "]") + "}", 0);
  write("backwards", "{" + tensor("a", "U8", "[1]", "[" + huge + ",0]") + "}", 1);
  write("twice", "{" + a + "," + a + "}", 2);
  write("deep", "{\"a\":{\"shape\":" + std::string(200, '[') + std::string(200, ']') + "}}", 0);
  write("metadata",
        R"({"__metadata__":{"a":"\u0000\ud83d\ude00\n","":"x"},)" +
            tensor("z", "BOOL", "[0,9]", "[0,0]") + "}",
        0);
  write("no_utf8", "{\"\xff\xc3\":{}}", 0);
  put(folder / "long_claim", std::string("\xff\xff\xff\xff\xff\xff\xff\x7f{}", 10));
}

} // namespace

int main(int argc, char** argv) try {
  const std::filesystem::path folder = argc > 1 ? argv[1] : "seeds";
  for (const char* target : {"safetensors", "flow_file", "checkpoint", "expression"})
    std::filesystem::create_directories(folder / target);
  fuzz::save_flows(folder / "safetensors");
  fuzz::save_flows(folder / "flow_file");
  hostile(folder / "safetensors");
  fuzz::save_run(folder / "checkpoint/after_1", 1);
  fuzz::save_run(folder / "checkpoint/after_4", 4);
  put(folder / "expression/text", fuzz::flow_text());
  put(folder / "expression/options", "normal<2> | iaf<64>.skip().order({1, 0}) | shuffle(4)");
  put(folder / "expression/bytes", std::string("a\0\x7f\xc2\x9b\xf0\x9f\x98\x80\"\\", 11));
  return 0;
} catch (const std::exception& e) {
  std::fprintf(stderr, "%s\n", e.what());
  return 1;
}
