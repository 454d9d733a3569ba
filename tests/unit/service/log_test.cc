#include "service/telemetry/log.h"

#include <fcntl.h>
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <cmath>
#include <cstdint>
#include <limits>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_split.h"
#include "absl/time/time.h"

namespace signalbox::service {
namespace {

const absl::Time kTime = absl::FromUnixMicros(1'777'627'800'000'123);

nlohmann::json Parsed(LogFields fields) {
  const std::string line = FormatLogLine(kTime, LogSeverity::kInfo, "tried", fields);
  EXPECT_EQ(line.find('\n'), line.size() - 1) << "one event must be one line: " << line;
  EXPECT_LE(line.size(), 4096U);
  return nlohmann::json::parse(line);
}

TEST(LogLineTest, HasTimeSeverityAndEventFirst) {
  EXPECT_EQ(FormatLogLine(kTime, LogSeverity::kWarning, "server_started", {{"address", "::1"}, {"pid", 7}}),
            "{\"time\":\"2026-05-01T09:30:00.000123Z\",\"severity\":\"WARNING\",\"event\":\"server_started\","
            "\"address\":\"::1\",\"pid\":7}\n");
}

TEST(LogLineTest, KeepsTheTypeOfAField) {
  const nlohmann::json json = Parsed({{"text", std::string("a")},
                                      {"small", std::numeric_limits<int64_t>::min()},
                                      {"size", std::size_t{3}},
                                      {"yes", true},
                                      {"ratio", 0.5}});
  EXPECT_EQ(json["text"], "a");
  EXPECT_EQ(json["small"], std::numeric_limits<int64_t>::min());
  EXPECT_EQ(json["size"], 3);
  EXPECT_EQ(json["yes"], true);
  EXPECT_EQ(json["ratio"], 0.5);
}

TEST(LogLineTest, WritesANumberThatJsonDoesNotHaveAsNull) {
  EXPECT_TRUE(Parsed({{"ratio", std::nan("")}})["ratio"].is_null());
}

TEST(LogLineTest, StaysOneParseableLineWhateverATextHolds) {
  const std::string evil =
      absl::StrCat("a\r\n{\"severity\":\"ERROR\"}\x1b[31m", std::string(1, '\0'), "\"\\");
  EXPECT_EQ(Parsed({{"text", evil}})["text"], evil);
}

TEST(LogLineTest, ReplacesBytesThatAreNotUtf8) {
  EXPECT_EQ(Parsed({{"text", "a\xff\xc3z"}})["text"], "a\xEF\xBF\xBD\xEF\xBF\xBDz");
}

TEST(LogLineTest, CutsALongTextAtAnEndOfACharacter) {
  const std::string umlauts = [] {
    std::string text = "x";
    while (text.size() < 5000) text += "ü";
    return text;
  }();
  const std::string logged = Parsed({{"text", umlauts}})["text"];
  EXPECT_LE(logged.size(), 1024U);
  EXPECT_GE(logged.size(), 1020U);
  EXPECT_EQ(logged.substr(logged.size() - 3), "…");
  EXPECT_EQ(logged.find("\xEF\xBF\xBD"), std::string::npos) << "half a character was left";
}

TEST(LogLineTest, KeepsATextAtTheLimitWhole) {
  const std::string text(1024, 'a');
  EXPECT_EQ(Parsed({{"text", text}})["text"], text);
}

TEST(LogLineTest, FitsOneAtomicWriteEvenWhenAllTextsAreEscaped) {
  const std::string escaped(5000, '\x01');
  const nlohmann::json json = Parsed({{"a", escaped}, {"b", escaped}, {"c", escaped}, {"d", 4}});
  EXPECT_EQ(json["d"], 4);
  EXPECT_FALSE(std::string(json["c"]).empty());
}

// The read end of a pipe that a logger writes to.
class Pipe {
 public:
  Pipe() { EXPECT_EQ(pipe2(ends_, O_CLOEXEC), 0); }
  ~Pipe() {
    CloseWriter();
    close(ends_[0]);
  }
  int writer() const { return ends_[1]; }
  void CloseWriter() {
    if (ends_[1] >= 0) close(ends_[1]);
    ends_[1] = -1;
  }
  std::string ReadAll() {
    std::string all;
    char part[4096];
    for (ssize_t n = 0; (n = read(ends_[0], part, sizeof(part))) > 0;) all.append(part, n);
    return all;
  }

 private:
  int ends_[2] = {-1, -1};
};

TEST(LoggerTest, LeavesOutWhatIsBelowTheMinimum) {
  Pipe pipe;
  Logger logger(pipe.writer(), LogSeverity::kInfo);
  logger.Log(kTime, LogSeverity::kDebug, "hidden", {});
  logger.Log(kTime, LogSeverity::kInfo, "shown", {});
  logger.SetMinimum(LogSeverity::kError);
  logger.Log(kTime, LogSeverity::kWarning, "hidden", {});
  logger.Log(kTime, LogSeverity::kError, "also_shown", {});
  pipe.CloseWriter();
  const std::string all = pipe.ReadAll();
  EXPECT_THAT(all, testing::HasSubstr("\"shown\""));
  EXPECT_THAT(all, testing::HasSubstr("\"also_shown\""));
  EXPECT_THAT(all, testing::Not(testing::HasSubstr("hidden")));
}

TEST(LoggerTest, NeverMixesTheLinesOfThreads) {
  Pipe pipe;
  Logger logger(pipe.writer(), LogSeverity::kInfo);
  constexpr int kThreads = 4;
  constexpr int kLines = 500;
  std::vector<std::thread> threads;
  threads.reserve(kThreads);
  for (int t = 0; t < kThreads; ++t) {
    threads.emplace_back([&logger, t] {
      const std::string text(900, static_cast<char>('a' + t));
      for (int i = 0; i < kLines; ++i) {
        logger.Log(kTime, LogSeverity::kInfo, "tried", {{"a", text}, {"b", text}, {"c", text}});
      }
    });
  }
  std::thread closer([&threads, &pipe] {
    for (std::thread& thread : threads) thread.join();
    pipe.CloseWriter();
  });
  const std::string all = pipe.ReadAll();
  closer.join();
  std::vector<std::string> lines = absl::StrSplit(all, '\n', absl::SkipEmpty());
  EXPECT_EQ(lines.size(), kThreads * kLines);
  for (const std::string& line : lines) ASSERT_TRUE(nlohmann::json::accept(line)) << line;
}

}  // namespace
}  // namespace signalbox::service
