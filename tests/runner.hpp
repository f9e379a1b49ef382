#pragma once
// Catch2's runner, for main functions.

/// Runs the tests that the command line names; what main returns.
int run_tests(int argc, char** argv);
