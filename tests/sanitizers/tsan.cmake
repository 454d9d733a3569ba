# Included by the ThreadSanitizer build right after project(): every target made from then on is
# linked with absl_mutex.cc, before absl.
add_library(signalbox_tsan_absl SHARED ${CMAKE_CURRENT_LIST_DIR}/absl_mutex.cc)
target_compile_options(signalbox_tsan_absl PRIVATE -std=c++20 -O1)
target_link_options(signalbox_tsan_absl PRIVATE -fsanitize=thread)
link_libraries(signalbox_tsan_absl)
