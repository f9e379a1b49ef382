// Catch2 2 is a header, and this the file that compiles it.
#define CATCH_CONFIG_RUNNER // NOLINT(readability-identifier-naming): Catch2's name
#include "runner.hpp"

#include "catch.hpp"

int run_tests(int argc, char** argv) { return Catch::Session().run(argc, argv); }
