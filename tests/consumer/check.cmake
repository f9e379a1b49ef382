# One way to use bijou from outside; tests/consumer/CMakeLists.txt gives the variables.
cmake_minimum_required(VERSION 3.25)

function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY COMMAND_ECHO STDOUT)
endfunction()

file(REMOVE_RECURSE ${FOLDER})
set(prefix ${FOLDER}/prefix)
set(program ${FOLDER}/build/consumer)
if(NOT WAY STREQUAL add_subdirectory)
  run(${CMAKE_COMMAND} --install ${BUILD} --prefix ${prefix})
endif()

if(WAY STREQUAL pkg_config)
  set(ENV{PKG_CONFIG_PATH} ${prefix}/share/pkgconfig)
  execute_process(
    COMMAND ${PKG_CONFIG} --cflags bijou
    OUTPUT_VARIABLE flags
    OUTPUT_STRIP_TRAILING_WHITESPACE COMMAND_ERROR_IS_FATAL ANY)
  separate_arguments(flags UNIX_COMMAND "${flags}")
  file(MAKE_DIRECTORY ${FOLDER}/build)
  run(${COMPILER} -std=c++20 -O0 ${flags} ${CMAKE_CURRENT_LIST_DIR}/main.cpp -o ${program})
else()
  run(${CMAKE_COMMAND}
      -S ${CMAKE_CURRENT_LIST_DIR}/project
      -B ${FOLDER}/build
      -G ${GENERATOR}
      -DCMAKE_CXX_COMPILER=${COMPILER}
      -DCMAKE_CXX_FLAGS=-O0 # whether it builds and runs, not how fast
      -DCMAKE_PREFIX_PATH=${prefix}
      -DWAY=${WAY}
      -DBIJOU_SOURCE=${SOURCE})
  run(${CMAKE_COMMAND} --build ${FOLDER}/build)
endif()
run(${program})
if(WAY STREQUAL find_package)
  run(${program}_variants)
endif()
