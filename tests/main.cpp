// The main function of every test program that brings none of its own.
#include "runner.hpp"

int main(int argc, char** argv) { return run_tests(argc, argv); }
