# bijou_add_variants(<target> <source>...): compiles the sources once for each of SSE4.2, AVX2 and
# AVX-512 into a program or library, with the target's own options. BIJOU_DISPATCH and BIJOU_VARIANT
# (bijou/dispatch.hpp) name what is in them; docs/dispatch.md tells how it works. On AArch64, which
# has one level, the sources are the target's like any others.
function(bijou_add_variants target)
  if(NOT CMAKE_SYSTEM_PROCESSOR MATCHES "^(x86_64|AMD64)$")
    target_sources(${target} PRIVATE ${ARGN})
    return()
  endif()
  if(NOT CMAKE_EXECUTABLE_FORMAT STREQUAL ELF)
    message(FATAL_ERROR "bijou_add_variants needs ELF objects: Linux or a BSD")
  endif()
  foreach(tool IN ITEMS CMAKE_LINKER CMAKE_NM CMAKE_OBJCOPY)
    if(NOT ${tool})
      message(FATAL_ERROR "bijou_add_variants needs binutils: ${tool} is not set")
    endif()
  endforeach()
  # Public: who includes a header with BIJOU_DISPATCH has to see all variants.
  target_compile_definitions(${target} PUBLIC BIJOU_VARIANTS)
  foreach(level_and_isa IN ITEMS 0:sse4.2:v2 1:avx2:v3 2:avx512:v4)
    string(REGEX MATCHALL "[^:]+" parts ${level_and_isa})
    list(GET parts 0 level)
    list(GET parts 1 isa)
    list(GET parts 2 march)
    set(variant ${target}.${isa})
    if(NOT TARGET ${variant})
      bijou_new_variant_(${target} ${variant} ${level} ${march})
    endif()
    target_sources(${variant} PRIVATE ${ARGN})
  endforeach()
endfunction()

# The object library of one variant, and the one object that the target is given.
function(bijou_new_variant_ target variant level march)
  if(NOT TARGET bijou::variant_${march})
    # Behind the options of all other libraries: the last -march is the one that counts.
    add_library(bijou::variant_${march} INTERFACE IMPORTED)
    target_compile_options(
      bijou::variant_${march}
      INTERFACE
        "SHELL:-march=x86-64-${march}"
        -fno-lto # an object of the intermediate language cannot be isolated
        $<$<CXX_COMPILER_ID:GNU>:-fno-gnu-unique>
        # g++ 12 sees uninitialised values in its own AVX-512 intrinsics (GCC bug 105593).
        "$<$<AND:$<STREQUAL:${march},v4>,$<CXX_COMPILER_ID:GNU>>:-Wno-uninitialized;-Wno-maybe-uninitialized>"
    )
  endif()
  add_library(${variant} OBJECT)
  target_link_libraries(${variant} PRIVATE $<TARGET_PROPERTY:${target},LINK_LIBRARIES>
                                           bijou::variant_${march})
  target_include_directories(${variant} PRIVATE $<TARGET_PROPERTY:${target},INCLUDE_DIRECTORIES>)
  target_compile_options(${variant} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_OPTIONS>)
  target_compile_definitions(${variant} PRIVATE $<TARGET_PROPERTY:${target},COMPILE_DEFINITIONS>
                                                BIJOU_VARIANT_LEVEL=${level})
  foreach(property IN ITEMS CXX_STANDARD CXX_EXTENSIONS CXX_VISIBILITY_PRESET
                            VISIBILITY_INLINES_HIDDEN POSITION_INDEPENDENT_CODE)
    get_target_property(value ${target} ${property})
    if(NOT value MATCHES "NOTFOUND$")
      set_target_properties(${variant} PROPERTIES ${property} "${value}")
    endif()
  endforeach()
  get_target_property(type ${target} TYPE)
  if(type MATCHES "^(SHARED|MODULE)_LIBRARY$")
    set_target_properties(${variant} PROPERTIES POSITION_INDEPENDENT_CODE ON)
  endif()

  set(object ${CMAKE_CURRENT_BINARY_DIR}/CMakeFiles/${variant}.isolated.dir/$<CONFIG>/${variant}.o)
  set(script ${CMAKE_CURRENT_FUNCTION_LIST_DIR}/isolate.cmake)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${CMAKE_COMMAND} -DOBJECTS=$<TARGET_OBJECTS:${variant}> -DOUT=${object}
            -DLINKER=${CMAKE_LINKER} -DNM=${CMAKE_NM} -DOBJCOPY=${CMAKE_OBJCOPY} -P ${script}
    DEPENDS $<TARGET_OBJECTS:${variant}> ${script}
    COMMENT "Isolating ${variant}"
    VERBATIM)
  add_custom_target(${variant}.isolated DEPENDS ${object})
  add_dependencies(${target} ${variant}.isolated) # also where the target is of another folder
  set_source_files_properties(${object} PROPERTIES GENERATED ON EXTERNAL_OBJECT ON)
  target_sources(${target} PRIVATE ${object})
endfunction()
