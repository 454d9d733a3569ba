# What an installed library brings along: headers, a CMake package, a pkg-config file.
include(CMakePackageConfigHelpers)

if(BUILD_SHARED_LIBS)
  set(SIGNALBOX_PC_REQUIRES "absl_status absl_statusor absl_strings absl_time")
else()
  set(SIGNALBOX_PC_REQUIRES "absl_status absl_statusor absl_strings absl_synchronization absl_time grpc++ protobuf")
endif()
# From the folder of the library back to the prefix.
file(RELATIVE_PATH SIGNALBOX_PC_PREFIX /prefix/${CMAKE_INSTALL_LIBDIR} /prefix)
set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/signalbox)
configure_package_config_file(cmake/signalboxConfig.cmake.in signalboxConfig.cmake INSTALL_DESTINATION ${package_dir})
write_basic_package_version_file(signalboxConfigVersion.cmake COMPATIBILITY SameMinorVersion)
configure_file(cmake/signalbox.pc.in signalbox.pc @ONLY)

install(
  TARGETS signalbox_client
  EXPORT signalboxTargets
  COMPONENT signalbox_client
  LIBRARY NAMELINK_COMPONENT signalbox_client)
install(
  EXPORT signalboxTargets
  NAMESPACE signalbox::
  DESTINATION ${package_dir}
  COMPONENT signalbox_client)
install(
  FILES ${CMAKE_CURRENT_BINARY_DIR}/signalboxConfig.cmake ${CMAKE_CURRENT_BINARY_DIR}/signalboxConfigVersion.cmake
  DESTINATION ${package_dir}
  COMPONENT signalbox_client)
install(
  FILES ${CMAKE_CURRENT_BINARY_DIR}/signalbox.pc
  DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig
  COMPONENT signalbox_client)
install(
  DIRECTORY include/
  DESTINATION ${CMAKE_INSTALL_INCLUDEDIR}
  COMPONENT signalbox_client)
