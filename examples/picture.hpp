#pragma once
// Pictures by gnuplot, where that is installed.

#include <cstdio>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <vector>

/// Runs a script of this folder, which draws `picture`, with all its arguments.
inline void draw_picture(const std::string& script, const std::vector<std::string>& arguments,
                         const std::string& picture) {
  if (std::system("gnuplot --version > /dev/null 2>&1") != 0) {
    std::printf("no picture: gnuplot is not installed\n");
    return;
  }
  std::string command = "gnuplot -c \"" BIJOU_EXAMPLES_DIR "/" + script + "\"";
  for (const std::string& argument : arguments) command += " \"" + argument + "\"";
  if (std::system(command.c_str()) != 0) throw std::runtime_error("gnuplot failed");
  std::printf("picture: %s\n", picture.c_str());
}
