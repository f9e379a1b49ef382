// The main function of every test program.
#define CATCH_CONFIG_RUNNER // NOLINT(readability-identifier-naming): Catch2's name
#include "catch.hpp"

int main(int argc, char** argv) { return Catch::Session().run(argc, argv); }
