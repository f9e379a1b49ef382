# How this checkout compiles its own tests, examples and benchmarks: warnings as errors, an
# instruction set, sanitizers. None of it reaches a user of bijou::bijou.
include(CheckCXXSourceCompiles)
include(CheckCXXSourceRuns)

set(BIJOU_ISA
    native
    CACHE STRING "Instruction set of tests, examples and benchmarks")
set_property(CACHE BIJOU_ISA PROPERTY STRINGS native none sse4.2 avx2 avx512)
set(BIJOU_SANITIZE
    OFF
    CACHE STRING "Build tests and examples with sanitizers: address (and UBSan) or thread")
set_property(CACHE BIJOU_SANITIZE PROPERTY STRINGS OFF address thread)
if(NOT BIJOU_SANITIZE MATCHES "^(address|thread)$" AND BIJOU_SANITIZE)
  message(FATAL_ERROR "BIJOU_SANITIZE is ${BIJOU_SANITIZE}; it can be OFF, address or thread")
endif()

set(CMAKE_EXPORT_COMPILE_COMMANDS ON)
find_program(BIJOU_CCACHE ccache)
if(BIJOU_CCACHE AND NOT CMAKE_CXX_COMPILER_LAUNCHER)
  # It keeps nothing of files that use a precompiled header unless told that no macro of theirs changes it.
  set(CMAKE_CXX_COMPILER_LAUNCHER ${CMAKE_COMMAND} -E env
                                  CCACHE_SLOPPINESS=pch_defines,time_macros ${BIJOU_CCACHE})
endif()

if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  # g++ looks for garbage each time its memory has doubled, and a sixth of its time goes into that; it finds
  # little in files of templates. Beginning at a gigabyte, a compiler takes 3 GB at most instead of 2.
  add_compile_options("SHELL:--param ggc-min-heapsize=1048576" "SHELL:--param ggc-min-expand=1000")
endif()

# Flags for programs that are run once. -O1 takes a fifth less to compile than -O2, which is for the tests'
# core on this machine; without the passes named here, a tenth less again.
set(bijou_quickly -O1)
if(CMAKE_CXX_COMPILER_ID STREQUAL GNU)
  list(APPEND bijou_quickly -fno-tree-pta -fno-tree-dse -fno-dse -fno-tree-bit-ccp)
endif()

# The compiler's flags for an instruction set.
function(bijou_isa_flags isa out)
  set(native -march=native)
  set(none "")
  set(sse4.2 -march=x86-64-v2)
  set(avx2 -march=x86-64-v3)
  set(avx512 -march=x86-64-v4)
  if(NOT isa MATCHES "^(native|none|sse4\\.2|avx2|avx512)$")
    message(FATAL_ERROR "BIJOU_ISA is ${isa}; it can be native, none, sse4.2, avx2 or avx512")
  endif()
  set(${out} ${${isa}} PARENT_SCOPE)
endfunction()

# What the flags for an instruction set amount to: `native` has another name on every machine.
function(bijou_resolve_isa isa out)
  bijou_isa_flags(${isa} CMAKE_REQUIRED_FLAGS)
  check_cxx_source_compiles("
    #if !(defined(__AVX512F__) && defined(__AVX512BW__) && defined(__AVX512DQ__))
    #error
    #endif
    int main() {}" BIJOU_${isa}_IS_AVX512)
  check_cxx_source_compiles("
    #if !(defined(__AVX2__) && defined(__FMA__))
    #error
    #endif
    int main() {}" BIJOU_${isa}_IS_AVX2)
  if(BIJOU_${isa}_IS_AVX512)
    set(${out} avx512 PARENT_SCOPE)
  elseif(BIJOU_${isa}_IS_AVX2)
    set(${out} avx2 PARENT_SCOPE)
  else()
    set(${out} ${isa} PARENT_SCOPE)
  endif()
endfunction()

# Whether this machine can run code for an instruction set.
function(bijou_machine_has isa out)
  set(features_sse4.2 sse4.2)
  set(features_avx2 avx2 fma)
  set(features_avx512 avx512f avx512bw avx512dq avx512vl)
  set(test 1)
  foreach(feature IN LISTS features_${isa})
    string(APPEND test " && __builtin_cpu_supports(\"${feature}\")")
  endforeach()
  check_cxx_source_runs("int main() { return (${test}) ? 0 : 1; }" BIJOU_MACHINE_HAS_${isa})
  set(${out} ${BIJOU_MACHINE_HAS_${isa}} PARENT_SCOPE)
endfunction()

# bijou_development_target(<name> <isa> <sanitize>): an interface target with all of our flags;
# sanitize as BIJOU_SANITIZE.
function(bijou_development_target name isa sanitize)
  add_library(${name} INTERFACE)
  target_link_libraries(${name} INTERFACE bijou::bijou)
  bijou_isa_flags(${isa} isa_flags)
  target_compile_options(
    ${name}
    INTERFACE -Wall
              -Wextra
              -Wpedantic
              -Wshadow
              -Wconversion
              -Wsign-conversion
              -Werror
              ${isa_flags}
              # Unoptimised SIMD wrappers are 50 times slower, and g++ 12 cannot compile xsimd's
              # AVX-512 at -O0.
              $<$<CONFIG:Debug>:-O1>)
  if(CMAKE_CXX_COMPILER_ID STREQUAL GNU AND CMAKE_CXX_COMPILER_VERSION VERSION_LESS 13)
    # g++ 12 sees copies in `"text" + string` that overlap or leave their object (GCC bugs 105651, 105329).
    target_compile_options(${name} INTERFACE -Wno-restrict -Wno-array-bounds -Wno-stringop-overflow)
  endif()
  bijou_resolve_isa(${isa} resolved)
  if(resolved STREQUAL avx512 AND CMAKE_CXX_COMPILER_ID STREQUAL GNU)
    # g++ 12 sees uninitialised values in its own AVX-512 intrinsics (GCC bug 105593).
    target_compile_options(${name} INTERFACE -Wno-uninitialized -Wno-maybe-uninitialized)
  endif()
  if(sanitize)
    # ASan sees what is read and written through wrong pointers; to watch each computation of one as well
    # takes clang four times as long to compile.
    set(sanitizers_address -fsanitize=address,undefined
                           -fno-sanitize=null,object-size,pointer-overflow)
    set(sanitizers_thread -fsanitize=thread)
    if(CMAKE_CXX_COMPILER_ID STREQUAL Clang)
      # Calls of ASan's checks take a sixth less to compile than their code at each place.
      target_compile_options(${name} INTERFACE "SHELL:-mllvm -asan-instrumentation-with-call-threshold=0")
    endif()
    target_compile_options(
      ${name} INTERFACE -O1 -g1 -UNDEBUG -fno-omit-frame-pointer -fno-sanitize-recover=all
                        ${sanitizers_${sanitize}})
    target_link_options(${name} INTERFACE ${sanitizers_${sanitize}})
  endif()
endfunction()

bijou_development_target(bijou_dev ${BIJOU_ISA} ${BIJOU_SANITIZE})
# For programs that choose at run time.
bijou_development_target(bijou_dev.any_processor none ${BIJOU_SANITIZE})
# Kernels, compiled once for the many programs of ours that are quickly compiled.
bijou_add_compiled(bijou_dev.compiled)
target_link_libraries(bijou_dev.compiled PRIVATE bijou_dev)
