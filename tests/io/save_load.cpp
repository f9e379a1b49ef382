/// \file
/// Flows in files: the same bits after a round trip; what does not fit is refused, and changes
/// nothing.

#include <bijou/bijou.hpp>
#include <bijou/io/save_load.hpp>

#include <cstdint>
#include <filesystem>
#include <limits>
#include <map>
#include <string>
#include <vector>

#include "../catch.hpp"
#include "../support/random_parameters.hpp"
#include "../support/scratch_folder.hpp"

using namespace bijou;
using Catch::Matchers::Contains;
using testing::content;
using testing::put;
using testing::scratch_folder;

namespace {

constexpr auto expression = normal<3> | iaf<7, 5>.skip().order({1, 2, 0}) | affine | flip |
                            coupling<4>(rational_quadratic<3>) | on<1>(exp_map);

template <class T> auto perturbed() {
  auto q = make_flow<T>(expression, 3);
  testing::perturb(q.parameters(), q.structure(), 17);
  return q;
}
template <class T> xt::xtensor<T, 2> samples() {
  auto values = testing::uniform_values<T>(3 * 100, 5, 0.1F, 2);
  xt::xtensor<T, 2> y(std::array<std::size_t, 2>{100, 3});
  std::copy(values.begin(), values.end(), y.begin());
  return y;
}

/// Loading refuses with this sentence and leaves all of the flow as it was.
template <class T> void refused(const std::string& path, const std::string& why) {
  auto q = make_flow<T>(expression, 4);
  const std::vector<T> before(q.parameters().begin(), q.parameters().end());
  CHECK_THROWS_WITH(load(q, path), Contains(why));
  CHECK_THROWS_AS(load(q, path), io::file_error);
  CHECK(std::equal(before.begin(), before.end(), q.parameters().begin(), q.parameters().end()));
}

} // namespace

TEMPLATE_TEST_CASE("a flow comes back from a file, to the bit", "[io]", float, double) {
  using T = TestType;
  const scratch_folder here;
  const auto q = perturbed<T>();
  save(q, here / "q.safetensors");
  auto r = make_flow<T>(expression, 4);
  const auto y = samples<T>();
  REQUIRE((r.log_prob(y) != q.log_prob(y)));
  load(r, here / "q.safetensors");
  CHECK((r.log_prob(y) == q.log_prob(y)));
  CHECK(std::equal(q.parameters().begin(), q.parameters().end(), r.parameters().begin()));
  philox a{1}, b{1};
  CHECK((q.sample(a, 70) == r.sample(b, 70)));
  save(r, here / "again.safetensors");
  CHECK(content(here / "again.safetensors") == content(here / "q.safetensors"));
}

TEST_CASE("float files load into double flows and back, on request", "[io]") {
  const scratch_folder here;
  const auto narrow = perturbed<float>();
  save(narrow, here / "float.safetensors");
  auto wide = make_flow<double>(expression, 4);
  load(wide, here / "float.safetensors", conversion::floating);
  CHECK(std::equal(wide.parameters().begin(), wide.parameters().end(), narrow.parameters().begin(),
                   narrow.parameters().end()));
  save(wide, here / "double.safetensors");
  auto back = make_flow<float>(expression, 5);
  load(back, here / "double.safetensors", conversion::floating);
  CHECK((back.log_prob(samples<float>()) == narrow.log_prob(samples<float>())));
  refused<double>(here / "float.safetensors", "F32");
  refused<float>(here / "double.safetensors", "F64");
}

TEST_CASE("a bijector is saved and loaded like a flow", "[io]") {
  const scratch_folder here;
  auto f = make_bijector<double, 3>(iaf<7> | flip | affine, 1);
  testing::perturb(f.parameters(), f.structure(), 17);
  save(f, here / "f.safetensors");
  auto g = make_bijector<double, 3>(iaf<7> | flip | affine, 2);
  load(g, here / "f.safetensors");
  const xt::xtensor<double, 1> x{0.5, 1, -1};
  CHECK((f.forward(x).y == g.forward(x).y));
}

TEST_CASE("files that do not fit", "[io]") {
  const scratch_folder here;
  const std::string path = here / "q.safetensors";
  SECTION("of another architecture") {
    save(make_flow<double>(normal<3> | iaf<7>), path);
    refused<double>(path,
                    "holds the parameters of normal<3> | iaf<7>, expected those of normal<3>");
  }
  SECTION("of another order") {
    save(make_flow<double>(normal<3> | iaf<7, 5>.skip().order({2, 1, 0}) | affine | flip |
                           coupling<4>(rational_quadratic<3>) | on<1>(exp_map)),
         path);
    refused<double>(path, "order({2, 1, 0})");
  }
  SECTION("of another program") {
    const std::vector<double> one{1};
    io::write_safetensors(path, {{"weight", io::tensor_of(one, {1})}});
    refused<double>(path, "holds no expression: it was not written by save");
  }
  SECTION("that are not there") { refused<double>(here / "none", "none"); }
  SECTION("that are cut short, at any byte") {
    save(perturbed<double>(), path);
    const std::string whole = content(path);
    auto q = make_flow<double>(expression, 4);
    const std::vector<double> before(q.parameters().begin(), q.parameters().end());
    for (std::size_t n = 0; n < whole.size(); n += 97) {
      put(path, whole.substr(0, n));
      REQUIRE_THROWS_AS(load(q, path), io::file_error);
    }
    put(path, whole + " ");
    REQUIRE_THROWS_AS(load(q, path), io::file_error);
    CHECK(std::equal(before.begin(), before.end(), q.parameters().begin()));
  }
  SECTION("with a header of impossible length") {
    save(perturbed<double>(), path);
    std::string bytes = content(path);
    bytes.replace(0, 8, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
    put(path, bytes);
    refused<double>(path, "header");
  }
  // Files that save could have written, with one thing changed.
  const auto write = [&](const auto& change) {
    const auto q = perturbed<double>();
    auto set = named_parameters(q);
    change(set);
    std::map<std::string, io::tensor_view, std::less<>> tensors;
    for (const auto& t : set.values) tensors.emplace(t.name, io::tensor_of(t.values, t.shape));
    for (const auto& t : set.integers) tensors.emplace(t.name, io::tensor_of(t.values, t.shape));
    const io::metadata_map metadata{{"format", "bijou 1"}, {"expression", q.text()}};
    io::write_safetensors(path, tensors, metadata);
  };
  SECTION("without a tensor") {
    write([](auto& set) { set.values.pop_back(); });
    refused<double>(path, "is missing");
  }
  SECTION("with a tensor too many") {
    write([](auto& set) { set.add("layers.9.theta", {1}, {0}); });
    refused<double>(path, R"(holds tensor "layers.9.theta", which this flow has not)");
  }
  SECTION("with a tensor of another shape") {
    write([](auto& set) {
      for (auto& t : set.values)
        if (t.name == "layers.1.theta") t.shape = {3, 2};
    });
    refused<double>(path, R"("layers.1.theta": expected shape (2, 3), got (3, 2))");
  }
  SECTION("with degrees that fit no network") {
    write([](auto& set) {
      for (auto& t : set.integers)
        if (t.name.ends_with("degrees.0")) t.values[0] = -1;
    });
    refused<double>(path, "expected entries of 0 to 3, got -1");
  }
  SECTION("with numbers that are not finite") {
    constexpr double infinity = std::numeric_limits<double>::infinity();
    for (const double bad : {std::numeric_limits<double>::quiet_NaN(), infinity, -infinity}) {
      std::string name;
      write([&](auto& set) {
        name = set.values[1].name;
        set.values[1].values[2] = bad;
      });
      refused<double>(path, "tensor \"" + name + "\" has " + std::to_string(bad) +
                                " at place 2, expected finite numbers");
    }
  }
  SECTION("with numbers that float cannot hold") {
    write([](auto& set) { set.values[0].values[1] = -1e39; });
    auto wide = make_flow<double>(expression, 4);
    load(wide, path);
    auto q = make_flow<float>(expression, 4);
    const auto before = q.log_prob(samples<float>());
    CHECK_THROWS_WITH(load(q, path, conversion::floating),
                      Contains("has -inf at place 1, expected finite numbers that float can hold"));
    CHECK((q.log_prob(samples<float>()) == before));
  }
  SECTION("with texts that no message can show") {
    const std::string escapes = "\x1b[2J\xc2\x9b" + std::string(1'000'000, 'x');
    io::write_safetensors(path, {}, {{"expression", escapes}});
    refused<double>(path, "holds the parameters of ?[2J?xxx");
    write([&](auto& set) { set.add(escapes, {1}, {0}); });
    refused<double>(path, "holds tensor \"?[2J?xxx");
    auto q = make_flow<double>(expression, 4);
    try {
      load(q, path);
    } catch (const io::file_error& e) {
      CHECK(std::string(e.what()).size() < 500);
    }
  }
  SECTION("with numbers that are integers") {
    write([](auto& set) {
      set.values.erase(set.values.begin());
      set.add_integers("layers.0.arn.layers.0.weight", std::vector<std::int64_t>(21));
    });
    refused<double>(path, "layers.0.arn.layers.0.weight");
  }
}
