# bijou_check_list(<file> <list> <folder> <pattern>): every file below <folder> that matches is in
# <list>, which <file> holds. Lists are written by hand, so that what is built is what is meant; this
# makes forgetting a line an error instead of a test that never runs.
function(bijou_check_list file list folder pattern)
  file(GLOB_RECURSE on_disk CONFIGURE_DEPENDS RELATIVE ${CMAKE_CURRENT_SOURCE_DIR}
       ${CMAKE_CURRENT_SOURCE_DIR}/${folder}/${pattern})
  list(REMOVE_ITEM on_disk ${${list}})
  if(on_disk)
    list(JOIN on_disk "\n  " missing)
    message(FATAL_ERROR "${file} does not list\n  ${missing}")
  endif()
endfunction()
