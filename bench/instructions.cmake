# Counts the instructions of every path under callgrind:
#   cmake -DPROGRAM=<gate_instructions> -DVALGRIND=<valgrind> -DFLAGS=<text> -DMEASURED=<a file>
#         -DTABLE=<instructions.csv> [-DUPDATE=ON] -P instructions.cmake
include(${CMAKE_CURRENT_LIST_DIR}/gate.cmake)

execute_process(COMMAND ${PROGRAM} OUTPUT_VARIABLE paths COMMAND_ERROR_IS_FATAL ANY)
string(REGEX MATCHALL "[^\n]+" paths "${paths}")
set(text "path,instructions of one call (${FLAGS})\n")
foreach(path IN LISTS paths)
  execute_process(
    COMMAND ${VALGRIND} --tool=callgrind --toggle-collect=counted_calls
            --callgrind-out-file=/dev/null ${PROGRAM} ${path}
    RESULT_VARIABLE result
    OUTPUT_VARIABLE said
    ERROR_VARIABLE said)
  string(REGEX MATCH "([0-9]+) calls" _ "${said}")
  set(calls "${CMAKE_MATCH_1}")
  string(REGEX MATCH "Collected : ([1-9][0-9]*)" _ "${said}")
  set(all "${CMAKE_MATCH_1}")
  if(NOT result EQUAL 0 OR calls STREQUAL "" OR all STREQUAL "")
    message("${said}")
    message(FATAL_ERROR "${path}: nothing was counted")
  endif()
  math(EXPR one "${all} / ${calls}")
  string(APPEND text "${path},${one}\n")
endforeach()
file(WRITE ${MEASURED} "${text}")

gate(${MEASURED} ${TABLE} "${UPDATE}" instructions=3)
