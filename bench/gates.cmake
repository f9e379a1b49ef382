# Gates: tests that compare what does not vary from run to run with checked-in tables, within a few
# per cent: instructions of the hot paths, and what flows cost the compiler. The tables are of one
# compiler and one instruction set; elsewhere there are no gates. `./dev gates` runs them.
find_program(BIJOU_VALGRIND valgrind)
bijou_machine_has(avx2 runs_avx2)
set(why "")
if(NOT CMAKE_CXX_COMPILER_ID STREQUAL GNU OR NOT CMAKE_CXX_COMPILER_VERSION MATCHES "^12\\.")
  set(why "the compiler is not g++ 12")
elseif(NOT CMAKE_BUILD_TYPE STREQUAL Release OR BIJOU_SANITIZE)
  set(why "this is no release build")
elseif(NOT "${CMAKE_CXX_FLAGS}" STREQUAL "")
  set(why "there are flags in CMAKE_CXX_FLAGS")
elseif(NOT runs_avx2)
  set(why "this machine has no AVX2")
elseif(NOT BIJOU_VALGRIND)
  set(why "valgrind is not installed")
endif()
if(why)
  message(STATUS "Gates: left out, ${why}")
  return()
endif()

# AVX2 on every machine: valgrind 3.19 knows no AVX-512.
bijou_development_target(bijou_dev.gates avx2 OFF)
add_executable(gate_instructions instructions.cpp)
target_link_libraries(gate_instructions PRIVATE bijou_dev.gates)

add_custom_target(gates DEPENDS gate_instructions bench_compile_time)
add_custom_target(update_gates DEPENDS gates)

# bijou_gate(<name> <-D of its script>...): bench/<name>.cmake compares with bench/<name>.csv
function(bijou_gate name)
  set(arguments ${ARGN} -DTABLE=${CMAKE_CURRENT_SOURCE_DIR}/${name}.csv
                -DMEASURED=${CMAKE_CURRENT_BINARY_DIR}/${name}.csv)
  set(script ${CMAKE_CURRENT_SOURCE_DIR}/${name}.cmake)
  add_test(NAME ${name} COMMAND ${CMAKE_COMMAND} ${arguments} -P ${script})
  set_tests_properties(${name} PROPERTIES LABELS gates TIMEOUT 900)
  add_custom_command(
    TARGET update_gates
    POST_BUILD
    COMMAND ${CMAKE_COMMAND} ${arguments} -DUPDATE=ON -P ${script}
    VERBATIM)
endfunction()

bijou_gate(
  instructions -DPROGRAM=$<TARGET_FILE:gate_instructions> -DVALGRIND=${BIJOU_VALGRIND}
  "-DFLAGS=g++ 12 ${CMAKE_CXX_FLAGS_RELEASE} -march=x86-64-v3")
bijou_gate(compile_time -DPROGRAM=$<TARGET_FILE:bench_compile_time>)
