# bijou_add_compiled(<name>): a static library of what does not depend on an expression: kernels of networks,
# training loops, files. Who links it compiles them no more (bijou/compiled.hpp, bijou/kernels/once.hpp).
# bijou::compiled is one; it is built where something links it, with that project's own flags: all of a program has
# one instruction set then.
function(bijou_add_compiled target)
  set(sources "")
  foreach(type IN ITEMS float double)
    set(source ${CMAKE_CURRENT_BINARY_DIR}/${target}/${type}.cpp)
    file(
      CONFIGURE
      OUTPUT ${source}
      CONTENT "#define BIJOU_COMPILING @type@\n#include <bijou/compiled.hpp>\n"
      @ONLY)
    list(APPEND sources ${source})
  endforeach()
  set(once ${CMAKE_CURRENT_BINARY_DIR}/${target}/once.cpp) # what has no scalar type
  file(
    CONFIGURE
    OUTPUT ${once}
    CONTENT "#define BIJOU_COMPILING_ONCE\n#include <bijou/io/safetensors_json.hpp>\n"
    @ONLY)
  add_library(${target} STATIC EXCLUDE_FROM_ALL ${sources} ${once})
  target_link_libraries(${target} PUBLIC bijou::bijou)
  target_compile_definitions(${target} INTERFACE BIJOU_COMPILED)
endfunction()
