// What flows cost the compiler: seconds of processor time, peak memory and the size of the object,
// for g++ -O2 or whatever compiler built this; with the headers alone and with bijou::compiled.
// Expressions of 4 to 64 words show that all grow linearly.
#include <CLI/CLI.hpp>

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <stdexcept>
#include <string>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>
#include <vector>

namespace {

struct cost {
  double seconds;   ///< of processor time
  double mebibytes; ///< the compiler's peak
  double kibibytes; ///< the object file
};

std::filesystem::path folder() {
  return std::filesystem::temp_directory_path() /
         ("bijou_compile_time." + std::to_string(getpid()));
}

/// What a program has of bijou: headers alone, or the kernels of bijou::compiled too.
enum class form : unsigned char { headers, compiled };

/// Compiles one file with the flags of a user's plain build.
cost compile(const std::string& source, form f = form::headers) {
  std::ifstream file(BIJOU_INCLUDE_FLAGS); // one flag a line
  const std::string object = folder() / "program.o";
  std::vector<std::string> words{BIJOU_COMPILER, "-std=c++20", "-O2", "-c", "-o", object};
  for (std::string line; std::getline(file, line);)
    if (!line.empty()) words.push_back(line);
  if (f == form::compiled) words.emplace_back("-DBIJOU_COMPILED");
  words.push_back(source);
  std::vector<char*> arguments;
  arguments.reserve(words.size() + 1);
  for (std::string& w : words) arguments.push_back(w.data());
  arguments.push_back(nullptr);

  const pid_t child = fork();
  if (child == 0) {
    execvp(arguments[0], arguments.data());
    std::_Exit(127);
  }
  int status = 0;
  rusage used{};
  if (child < 0 || wait4(child, &status, 0, &used) < 0 || status != 0)
    throw std::runtime_error("cannot compile " + source);
  const auto seconds = [](timeval t) {
    return static_cast<double>(t.tv_sec) + 1e-6 * static_cast<double>(t.tv_usec);
  };
  return {seconds(used.ru_utime) + seconds(used.ru_stime),
          static_cast<double>(used.ru_maxrss) / 1024,
          static_cast<double>(std::filesystem::file_size(object)) / 1024};
}

void report(const std::string& name, cost c) {
  std::printf("%-46s %8.1f s %8.0f MiB %8.0f KiB\n", name.c_str(), c.seconds, c.mebibytes,
              c.kibibytes);
  std::fflush(stdout);
}

std::string program(int words, bool distinct) {
  std::string expression = "normal<8>";
  for (int i = 0; i < words; ++i)
    expression += " | iaf<" + std::to_string(distinct ? 16 + i : 64) + ">";
  return "#include <bijou/bijou.hpp>\n"
         "using namespace bijou;\n"
         "int main() {\n"
         "  auto q = make_flow<float>(" +
         expression +
         ", 7);\n"
         "  philox stream{42};\n"
         "  const auto y = q.sample(stream, 10);\n"
         "  return q.log_prob(y)(0) > 0;\n"
         "}\n";
}

/// What an analysis compiles: a posterior with a context, fitted.
const std::string fitted =
    "#include <bijou/bijou.hpp>\n"
    "using namespace bijou;\n"
    "int main() {\n"
    "  constexpr auto word = coupling<64>(rational_quadratic<8>);\n"
    "  auto q = make_flow<float>(normal<8> | given<3> | word | flip | word, 7);\n"
    "  const xt::xtensor<float, 2> y = xt::zeros<float>({1000, 8});\n"
    "  const xt::xtensor<float, 2> context = xt::zeros<float>({1000, 3});\n"
    "  fit(q, y, context, fit_options{});\n"
    "}\n";

cost compile_text(const std::string& text, form f = form::headers) {
  const std::string path = folder() / "program.cpp";
  std::ofstream(path) << text;
  return compile(path, f);
}

void print_all(int most) {
  std::printf("%s -O2\n", BIJOU_COMPILER);
  report("#include <bijou/bijou.hpp>", compile_text("#include <bijou/bijou.hpp>\n"));
  for (const form f : {form::headers, form::compiled}) {
    const std::string with = f == form::compiled ? ", bijou::compiled" : "";
    report("examples/quickstart.cpp" + with, compile(BIJOU_QUICKSTART, f));
    report("a conditional spline, fitted" + with, compile_text(fitted, f));
  }
  for (const bool distinct : {false, true})
    for (int words = 4; words <= most; words *= 2)
      report(std::to_string(words) + (distinct ? " words of different widths" : " equal words"),
             compile_text(program(words, distinct)));
}

/// Two programs, as gate.cmake reads them.
void write_table(const std::string& path) {
#ifdef __clang__
  const std::string compiler = "clang++ " + std::to_string(__clang_major__);
#else
  const std::string compiler = "g++ " + std::to_string(__GNUC__);
#endif
  std::ofstream table(path);
  table << "program,object KiB,peak MiB of the compiler,seconds (" << compiler << " -O2)\n";
  const auto row = [&](const std::string& name, cost c) {
    table << name << ',' << std::lround(c.kibibytes) << ',' << std::lround(c.mebibytes) << ','
          << std::lround(c.seconds) << '\n';
  };
  row("examples/quickstart.cpp", compile(BIJOU_QUICKSTART));
  row("16 words of different widths", compile_text(program(16, true)));
  if (!table.flush()) throw std::runtime_error("cannot write " + path);
}

} // namespace

int main(int argc, char** argv) {
  int most = 64;
  std::string table;
  CLI::App app{"What flows cost the compiler"};
  app.add_option("words", most, "flows of up to so many words")->capture_default_str();
  app.add_option("--table", table, "write a table of two programs to this file, and do no more");
  CLI11_PARSE(app, argc, argv);

  std::filesystem::create_directories(folder());
  if (table.empty())
    print_all(most);
  else
    write_table(table);
  std::filesystem::remove_all(folder());
}
