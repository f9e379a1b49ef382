/// \file
/// safetensors: what is written is read again, what the format does not allow is refused.

#include <bijou/io/safetensors.hpp>

#include <algorithm>
#include <bit>
#include <cmath>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <fcntl.h>
#include <filesystem>
#include <fstream>
#include <limits>
#include <map>
#include <random>
#include <span>
#include <string>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <thread>
#include <unistd.h>
#include <vector>

#include "../catch.hpp"
#include "../support/reference.hpp"
#include "../support/scratch_folder.hpp"

namespace io = bijou::io;
using bijou::testing::scratch_folder;
using io::safetensors;

namespace {

using bytes = std::vector<std::byte>;

/// A file of that header and `data` zero bytes.
bytes file_of(const std::string& header, std::size_t data = 0) {
  bytes result(8 + header.size() + data);
  const std::uint64_t length = header.size();
  std::memcpy(result.data(), &length, 8);
  std::memcpy(result.data() + 8, header.data(), header.size());
  return result;
}

std::string tensor_text(const std::string& name, const std::string& type, const std::string& shape,
                        const std::string& offsets) {
  return "\"" + name + R"(":{"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" +
         offsets + "}";
}

const std::string accepted;

/// The sentence with which a file is refused; `accepted` if it is read.
std::string refusal(const bytes& file) {
  try {
    safetensors::read(std::span(file), "model.safetensors");
  } catch (const io::file_error& error) {
    return error.what();
  }
  return accepted;
}
std::string refusal(const std::string& header, std::size_t data = 0) {
  return refusal(file_of(header, data));
}

bytes content(const std::string& path) {
  const std::string text = bijou::testing::content(path);
  bytes result(text.size());
  std::memcpy(result.data(), text.data(), text.size());
  return result;
}

void put(const std::string& path, const bytes& file) {
  std::ofstream(path, std::ios::binary)
      .write(reinterpret_cast<const char*>(file.data()), static_cast<std::streamsize>(file.size()));
}

auto says(const std::string& text) {
#if CATCH_VERSION_MAJOR >= 3
  return Catch::Matchers::ContainsSubstring(text);
#else
  return Catch::Matchers::Contains(text);
#endif
}

} // namespace

TEST_CASE("tensors of every type survive a round trip", "[io]") {
  const scratch_folder directory;
  const auto path = directory / "a.safetensors";
  const std::vector<float> floats{1.5F,
                                  -0.0F,
                                  std::numeric_limits<float>::infinity(),
                                  std::numeric_limits<float>::quiet_NaN(),
                                  1e-45F,
                                  -3};
  const std::vector<double> doubles{0.1, 1e300};
  const std::vector<std::int64_t> integers{INT64_MIN, -1, INT64_MAX};
  const std::vector<std::uint8_t> octets{0, 255, 7};
  const std::array<bool, 3> truths{true, false, true};
  const std::vector<std::int16_t> shorts{-5};
  io::write_safetensors(path,
                        {{"floats", io::tensor_of(floats, {2, 3})},
                         {"doubles", io::tensor_of(doubles, {2, 1})},
                         {"integers", io::tensor_of(integers, {3})},
                         {"octets", io::tensor_of(octets, {1, 1, 3})},
                         {"truths", io::tensor_of(truths, {3})},
                         {"scalar", io::tensor_of(std::span(shorts), {})},
                         {"nothing", io::tensor_of(std::span<const float>(), {4, 0})},
                         {"", io::tensor_of(octets, {3})},
                         {"name with \"quotes\" and \n ü", io::tensor_of(octets, {3})}},
                        {{"format", "pt"}, {"text", "line\nline \\ \"quoted\" ü"}, {"", ""}});
  CHECK(directory.files() == 1); // no temporary left

  const auto file = safetensors::read(path);
  CHECK(file.metadata().at("format") == "pt");
  CHECK(file.metadata().at("text") == "line\nline \\ \"quoted\" ü");
  CHECK(file.metadata().size() == 3);
  CHECK(file.names() == std::vector<std::string>{"", "doubles", "floats", "integers",
                                                 "name with \"quotes\" and \n ü", "nothing",
                                                 "octets", "scalar", "truths"});
  CHECK(file.contains("floats"));
  CHECK_FALSE(file.contains("Floats"));
  CHECK_FALSE(file.contains("__metadata__"));

  const auto read = file.as<float>("floats");
  REQUIRE(read.size() == floats.size());
  CHECK(std::memcmp(read.data(), floats.data(), sizeof(float) * floats.size()) == 0);
  CHECK(file.as<double>("doubles") == doubles);
  CHECK(file.as<std::int64_t>("integers") == integers);
  CHECK(file.as<long long>("integers").size() == 3);
  CHECK(file.as<std::uint8_t>("octets") == octets);
  CHECK(file.as<bool>("truths") == std::vector<bool>{true, false, true});
  CHECK(file.as<std::int16_t>("scalar") == shorts);
  CHECK(file.as<float>("nothing").empty());
  CHECK(file.tensor("nothing").shape == std::vector<std::size_t>{4, 0});
  CHECK(file.tensor("scalar").shape.empty());
  CHECK(file.tensor("octets").shape == std::vector<std::size_t>{1, 1, 3});
  CHECK(file.tensor("octets").type == io::dtype::u8);
  CHECK(file.tensor("octets").bytes.size() == 3);

  // The header is padded, and larger elements come first: everything is aligned.
  const auto raw = content(path);
  std::uint64_t length = 0;
  std::memcpy(&length, raw.data(), 8);
  CHECK(length % 8 == 0);
  double first = 0;
  std::memcpy(&first, raw.data() + 8 + length, 8);
  CHECK(first == 0.1);

  // What was read can be written again.
  const auto again = directory / "b.safetensors";
  std::map<std::string, io::tensor_view, std::less<>> tensors;
  for (const auto& name : file.names()) tensors[name] = file.tensor(name);
  io::write_safetensors(again, tensors, file.metadata());
  CHECK(content(again) == raw);
}

TEST_CASE("an empty file has no tensors", "[io]") {
  const scratch_folder directory;
  io::write_safetensors(directory / "a", {});
  const auto file = safetensors::read(directory / "a");
  CHECK(file.names().empty());
  CHECK(file.metadata().empty());
  CHECK(refusal("{}") == accepted);
  CHECK(refusal(R"({"__metadata__":{}}   )") == accepted);
}

TEST_CASE("types are converted only on request", "[io]") {
  const scratch_folder directory;
  const std::vector<float> floats{0.1F};
  const std::vector<double> doubles{0.1, 1e300, -1e300, std::nan(""), 1e-60};
  const std::vector<std::int64_t> integers{1};
  io::write_safetensors(directory / "a", {{"f", io::tensor_of(floats, {1})},
                                          {"d", io::tensor_of(doubles, {5})},
                                          {"i", io::tensor_of(integers, {1})}});
  const auto file = safetensors::read(directory / "a");
  const auto floating = io::conversion::floating;
  CHECK(file.as<double>("f", floating)[0] == static_cast<double>(0.1F));
  CHECK(file.as<double>("d", floating)[0] == 0.1);
  const auto narrowed = file.as<float>("d", floating);
  CHECK(narrowed[0] == 0.1F);
  CHECK(narrowed[1] == std::numeric_limits<float>::infinity());
  CHECK(narrowed[2] == -std::numeric_limits<float>::infinity());
  CHECK(std::isnan(narrowed[3]));
  CHECK(narrowed[4] == 0);
  CHECK_THROWS_WITH(file.as<double>("f"), says("tensor 'f' is of type F32, expected F64"));
  CHECK_THROWS_WITH(file.as<float>("d"), says("tensor 'd' is of type F64, expected F32"));
  CHECK_THROWS_WITH(file.as<float>("i", floating), says("of type I64, expected F32"));
  CHECK_THROWS_WITH(file.as<std::int64_t>("f", floating), says("of type F32, expected I64"));
  CHECK_THROWS_WITH(file.as<std::uint64_t>("i"), says("of type I64, expected U64"));
  CHECK_THROWS_AS(file.as<bool>("i"), io::file_error);
  CHECK_THROWS_WITH(file.as<double>("no such name"), says("/a: has no tensor 'no such name'"));
  CHECK_THROWS_AS(file.tensor("__metadata__"), io::file_error);
}

TEST_CASE("a truth value is 0 or 1", "[io]") {
  auto file = file_of("{" + tensor_text("b", "BOOL", "[2]", "[0,2]") + "}", 2);
  CHECK(safetensors::read(std::span(file)).as<bool>("b") == std::vector<bool>{false, false});
  file.back() = std::byte{2};
  CHECK_THROWS_WITH(safetensors::read(std::span(file)).as<bool>("b"), says("holds the byte 2"));
}

TEST_CASE("unaligned tensors are read", "[io]") {
  auto file = file_of("{" + tensor_text("d", "F64", "[2]", "[3,19]") + "," +
                          tensor_text("o", "U8", "[3]", "[0,3]") + "}",
                      19);
  const std::vector<double> values{2.5, -1e-310};
  std::memcpy(file.data() + file.size() - 16, values.data(), 16);
  CHECK(safetensors::read(std::span(file)).as<double>("d") == values);
}

TEST_CASE("files that are too short or too long are refused", "[io]") {
  const scratch_folder directory;
  CHECK_THROWS_WITH(safetensors::read(directory / "none"),
                    says("/none: cannot be opened: No such file or directory"));
  CHECK_THROWS_WITH(safetensors::read(directory / "."), says("cannot be read: Is a directory"));
  CHECK(refusal(bytes{}) == "model.safetensors: is 0 bytes long, too short for a safetensors file");
  CHECK_THAT(refusal(bytes(7)), says("7 bytes long"));
  CHECK_THAT(refusal(bytes(8)), says("does not begin with '{'"));

  auto file = file_of("{}");
  file[0] = std::byte{100};
  CHECK_THAT(refusal(file), says("claims a header of 100 bytes, but ends 2 bytes into it"));
  const auto claiming = [&](std::uint64_t length) {
    std::memcpy(file.data(), &length, 8);
    return refusal(file);
  };
  // The format's limit, to the byte.
  CHECK_THAT(claiming(100'000'000),
             says("claims a header of 100000000 bytes, but ends 2 bytes into it"));
  CHECK_THAT(claiming(100'000'001),
             says("claims a header of 100000001 bytes; more than 100 MB is not allowed"));
  CHECK_THAT(claiming(std::uint64_t{1} << 32U), says("more than 100 MB is not allowed"));
  CHECK_THAT(claiming(std::uint64_t{1} << 63U), says("more than 100 MB is not allowed"));
  for (std::size_t i = 0; i < 8; ++i) file[i] = std::byte{0xff};
  CHECK_THAT(refusal(file), says("claims a header of 18446744073709551615 bytes"));

  const auto header = "{" + tensor_text("a", "U8", "[4]", "[0,4]") + "}";
  CHECK(refusal(header, 4) == accepted);
  CHECK_THAT(refusal(header, 3), says("has tensors of 4 bytes, but ends after 3 of them"));
  CHECK_THAT(refusal(header, 5), says("goes on after its last tensor"));
  CHECK_THAT(refusal("{}", 1), says("goes on after its last tensor"));
  // A claim of 16 EB costs nothing.
  CHECK_THAT(refusal("{" +
                     tensor_text("a", "U8", "[18446744073709551615]", "[0,18446744073709551615]") +
                     "}"),
             says("but ends after 0 of them"));
}

TEST_CASE("an endless file is refused at once", "[io]") {
  if (!std::filesystem::exists("/dev/zero")) return;
  CHECK_THROWS_WITH(safetensors::read("/dev/zero"), says("does not begin with '{'"));
}

TEST_CASE("headers that are no JSON object are refused", "[io]") {
  for (const std::string header :
       {"[]", "null", "1", "\"a\"", "", " {}", "\xef\xbb\xbf{}", "x", "[[[[", "\0"}) {
    CHECK_THAT(refusal(header), says("the header does not begin with '{'"));
  }
  for (const std::string header :
       {"{", "{]", "{}}", "{} x", "{\"a\"}", "{'a':1}", "{\"\xff\":{}}", "{\"a\":{\"dtype\":\"U8\"",
        "{,}", "{/*a*/}", "{\"a\":{\"dtype\":\"\\ud800\"}}", "{\"a\":{\"shape\":[1,]}}",
        "{\"a\":{\"shape\":[1e999]}}", "{\"a\":{\"shape\":[01]}}"}) {
    CAPTURE(header);
    CHECK_THAT(refusal(header), says("the header is no JSON: mistake at its byte "));
  }
  CHECK_THAT(refusal(std::string("{}\0{}", 5)), says("holds a NUL byte"));
  CHECK_THAT(refusal(std::string("{}\0", 3)), says("holds a NUL byte"));
}

TEST_CASE("values of the wrong kind are refused", "[io]") {
  const auto a = [](const std::string& value) { return R"({"a":)" + value + "}"; };
  for (const std::string value : {"1", "null", "true", "\"F32\"", "[]", "[[[[[[", "-1", "1.5"}) {
    CAPTURE(value);
    CHECK_THAT(refusal(a(value)), says("'a' holds") && says("does not allow"));
  }
  CHECK_THAT(refusal(a("{\"dtype\":3}")),
             says("'dtype' of tensor 'a' holds the number 3, which the format does not allow"));
  CHECK_THAT(refusal(a("{\"dtype\":[]}")), says("'dtype' of tensor 'a' holds an array"));
  CHECK_THAT(refusal(a("{\"dtype\":{}}")), says("holds an object"));
  CHECK_THAT(refusal(a("{\"shape\":{}}")), says("'shape' of tensor 'a' holds an object"));
  CHECK_THAT(refusal(a("{\"shape\":\"1\"}")), says("holds the text '1'"));
  CHECK_THAT(refusal(a("{\"shape\":[[1]]}")), says("holds an array"));
  CHECK_THAT(refusal(a("{\"shape\":[-1]}")), says("holds the negative number -1"));
  CHECK_THAT(refusal(a("{\"shape\":[-0]}")), says("negative"));
  CHECK_THAT(refusal(a("{\"shape\":[1.0]}")), says("holds the number '1.0'"));
  CHECK_THAT(refusal(a("{\"shape\":[18446744073709551616]}")), says("holds the number"));
  CHECK_THAT(refusal(a("{\"shape\":[true]}")), says("holds a truth value"));
  CHECK_THAT(refusal(a("{\"data_offsets\":[0,-4]}")), says("holds the negative number -4"));
  CHECK_THAT(refusal(a("{\"data_offsets\":[0]}")), says("has 1 numbers instead of 2"));
  CHECK_THAT(refusal(a("{\"data_offsets\":[0,1,2]}")), says("has 3 numbers instead of 2"));
  CHECK_THAT(refusal(R"({"__metadata__":{"a":1}})"), says("metadata 'a' holds the number 1"));
  CHECK_THAT(refusal(R"({"__metadata__":{"a":{}}})"), says("metadata 'a' holds an object"));
  CHECK_THAT(refusal(R"({"__metadata__":{"a":[]}})"), says("metadata 'a' holds an array"));
  CHECK_THAT(refusal(R"({"__metadata__":"a"})"), says("'__metadata__' holds the text 'a'"));
}

TEST_CASE("deep nesting is refused where it begins", "[io]") {
  const std::size_t depth = 1'000'000;
  std::string objects;
  for (std::size_t i = 0; i < depth; ++i) objects += "{\"a\":";
  CHECK_THAT(refusal(objects), says("a field that the format does not know"));
  CHECK_THAT(refusal("{\"a\":{\"dtype\":" + objects), says("holds an object"));
  CHECK_THAT(refusal("{\"a\":" + std::string(depth, '[')), says("holds an array"));
  CHECK_THAT(refusal("{\"a\":{\"shape\":" + std::string(depth, '[')), says("holds an array"));
  const auto of_axes = [](int count) {
    std::string axes = "1";
    for (int i = 1; i < count; ++i) axes += ",1";
    return refusal("{" + tensor_text("a", "U8", "[" + axes + "]", "[0,1]") + "}", 1);
  };
  CHECK(of_axes(64) == accepted);
  CHECK_THAT(of_axes(65), says("'shape' of tensor 'a' has more than 64 numbers"));
  CHECK_THAT(of_axes(100'000), says("'shape' of tensor 'a' has more than 64 numbers"));
}

TEST_CASE("missing, unknown and repeated fields are refused", "[io]") {
  CHECK_THAT(refusal(R"({"a":{}})"), says("tensor 'a' has no dtype"));
  CHECK_THAT(refusal(R"({"a":{"shape":[],"data_offsets":[0,1]}})", 1), says("has no dtype"));
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","data_offsets":[0,1]}})", 1), says("has no shape"));
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","shape":[]}})", 1), says("has no data_offsets"));
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","shape":[1],"data_offsets":[0,1],"extra":1}})", 1),
             says("'extra' of tensor 'a', a field that the format does not know"));
  for (const std::string type : {"F31", "f32", "", "F32 ", "float32", "U80"}) {
    CHECK_THAT(refusal("{" + tensor_text("a", type, "[1]", "[0,4]") + "}", 4),
               says("'dtype' of tensor 'a' is '" + type + "', which is no known type"));
  }
  CHECK_THAT(refusal(R"({"a":{"dtype":"U8","dtype":"U8","shape":[1],"data_offsets":[0,1]}})", 1),
             says("the header has 'dtype' of tensor 'a' twice"));
  CHECK_THAT(refusal(R"({"a":{"shape":[1],"shape":[1],"dtype":"U8","data_offsets":[0,1]}})", 1),
             says("the header has 'shape' of tensor 'a' twice"));
  const auto one = tensor_text("a", "U8", "[1]", "[0,1]");
  const auto two = tensor_text("a", "U8", "[1]", "[1,2]");
  CHECK_THAT(refusal("{" + one + "," + one + "}", 1), says("the header has 'a' twice"));
  CHECK_THAT(refusal("{" + one + "," + two + "}", 2), says("the header has 'a' twice"));
  CHECK_THAT(refusal(R"({"__metadata__":{},"__metadata__":{}})"),
             says("the header has '__metadata__' twice"));
  CHECK_THAT(refusal(R"({"__metadata__":{"k":"a","k":"b"}})"),
             says("the header has metadata 'k' twice"));
}

TEST_CASE("sizes that do not fit are refused", "[io]") {
  const auto one = [](const std::string& type, const std::string& shape,
                      const std::string& offsets) {
    return "{" + tensor_text("a", type, shape, offsets) + "}";
  };
  CHECK_THAT(refusal(one("F32", "[2,3]", "[0,20]"), 20),
             says("tensor 'a' of shape [2, 3] and type F32 needs 24 bytes, but its offsets "
                  "span 20"));
  CHECK_THAT(refusal(one("F32", "[]", "[0,0]")), says("needs 4 bytes"));
  CHECK_THAT(refusal(one("F64", "[0]", "[0,8]"), 8), says("needs 0 bytes"));
  const std::string huge = "4294967296";
  CHECK_THAT(refusal(one("U8", "[" + huge + "," + huge + "]", "[0,0]")),
             says("more bytes than can be counted"));
  CHECK_THAT(refusal(one("F64", "[2305843009213693952]", "[0,0]")),
             says("more bytes than can be counted"));
  CHECK(refusal(one("F64", "[0," + huge + "," + huge + "]", "[0,0]")) == accepted);
  // The largest that can be counted, and one more.
  CHECK_THAT(refusal(one("F64", "[2305843009213693951]", "[0,18446744073709551608]")),
             says("has tensors of 18446744073709551608 bytes, but ends after 0 of them"));
  CHECK_THAT(refusal(one("U8", "[18446744073709551615,2]", "[0,18446744073709551614]")),
             says("more bytes than can be counted"));
  // Tensors that fit one by one, and whose sum does not.
  const std::string half = "9223372036854775808";
  CHECK_THAT(refusal("{" + tensor_text("a", "U8", "[" + half + "]", "[0," + half + "]") + "," +
                     tensor_text("b", "U8", "[" + half + "]", "[" + half + ",0]") + "}"),
             says("before its beginning"));
  CHECK_THAT(refusal(one("U8", "[1]", "[1,0]"), 1), says("before its beginning"));
  CHECK_THAT(refusal(one("U8", "[1]", "[18446744073709551615,0]"), 1),
             says("before its beginning"));
}

TEST_CASE("offsets must tile the data", "[io]") {
  const auto two = [](const std::string& a, const std::string& b) {
    return "{" + tensor_text("a", "U8", "[2]", a) + "," + tensor_text("b", "U8", "[2]", b) + "}";
  };
  CHECK(refusal(two("[0,2]", "[2,4]"), 4) == accepted);
  CHECK(refusal(two("[2,4]", "[0,2]"), 4) == accepted);
  CHECK_THAT(refusal(two("[0,2]", "[1,3]"), 3),
             says("tensor 'b' begins at byte 1 of the data, but the one before it ends at 2 "
                  "(they overlap)"));
  CHECK_THAT(refusal(two("[0,2]", "[0,2]"), 2), says("they overlap"));
  CHECK_THAT(refusal(two("[0,2]", "[3,5]"), 5), says("there is a hole"));
  CHECK_THAT(refusal(two("[1,3]", "[3,5]"), 5), says("there is a hole"));
  CHECK_THAT(refusal(two("[0,2]", "[2,4]"), 2), says("ends after 2 of them"));
  const std::string empty_between = "{" + tensor_text("a", "U8", "[2]", "[0,2]") + "," +
                                    tensor_text("z", "U8", "[0]", "[1,1]") + "}";
  CHECK_THAT(refusal(empty_between, 2), says("tensor 'z' begins at byte 1"));
}

TEST_CASE("messages stay short and printable", "[io]") {
  const auto text = refusal("{\"" + std::string(100'000, 'x') + "\\u0007\":3}");
  CHECK(text.size() < 300);
  const auto bell = refusal("{\"\\u0007\\n\":3}");
  CHECK(std::none_of(bell.begin(), bell.end(), [](char c) { return c >= 0 && c < ' '; }));
  // U+009B begins commands to a terminal as ESC [ does; a character is whole or not there.
  CHECK_THAT(refusal("{\"a\u009b2J\u00a0\u007f\":3}"), says("'a?2J\u00a0?' holds"));
  CHECK_THAT(refusal("{\"" + std::string(59, 'x') + "\u00e9\":3}"),
             says("'" + std::string(59, 'x') + "...' holds"));
  CHECK_THAT(refusal("{\"" + std::string(58, 'x') + "\u00e9\":3}"),
             says("'" + std::string(58, 'x') + "\u00e9' holds"));
}

TEST_CASE("many small tensors cost what their header is long", "[io]") {
  std::string header = "{";
  for (int i = 0; i < 100'000; ++i)
    header += (i == 0 ? "" : ",") + tensor_text(std::to_string(i), "F32", "[0,7]", "[0,0]");
  const auto file = file_of(header + "}");
  CHECK(safetensors::read(std::span(file)).names().size() == 100'000);
  CHECK_THAT(refusal(header + "," + tensor_text("1", "F32", "[0]", "[0,0]") + "}"),
             says("the header has '1' twice"));
}

TEST_CASE("text that is no UTF-8 is refused wherever it stands", "[io]") {
  // The Unicode Standard, table 3-7: cut short, overlong, a surrogate, beyond U+10FFFF, stray.
  for (const std::string bad : {"\xc3", "\xe2\x82", "\xf0\x9f\x98", "\xc0\xaf", "\xe0\x80\xaf",
                                "\xed\xa0\x80", "\xf4\x90\x80\x80", "\xf5", "\x80", "\xff"}) {
    CAPTURE(bad);
    CHECK_THAT(refusal("{" + tensor_text(bad, "U8", "[0]", "[0,0]") + "}"), says("is no JSON"));
    CHECK_THAT(refusal("{" + tensor_text("a", bad, "[0]", "[0,0]") + "}"), says("is no JSON"));
    CHECK_THAT(refusal(R"({"__metadata__":{"k":")" + bad + "\"}}"), says("is no JSON"));
    CHECK_THAT(refusal(R"({"__metadata__":{")" + bad + "\":\"v\"}}"), says("is no JSON"));
  }
  CHECK(refusal(R"({"__metadata__":{"k":"\ud83d\ude00 \u0000"}})") == accepted);
  CHECK_THAT(refusal(R"({"__metadata__":{"k":"\ude00"}})"), says("is no JSON"));
}

TEST_CASE("what the format cannot hold is not written", "[io]") {
  const scratch_folder directory;
  const std::vector<float> values{1, 2};
  CHECK_THROWS_WITH(io::tensor_of(values, {3}), "tensor_of: shape [3] does not fit 2 values");
  const auto write = [&](const std::string& name, const io::tensor_view& view) {
    io::write_safetensors(directory / "a", {{name, view}});
  };
  const auto good = io::tensor_of(values, {2});
  auto bad = good;
  bad.shape = {3};
  CHECK_THROWS_WITH(write("t", bad), says("of shape [3] and type F32 does not fit its 8"));
  CHECK_THROWS_WITH(write("__metadata__", good), says("reserves"));
  CHECK_THROWS_WITH(write("\xff", good), says("no UTF-8"));
  bad.shape.assign(65, 1);
  CHECK_THROWS_AS(write("t", bad), std::invalid_argument);
  CHECK_THROWS_AS(io::write_safetensors(directory / "a", {}, {{"k", "\xc3"}}),
                  std::invalid_argument);
  // A header of 100 MB would be written, if this were a file; one of 8 bytes more is refused.
  const auto of_size = [](std::size_t header) {
    const std::string empty = R"({"__metadata__":{"k":""}})";
    io::write_safetensors("/dev/null", {}, {{"k", std::string(header - empty.size(), 'x')}});
  };
  CHECK_THROWS_WITH(of_size(100'000'000), says("it is no regular file"));
  CHECK_THROWS_WITH(of_size(100'000'001), says("a header of 100000008 bytes is more than the 100"));
  CHECK(directory.files() == 0);
}

TEST_CASE("a failed write leaves what was there", "[io]") {
  const scratch_folder directory;
  const auto path = directory / "model.safetensors";
  const std::vector<double> values(10'000, 1.0);
  io::write_safetensors(path, {{"old", io::tensor_of(values, {10'000})}});
  const auto old = content(path);

  SECTION("no such directory") {
    CHECK_THROWS_WITH(io::write_safetensors(directory / "none/model", {}),
                      says("none/model: cannot be written: No such file or directory"));
  }
  SECTION("the target is a directory") {
    std::filesystem::create_directory(directory / "d");
    CHECK_THROWS_WITH(io::write_safetensors(directory / "d", {}), says("it is no regular file"));
    CHECK(std::filesystem::is_directory(directory / "d"));
    std::filesystem::remove(directory / "d");
  }
  SECTION("the target is a device") {
    CHECK_THROWS_AS(io::write_safetensors("/dev/null", {}), io::file_error);
    CHECK(std::filesystem::is_character_file("/dev/null"));
  }
  SECTION("the disk is full") {
    // A limit on this process stands in for it: the same short write.
    rlimit before{};
    getrlimit(RLIMIT_FSIZE, &before);
    rlimit small = before;
    small.rlim_cur = 20'000;
    const auto handler = std::signal(SIGXFSZ, SIG_IGN);
    std::string message;
    setrlimit(RLIMIT_FSIZE, &small);
    try {
      io::write_safetensors(path, {{"new", io::tensor_of(values, {100, 100})}});
    } catch (const io::file_error& error) {
      message = error.what();
    }
    setrlimit(RLIMIT_FSIZE, &before);
    std::signal(SIGXFSZ, handler);
    CHECK_THAT(message, says("model.safetensors: cannot be written: File too large"));
  }
  CHECK(content(path) == old);
  CHECK(directory.files() == 1);
}

TEST_CASE("a write replaces the old file, through links and beside other writers", "[io]") {
  const scratch_folder directory;
  const auto path = directory / "model";
  const std::vector<int> a{1};
  const std::vector<int> b{2};
  io::write_safetensors(path, {{"x", io::tensor_of(a, {1})}});
  std::filesystem::create_symlink("model", directory / "latest");
  put(directory / "model.part0", bytes(3)); // a user's
  put(directory / "model.bijou-part0", bytes(3));
  const int other = open((directory / "model.bijou-part0").c_str(), O_WRONLY); // another writer
  REQUIRE(flock(other, LOCK_EX) == 0);
  io::write_safetensors(directory / "latest", {{"x", io::tensor_of(b, {1})}});
  CHECK(safetensors::read(path).as<int>("x") == b);
  CHECK(std::filesystem::is_symlink(directory / "latest"));
  CHECK(content(directory / "model.part0") == bytes(3));
  CHECK(content(directory / "model.bijou-part0") == bytes(3));
  CHECK(directory.files() == 4);
  // Once that writer is no more, what it left goes.
  close(other);
  io::write_safetensors(path, {{"x", io::tensor_of(a, {1})}});
  CHECK(directory.files() == 3);
  CHECK_FALSE(std::filesystem::exists(directory / "model.bijou-part0"));
}

TEST_CASE("links to what is not there yet are followed", "[io]") {
  const scratch_folder directory;
  std::filesystem::create_directory(directory / "runs");
  std::filesystem::create_symlink("runs/latest", directory / "model");
  std::filesystem::create_symlink("seven", directory / "runs/latest");
  io::write_safetensors(directory / "model", {});
  CHECK(
      std::filesystem::is_regular_file(std::filesystem::symlink_status(directory / "runs/seven")));
  CHECK(std::filesystem::is_symlink(directory / "model"));
  std::filesystem::create_symlink("circle", directory / "circle");
  CHECK_THROWS_WITH(io::write_safetensors(directory / "circle", {}), says("it is no regular file"));
  CHECK(std::filesystem::is_symlink(directory / "circle"));
}

TEST_CASE("a file keeps its permissions, a new one has those of the umask", "[io]") {
  const scratch_folder directory;
  const auto path = directory / "model";
  const auto mode = [&] {
    return static_cast<unsigned>(std::filesystem::status(path).permissions());
  };
  const mode_t before = umask(027);
  io::write_safetensors(path, {});
  umask(before);
  CHECK(mode() == 0640);
  for (const unsigned wanted : {0600U, 0666U, 0755U}) {
    std::filesystem::permissions(path, static_cast<std::filesystem::perms>(wanted));
    io::write_safetensors(path, {});
    CHECK(mode() == wanted);
  }
}

TEST_CASE("threads that write one file leave one of theirs", "[io]") {
  const scratch_folder directory;
  const auto path = directory / "model";
  const std::vector<std::vector<int>> values{std::vector<int>(1000, 1), std::vector<int>(70, 2),
                                             std::vector<int>(5000, 3), std::vector<int>(1, 4)};
  {
    std::vector<std::jthread> threads;
    for (const auto& v : values)
      threads.emplace_back([&] {
        for (int i = 0; i < 50; ++i)
          io::write_safetensors(path, {{"x", io::tensor_of(v, {v.size()})}});
      });
    for (int i = 0; i < 200; ++i) {
      if (!std::filesystem::exists(path)) continue;
      const auto read = safetensors::read(path).as<int>("x");
      REQUIRE(std::find(values.begin(), values.end(), read) != values.end());
    }
  }
  CHECK(directory.files() == 1);
}

TEST_CASE("a value can be copied and moved", "[io]") {
  const auto file = file_of("{" + tensor_text("a", "U8", "[2]", "[0,2]") + "}", 2);
  auto first = safetensors::read(std::span(file));
  auto second = first;
  const auto third = std::move(first);
  second = third;
  CHECK(second.as<std::uint8_t>("a") == std::vector<std::uint8_t>{0, 0});
}

TEST_CASE("corrupted files are read or refused", "[io]") {
  const scratch_folder directory;
  const std::vector<float> weights{1, 2, 3, 4, 5, 6};
  const std::vector<std::int64_t> order{2, 0, 1};
  const std::array<bool, 2> mask{true, false};
  io::write_safetensors(directory / "a",
                        {{"layers.0.weight", io::tensor_of(weights, {2, 3})},
                         {"layers.0.bias", io::tensor_of(std::span(weights).first(2), {2})},
                         {"order", io::tensor_of(order, {3})},
                         {"mask", io::tensor_of(mask, {2})}},
                        {{"format", "pt"}});
  const auto valid = content(directory / "a");
  REQUIRE(refusal(valid) == accepted);
  std::uint64_t header = 0;
  std::memcpy(&header, valid.data(), 8);

  std::mt19937_64 random(20);
  const auto below = [&](std::size_t n) { return static_cast<std::size_t>(random() % n); };
  const std::string pieces = "{}[]\":,0123456789-.eE \\ntf";
  std::size_t refused = 0;
  for (int i = 0; i < 20'000; ++i) {
    auto file = valid;
    for (std::size_t n = 1 + below(3); n > 0 && !file.empty(); --n) {
      // Mostly in the header: a changed value is no mistake.
      const std::size_t at =
          std::min(file.size() - 1, below(8) == 0 ? below(file.size()) : below(8 + header));
      switch (below(6)) {
      case 0:
        file[at] ^= static_cast<std::byte>(1U << below(8));
        break;
      case 1:
        file[at] = static_cast<std::byte>(random());
        break;
      case 2:
        file[at] = static_cast<std::byte>(pieces[below(pieces.size())]);
        break;
      case 3:
        file.resize(at);
        break;
      case 4:
        file.erase(file.begin() + static_cast<std::ptrdiff_t>(at));
        break;
      default: {
        const auto piece = static_cast<std::byte>(pieces[below(pieces.size())]);
        file.insert(file.begin() + static_cast<std::ptrdiff_t>(at), piece);
      }
      }
      // Half of the time the length follows, so that the parser sees the change.
      if (file.size() > 8 && file.size() != valid.size() && below(2) == 0) {
        const std::uint64_t length = header + file.size() - valid.size();
        std::memcpy(file.data(), &length, 8);
      }
    }
    try {
      const auto read = safetensors::read(std::span(file));
      std::size_t total = 0;
      for (const auto& name : read.names()) {
        const auto view = read.tensor(name);
        std::size_t count = io::size_of(view.type);
        for (const auto extent : view.shape) count *= extent;
        REQUIRE(count == view.bytes.size());
        total += count;
        if (view.type == io::dtype::boolean) {
          try {
            read.as<bool>(name);
          } catch (const io::file_error&) { // a truth value of 2
          }
        }
      }
      REQUIRE(total <= file.size());
    } catch (const io::file_error&) {
      ++refused;
    }
  }
  CHECK(refused > 10'000);
  CHECK(refused < 20'000);
}

TEST_CASE("files of PyTorch's writer are read", "[io][reference]") {
  const auto weights = safetensors::read(bijou::testing::reference_path("model_iaf_d8.weights"));
  CHECK(weights.metadata().at("format") == "pt");
  CHECK(weights.names().size() == 35);
  CHECK(weights.tensor("transforms.0.arn.permutation").type == io::dtype::i64);
  CHECK(weights.as<float>("transforms.4.arn.layers.1.bias").size() == 16);
  for (const auto& item : std::filesystem::directory_iterator(BIJOU_TEST_DATA)) {
    if (item.path().extension() != ".safetensors") continue;
    CAPTURE(item.path());
    const auto file = safetensors::read(item.path());
    CHECK_FALSE(file.names().empty());
  }
}
