# The flags of a user of bijou: -DCOMPILER=<c++> -DINCLUDES=<a|b> -DIMPLICIT=<a|b>, and
# -DPRECOMPILED=<folder>, where precompile.cmake puts what every case includes.
set(flags -std=c++20)
string(REPLACE "|" ";" INCLUDES "${INCLUDES}")
string(REPLACE "|" ";" IMPLICIT "${IMPLICIT}")
list(REMOVE_DUPLICATES INCLUDES)
foreach(folder IN LISTS INCLUDES)
  # Naming the compiler's own folders again would change their order.
  if(NOT folder IN_LIST IMPLICIT)
    list(APPEND flags -I${folder})
  endif()
endforeach()

# g++ finds header.hpp.gch beside the name that it is given; clang is given the file itself.
set(header ${PRECOMPILED}/header.hpp)
if(COMPILER MATCHES "clang")
  set(precompiled ${header}.pch)
  # Templates that need nothing of a case are instantiated here, not in each case: half of clang's time.
  set(precompile_flags -fpch-instantiate-templates)
  set(precompiled_flags -include-pch ${precompiled})
else()
  set(precompiled ${header}.gch)
  set(precompiled_flags -Winvalid-pch -include ${header})
endif()
