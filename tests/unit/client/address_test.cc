#include "address.h"

#include <gtest/gtest.h>

#include <string_view>

namespace signalbox::internal {
namespace {

TEST(AddressTest, KnowsLoopback) {
  for (const char* address :
       {"localhost", "localhost:50051", "127.0.0.1:1", "127.9.9.9:1", "[::1]:50051", "::1", "dns:localhost:1",
        "dns:///localhost:50051", "ipv4:127.0.0.1:50051", "ipv6:[::1]:50051", "unix:/run/signalbox",
        "unix:///run/x", "ipv4:127.0.0.1:1,127.0.0.2:1"}) {
    EXPECT_TRUE(IsLoopback(address)) << address;
  }
}

TEST(AddressTest, KnowsWhatIsNotLoopback) {
  for (const char* address :
       {"", "example.com:50051", "10.0.0.1:1", "localhost.example.com:1", "[::2]:1", "::2", "0.0.0.0:1",
        "dns://8.8.8.8/localhost:1", "xds:///localhost", "ipv4:127.0.0.1:1,10.0.0.1:1",
        "127.0.0.1.example.com", "[localhost", "[::1]example.com:1", "localhost,127.0.0.1:1"}) {
    EXPECT_FALSE(IsLoopback(address)) << address;
  }
}

// Found by tests/fuzz/address.cc.
TEST(AddressTest, LooksBehindANul) {
  EXPECT_FALSE(IsLoopback(std::string_view("127.0.0.1\0.example.com", 22)));
  EXPECT_FALSE(IsLoopback(std::string_view("unix:/run\0x", 11)));
}

}  // namespace
}  // namespace signalbox::internal
