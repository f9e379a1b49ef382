# One name for each dependency. Releases and packagers differ in whether the target has a namespace
# (Debian: `xsimd`; others: `xsimd::xsimd`), so both names are made to exist.
foreach(name IN ITEMS xsimd xtensor)
  if(TARGET ${name} AND NOT TARGET ${name}::${name})
    add_library(${name}::${name} ALIAS ${name})
  elseif(TARGET ${name}::${name} AND NOT TARGET ${name})
    add_library(${name} INTERFACE IMPORTED)
    target_link_libraries(${name} INTERFACE ${name}::${name})
  endif()
endforeach()
