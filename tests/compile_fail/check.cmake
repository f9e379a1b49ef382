# One case: cmake -DCASE=<file> and the variables of flags.cmake -P check.cmake
#
# The case's comments say what is expected:
#   // expect-error: <regex>   it does not compile, and the compiler's output matches (any number)
#   // expect-compile          it compiles: the control that shows that only the mistake is refused
#   // most-lines: <number>    instead of 14, below
# What a compiler prints may be 14 lines long: an error that does not fit on a screen helps nobody.
cmake_minimum_required(VERSION 3.25)
set(most_lines 14)

function(refuse sentence)
  message("${sentence}") # unwrapped: FATAL_ERROR breaks lines
  message(FATAL_ERROR "refused")
endfunction()

include(${CMAKE_CURRENT_LIST_DIR}/flags.cmake)

# Not file(STRINGS): brackets and semicolons in a regex would break its list.
file(READ ${CASE} text)
set(regexes "")
set(count 0)
while(text MATCHES "// expect-error: ([^\n]+)")
  set(regex_${count} "${CMAKE_MATCH_1}")
  math(EXPR count "${count} + 1")
  string(FIND "${text}" "${CMAKE_MATCH_0}" at)
  string(LENGTH "${CMAKE_MATCH_0}" length)
  math(EXPR at "${at} + ${length}")
  string(SUBSTRING "${text}" ${at} -1 text)
endwhile()
file(READ ${CASE} text)
string(FIND "${text}" "// expect-compile" control)
if(text MATCHES "// most-lines: ([0-9]+)")
  set(most_lines ${CMAKE_MATCH_1})
endif()
if(count EQUAL 0 AND control EQUAL -1)
  refuse("${CASE} says nothing of what to expect")
endif()

execute_process(
  COMMAND ${COMPILER} ${flags} ${precompiled_flags} -fsyntax-only ${CASE}
  RESULT_VARIABLE result
  OUTPUT_VARIABLE said
  ERROR_VARIABLE said)
# clang tells of the precompiled header too, which a user has not.
string(REGEX REPLACE "In file included from [^\n]*/header\\.hpp:1:\n" "" said "${said}")
message("${said}")

if(count EQUAL 0)
  if(NOT result EQUAL 0)
    refuse("${CASE} does not compile, and should")
  endif()
  return()
endif()
if(result EQUAL 0)
  refuse("${CASE} compiles, and should not")
endif()
math(EXPR last "${count} - 1")
foreach(i RANGE ${last})
  if(NOT said MATCHES "${regex_${i}}")
    refuse("${CASE}: nothing matches: ${regex_${i}}")
  endif()
endforeach()
string(REGEX REPLACE "[^\n]" "" ends "${said}")
string(LENGTH "${ends}" lines)
if(lines GREATER most_lines)
  refuse("${CASE}: the error has ${lines} lines, at most ${most_lines} are allowed")
endif()
message("${lines} lines")
