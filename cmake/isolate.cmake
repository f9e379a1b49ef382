# Joins the objects of a variant and makes their inline functions local:
#   cmake -DOBJECTS=<list> -DOUT=<object> -DLINKER=... -DNM=... -DOBJCOPY=... -P isolate.cmake
#
# Inline functions and templates that a unit does not inline (std::vector<float>::push_back) are weak
# symbols. A linker keeps one definition for the whole program, and that one may be compiled for
# AVX-512. Made local, the variant's functions serve the variant alone. Data (type_info, static
# variables) stays shared: it is no code, and its identity matters. Tables of virtual functions are
# local: they are addresses of functions.
function(run)
  execute_process(COMMAND ${ARGV} COMMAND_ERROR_IS_FATAL ANY)
endfunction()

run(${LINKER} -r -o ${OUT}.joined ${OBJECTS})
execute_process(
  COMMAND ${NM} --defined-only --format=posix ${OUT}.joined
  OUTPUT_VARIABLE symbols COMMAND_ERROR_IS_FATAL ANY)
# Lines: name, type, value, size. W is a weak function, V weak data.
string(REGEX MATCHALL "[^\n ]+ W |_ZT[VTC][^\n ]* V " local "${symbols}")
list(TRANSFORM local REPLACE " [WV] $" "")
list(JOIN local "\n" local)
# Never empty: objcopy calls that an error.
file(WRITE ${OUT}.local "bijou_no_such_symbol\n${local}\n")
# Without its group a function is kept, whatever group of that name comes first in the link.
run(${OBJCOPY} --remove-section=.group --localize-symbols=${OUT}.local ${OUT}.joined ${OUT})
