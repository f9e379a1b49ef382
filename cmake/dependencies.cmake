# What bijou stands on. Each is looked for on the system first; where it is absent, a pinned release
# is fetched (the releases of Debian 12, which are the oldest supported). SYSTEM: their warnings are
# not ours.
include(FetchContent)

# No version is asked of xsimd: its package file refuses every other major release, and the door
# (kernels/simd.hpp) works with all of them.
FetchContent_Declare(
  xsimd
  URL https://github.com/xtensor-stack/xsimd/archive/refs/tags/8.1.0.tar.gz
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
  SYSTEM
  FIND_PACKAGE_ARGS)
FetchContent_Declare(
  xtl
  URL https://github.com/xtensor-stack/xtl/archive/refs/tags/0.7.2.tar.gz
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
  SYSTEM
  FIND_PACKAGE_ARGS)
FetchContent_Declare(
  xtensor
  URL https://github.com/xtensor-stack/xtensor/archive/refs/tags/0.24.3.tar.gz
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
  SYSTEM
  FIND_PACKAGE_ARGS)
FetchContent_Declare(
  nlohmann_json
  URL https://github.com/nlohmann/json/archive/refs/tags/v3.11.2.tar.gz
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
  SYSTEM
  FIND_PACKAGE_ARGS 3.9)
# Only headers of Boost are used (Hana, Align): the release is unpacked and not built.
FetchContent_Declare(
  Boost
  URL https://archives.boost.io/release/1.74.0/source/boost_1_74_0.tar.gz
      DOWNLOAD_EXTRACT_TIMESTAMP OFF
  SYSTEM
  SOURCE_SUBDIR headers_only # no such folder: build files, should there be any, are not entered
  FIND_PACKAGE_ARGS 1.74)
FetchContent_MakeAvailable(xsimd xtl xtensor nlohmann_json Boost)

include(${CMAKE_CURRENT_LIST_DIR}/aliases.cmake)
if(NOT TARGET Boost::headers)
  add_library(Boost::headers INTERFACE IMPORTED)
  target_include_directories(Boost::headers INTERFACE ${boost_SOURCE_DIR})
endif()

# Tools of tests, examples and benchmarks, each where it is needed.
macro(bijou_need_catch2)
  FetchContent_Declare(
    Catch2
    URL https://github.com/catchorg/Catch2/archive/refs/tags/v2.13.10.tar.gz
        DOWNLOAD_EXTRACT_TIMESTAMP OFF
    SYSTEM
    FIND_PACKAGE_ARGS)
  FetchContent_MakeAvailable(Catch2)
endmacro()

macro(bijou_need_cli11)
  FetchContent_Declare(
    CLI11
    URL https://github.com/CLIUtils/CLI11/archive/refs/tags/v2.1.2.tar.gz
        DOWNLOAD_EXTRACT_TIMESTAMP OFF
    SYSTEM
    FIND_PACKAGE_ARGS)
  FetchContent_MakeAvailable(CLI11)
endmacro()

macro(bijou_need_benchmark)
  set(BENCHMARK_ENABLE_TESTING OFF)
  FetchContent_Declare(
    benchmark
    URL https://github.com/google/benchmark/archive/refs/tags/v1.7.1.tar.gz
        DOWNLOAD_EXTRACT_TIMESTAMP OFF
    SYSTEM
    FIND_PACKAGE_ARGS)
  FetchContent_MakeAvailable(benchmark)
endmacro()
