# What every case includes, parsed once for a compiler: cmake and the variables of flags.cmake -P precompile.cmake
cmake_minimum_required(VERSION 3.25)
include(${CMAKE_CURRENT_LIST_DIR}/flags.cmake)
file(WRITE ${header} "#include <bijou/bijou.hpp>\n")
execute_process(COMMAND ${COMPILER} ${flags} ${precompile_flags} -x c++-header ${header} -o ${precompiled}
                        COMMAND_ERROR_IS_FATAL ANY)
