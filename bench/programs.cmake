# The programs that `./dev bench` runs, built with the machine's instruction set; those that measure
# the machine also for others.
bijou_need_benchmark()
find_package(Threads REQUIRED)
find_package(OpenBLAS CONFIG QUIET)
if(NOT OpenBLAS_FOUND)
  message(STATUS "Benchmarks: OpenBLAS not found; no dense products beside ours")
endif()
add_custom_target(bench DEPENDS bench_compile_time)

function(bijou_bench_program target name flags)
  add_executable(${target} ${name}.cpp)
  target_link_libraries(${target} PRIVATE ${flags} benchmark::benchmark Threads::Threads)
  target_compile_definitions(
    ${target} PRIVATE BIJOU_BENCH_COMPILER="${CMAKE_CXX_COMPILER_ID} ${CMAKE_CXX_COMPILER_VERSION}")
  add_dependencies(bench ${target})
endfunction()

# bijou_bench(<name> [ISAS <isa>...]): bench/<name>.cpp, and once more for each other instruction set
# that this machine can run.
function(bijou_bench name)
  cmake_parse_arguments(PARSE_ARGV 1 arg "" "" "ISAS")
  bijou_bench_program(bench_${name} ${name} bijou_dev)
  foreach(isa IN LISTS arg_ISAS)
    bijou_machine_has(${isa} runs)
    if(runs)
      if(NOT TARGET bijou_dev.bench_${isa})
        bijou_development_target(bijou_dev.bench_${isa} ${isa} OFF)
      endif()
      bijou_bench_program(bench_${name}.${isa} ${name} bijou_dev.bench_${isa})
    endif()
  endforeach()
endfunction()

bijou_bench(events)
bijou_bench(flows)
bijou_bench(fusion)
bijou_bench(limits ISAS avx2 sse4.2)
bijou_bench(mixing)
bijou_bench(networks ISAS avx2)
bijou_bench(presets)

if(OpenBLAS_FOUND) # chooses its own instruction set
  target_compile_definitions(bench_limits PRIVATE BIJOU_BENCH_OPENBLAS)
  target_include_directories(bench_limits SYSTEM PRIVATE ${OpenBLAS_INCLUDE_DIRS})
  target_link_libraries(bench_limits PRIVATE ${OpenBLAS_LIBRARIES})
endif()

# Run by hand, with mpirun: docs/scaling.md.
if(TARGET bijou::mpi)
  add_executable(bench_scaling scaling.cpp)
  target_link_libraries(bench_scaling PRIVATE bijou_dev bijou::mpi)
  add_dependencies(bench bench_scaling)
endif()

# Not timed: whether peers compute what we do, and the table.
add_executable(bench_agreement agreement.cpp)
target_link_libraries(bench_agreement PRIVATE bijou_dev)
add_dependencies(bench bench_agreement)
add_executable(bench_table table.cpp)
target_link_libraries(bench_table PRIVATE bijou_dev CLI11::CLI11)
add_dependencies(bench bench_table)
