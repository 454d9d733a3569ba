# Included by the ThreadSanitizer build right after project(): every target made from then on is
# linked with absl_mutex.cc and grpc_order.cc, before absl and gRPC.
add_library(signalbox_tsan_order SHARED ${CMAKE_CURRENT_LIST_DIR}/absl_mutex.cc ${CMAKE_CURRENT_LIST_DIR}/grpc_order.cc)
target_compile_options(signalbox_tsan_order PRIVATE -std=c++20 -O1)
target_link_options(signalbox_tsan_order PRIVATE -fsanitize=thread)
link_libraries(signalbox_tsan_order)
