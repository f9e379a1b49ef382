// What describe prints, as a reader sees it, and its numbers against counts of their own.
#include <bijou/bijou.hpp>

#include <algorithm>
#include <array>
#include <sstream>
#include <string>
#include <vector>

#include "../catch.hpp"

using namespace bijou;

namespace {

/// The lines of a description, without spaces at their ends.
std::vector<std::string> lines_of(const std::string& text) {
  std::vector<std::string> lines;
  std::istringstream in(text);
  for (std::string line; std::getline(in, line);) lines.push_back(line);
  return lines;
}
/// Columns of a line: what two spaces or more part.
std::vector<std::string> cells_of(const std::string& line) {
  std::vector<std::string> cells;
  for (std::size_t at = 0; at < line.size();) {
    const std::size_t end = std::min(line.find("  ", at), line.size());
    cells.push_back(line.substr(at, end - at));
    at = std::min(line.find_first_not_of(' ', end), line.size());
  }
  return cells;
}

/// Connections that degrees allow: what a masked network multiplies and adds, counted one by one.
long connections(const degree_assignment& a, int parameters, bool skip) {
  long n = 0;
  for (std::size_t l = 0; l < a.hidden.size(); ++l)
    for (const int m : a.hidden[l]) {
      if (l == 0) n += a.context;
      for (const int below : l == 0 ? a.inputs : a.hidden[l - 1]) n += below <= m;
    }
  for (const int d : a.outputs) {
    for (const int m : a.hidden.back()) n += parameters * (m < d);
    if (skip) n += parameters * a.context;
    if (skip)
      for (const int m : a.inputs) n += parameters * (m < d);
  }
  return n;
}
long biases(const degree_assignment& a, int parameters) {
  long n = parameters * static_cast<long>(a.outputs.size());
  for (const auto& layer : a.hidden) n += static_cast<long>(layer.size());
  return n;
}

/// Row `line` of the description of e says what learned word I of a bijector of e has.
template <int I, class F>
void check_row(const F& f, const std::string& text, std::size_t line, int parameters, bool skip,
               const std::array<std::string, 2>& marks) {
  const auto degrees = arn<I>(f).degrees();
  const long n = connections(degrees, parameters, skip);
  CAPTURE(text, line);
  const auto cells = cells_of(lines_of(text)[line]);
  REQUIRE(cells.size() == 5);
  CHECK(n == arn<I>(f).multiply_adds());
  CHECK(cells[2] == std::to_string(n + biases(degrees, parameters)));
  CHECK(cells[3] == std::to_string(n) + marks[0]);
  CHECK(cells[4] == std::to_string(n) + marks[1]);
}

} // namespace

TEST_CASE("a description as it is read", "[describe]") {
  constexpr auto e =
      normal<4> | maf<64, 64> | permute({2, 0, 3, 1}) | maf<32> | affine | on<1>(exp_map);
  const std::string lanes = std::to_string(program<float, std::remove_const_t<decltype(e)>>::lanes);
  // clang-format off
  CHECK(describe(e) ==
        "                       variables                 parameters  forward   inverse\n"
        "normal<4>              4 x line\n"
        "maf<64, 64>            4 x line                        3280     3144*     3144\n"
        "permute({2, 0, 3, 1})  4 x line\n"
        "maf<32>                4 x line                         240      200*      200\n"
        "affine                 4 x line                           8\n"
        "on<1>(exp_map)         line, positive, 2 x line\n"
        "in all                                                 3528     3344      3344\n"
        "forward, inverse: multiply-adds of a sample in the networks; * goes variable by variable\n"
        "\n"
        "as it runs, in tiles of " + lanes + " samples (float):\n"
        "  maf<64, 64>\n"
        "  maf<32> on rows {2, 0, 3, 1}\n"
        "  in one loop: affine + on<1>(exp_map)\n"
        "  variables of the data from rows {2, 0, 3, 1}\n"
        "3528 parameters, stored in 4160 numbers\n");
  // clang-format on
}

TEST_CASE("a run of elementwise words ends at a learned one", "[describe]") {
  const auto steps = [](const std::string& text) {
    std::vector<std::string> result = lines_of(text);
    const auto first = std::find_if(result.begin(), result.end(), [](const std::string& line) {
      return line.starts_with("as it runs");
    });
    result.erase(result.begin(), first + 1);
    // What follows are notes, and the count of parameters.
    std::erase_if(result, [](const std::string& line) { return !line.starts_with("  "); });
    return result;
  };
  CHECK(steps(describe(normal<2> | affine | maf<8> | affine)) ==
        std::vector<std::string>{"  affine", "  maf<8>", "  affine"});
  CHECK(steps(describe(normal<2> | affine | clamped_affine | maf<8>)) ==
        std::vector<std::string>{"  in one loop: affine + clamped_affine", "  maf<8>"});
  CHECK(steps(describe(normal<2> | affine | clamped_affine | maf<8> | affine | clamped_affine |
                       planar | affine | clamped_affine | on<0>(exp_map))) ==
        std::vector<std::string>{"  in one loop: affine + clamped_affine", "  maf<8>",
                                 "  in one loop: affine + clamped_affine", "  planar",
                                 "  in one loop: affine + clamped_affine + on<0>(exp_map)"});
}

TEST_CASE("numbers of a description", "[describe]") {
  SECTION("iaf: parameters and multiply-adds, the inverse sweeps") {
    constexpr auto e = normal<8> | iaf<64> | flip | iaf<20, 30>;
    const auto q = make_flow<float>(e);
    const std::string text = describe(e);
    check_row<0>(q, text, 2, 2, false, {"", "*"});
    check_row<1>(q, text, 4, 2, false, {"", "*"});
    CHECK(cells_of(lines_of(text)[5])[1] == std::to_string(q.num_parameters()));
  }
  SECTION("maf: forward sweeps; a context and a skip connection count") {
    constexpr auto e = normal<4> | given<3> | maf<24>.skip() | maf<16>;
    const auto q = make_flow<double>(e);
    const std::string text = describe(e);
    check_row<0>(q, text, 3, 2, true, {"*", ""});
    check_row<1>(q, text, 4, 2, false, {"*", ""});
    CHECK(cells_of(lines_of(text)[5])[1] == std::to_string(q.num_parameters()));
  }
  SECTION("splines: couplings sweep nowhere; free parameters are one set a variable") {
    constexpr auto e = uniform<5> | coupling<32>(rational_quadratic<8>.unit_box()) |
                       inverse(coupling<16>(rational_quadratic<4>.unit_box())) |
                       rational_quadratic<4>.unit_box();
    const auto q = make_flow<float>(e);
    const std::string text = describe(e);
    check_row<0>(q, text, 2, 25, false, {"", ""});
    check_row<1>(q, text, 3, 13, false, {"", ""});
    CHECK(cells_of(lines_of(text)[4])[2] == std::to_string(5 * 13));
    CHECK(cells_of(lines_of(text)[5])[1] == std::to_string(q.num_parameters()));
    CHECK(text.find(std::to_string(q.num_parameters()) + " parameters, stored in " +
                    std::to_string(q.parameters().size()) + " numbers") != std::string::npos);
  }
  SECTION("words on rows have parameters for these rows") {
    const std::string text = describe(normal<4> | on<1, 3>(affine));
    CHECK(cells_of(lines_of(text)[2]) ==
          std::vector<std::string>{"on<1, 3>(affine)", "4 x line", "4"});
  }
  SECTION("a chain without a base") {
    const std::string text = describe<3>(iaf<16> | flip | affine);
    check_row<0>(make_bijector<float, 3>(iaf<16> | flip | affine), text, 2, 2, false, {"", "*"});
    CHECK(cells_of(lines_of(text)[1])[0] == "make_bijector<3>");
  }
}

namespace {
struct one_way {
  static constexpr const char* name = "one_way";
  template <class X, class Y> void forward(const X& x, Y& y) const {
    auto first = x[0];
    auto bent = tanh(first);
    y.set(1, bent);
  }
};
} // namespace

TEST_CASE("a word without an inverse has no cost that way", "[describe]") {
  const auto cells = cells_of(lines_of(describe(normal<2> | mixing(one_way{})))[2]);
  REQUIRE(!cells.empty());
  CHECK(cells.front() == "one_way");
  CHECK(cells.back() == "none");
}

TEST_CASE("long lists are cut", "[describe]") {
  CHECK(describe(normal<8> | permute({7, 6, 5, 4, 3, 2, 1, 0})).find("{7, 6, 5, 4, 3, 2, 1, 0}") !=
        std::string::npos);
  CHECK(describe(normal<9> | permute({8, 7, 6, 5, 4, 3, 2, 1, 0})).find("{8, 7, 6, ..., 0}") !=
        std::string::npos);
  std::vector<double> mean(64, 0.123456789), scale(64, 1.0);
  for (const auto& line : lines_of(describe(normal<64> | inverse(standardise(mean, scale)) | flip)))
    CHECK(line.size() <= 130);
}
