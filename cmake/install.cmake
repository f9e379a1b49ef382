# Headers, a package for find_package, and one for pkg-config. Nothing depends on the processor.
include(GNUInstallDirs)
include(CMakePackageConfigHelpers)

set(bijou_package_dir ${CMAKE_INSTALL_DATADIR}/cmake/bijou)

install(
  TARGETS bijou
  EXPORT bijou
  FILE_SET HEADERS
  FILE_SET mpi)
install(
  EXPORT bijou
  NAMESPACE bijou::
  FILE bijouTargets.cmake
  DESTINATION ${bijou_package_dir})

configure_package_config_file(cmake/bijouConfig.cmake.in ${PROJECT_BINARY_DIR}/bijouConfig.cmake
                              INSTALL_DESTINATION ${bijou_package_dir})
# While the version is 0.x, a minor release may break a user.
write_basic_package_version_file(
  ${PROJECT_BINARY_DIR}/bijouConfigVersion.cmake
  COMPATIBILITY SameMinorVersion
  ARCH_INDEPENDENT)
install(FILES ${PROJECT_BINARY_DIR}/bijouConfig.cmake
              ${PROJECT_BINARY_DIR}/bijouConfigVersion.cmake cmake/aliases.cmake
              cmake/compiled.cmake cmake/isolate.cmake cmake/mpi.cmake cmake/variants.cmake
        DESTINATION ${bijou_package_dir})

configure_file(cmake/bijou.pc.in ${PROJECT_BINARY_DIR}/bijou.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/bijou.pc DESTINATION ${CMAKE_INSTALL_DATADIR}/pkgconfig)
install(FILES LICENSE DESTINATION ${CMAKE_INSTALL_DOCDIR})
