# Parts of the server that know neither gRPC nor libpqxx, so that their tests build in seconds.
# Included by service/CMakeLists.txt.
find_package(CLI11 CONFIG REQUIRED)
find_package(nlohmann_json CONFIG REQUIRED)

add_library(signalbox_telemetry STATIC
  ${CMAKE_CURRENT_LIST_DIR}/telemetry/log.cc)
target_include_directories(signalbox_telemetry PUBLIC ${PROJECT_SOURCE_DIR})
target_link_libraries(signalbox_telemetry
  PUBLIC absl::strings absl::synchronization absl::time
  PRIVATE nlohmann_json::nlohmann_json signalbox_flags)

add_library(signalbox_config STATIC
  ${CMAKE_CURRENT_LIST_DIR}/config.cc
  ${CMAKE_CURRENT_LIST_DIR}/config/command_line.cc
  ${CMAKE_CURRENT_LIST_DIR}/config/listen_address.cc
  ${CMAKE_CURRENT_LIST_DIR}/config/redaction.cc)
target_compile_definitions(signalbox_config PRIVATE SIGNALBOX_VERSION="${PROJECT_VERSION}")
target_link_libraries(signalbox_config
  PUBLIC signalbox_telemetry absl::status absl::statusor absl::strings absl::time
  PRIVATE CLI11::CLI11 signalbox_flags)

add_library(signalbox_embedded_postgres STATIC
  ${CMAKE_CURRENT_LIST_DIR}/postgres/child_process.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/cluster_setup.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/data_directory.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/embedded_postgres.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/postgres_binaries.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/postgres_log.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/postmaster.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/postmaster_file.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/socket_directory.cc
  ${CMAKE_CURRENT_LIST_DIR}/postgres/unix_identity.cc)
target_link_libraries(signalbox_embedded_postgres
  PUBLIC signalbox_telemetry absl::status absl::statusor absl::strings absl::synchronization absl::time
  PRIVATE Threads::Threads signalbox_flags)
