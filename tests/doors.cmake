# Each library has one door: cmake -DINCLUDE=<folder> -P doors.cmake
cmake_minimum_required(VERSION 3.25)

# bijou_door(<what is included> <where it may be>)
set(bad "")
function(bijou_door library allowed)
  file(GLOB_RECURSE headers RELATIVE ${INCLUDE} ${INCLUDE}/*.hpp)
  foreach(header IN LISTS headers)
    file(READ ${INCLUDE}/${header} text)
    if(text MATCHES "#include <${library}" AND NOT header MATCHES "${allowed}")
      message("${header} includes ${library}; only ${allowed} may")
      set(bad yes PARENT_SCOPE)
    endif()
  endforeach()
endfunction()

bijou_door(xsimd/ "^bijou/kernels/simd.hpp$")
bijou_door(xtensor/ "^bijou/interop/xtensor.hpp$")
bijou_door(boost/hana/ "^bijou/(grammar|flow|bijectors)/")
bijou_door("boost/hana.hpp" "^$") # the whole of Hana costs every user's compilation
bijou_door(nlohmann/ "^bijou/io/")
if(bad)
  message(FATAL_ERROR "a library is included beside its door")
endif()
