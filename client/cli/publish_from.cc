#include "cli/publish_from.h"

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>
#include <cstdint>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "cli/line_reader.h"
#include "cli/message_text.h"

namespace signalbox::cli {
namespace {

// What is sent together at most; the library makes calls of it that the server takes.
constexpr std::size_t kMaxLines = 1000;
constexpr std::size_t kMaxBytes = 1 << 20;

// A file for reading; "-" is standard input.
class InputFile {
 public:
  explicit InputFile(const std::string& path)
      : descriptor_(path == "-" ? STDIN_FILENO : open(path.c_str(), O_RDONLY | O_CLOEXEC)) {}
  ~InputFile() {
    if (descriptor_ > STDIN_FILENO) close(descriptor_);
  }
  InputFile(const InputFile&) = delete;
  InputFile& operator=(const InputFile&) = delete;

  int descriptor() const { return descriptor_; }

 private:
  const int descriptor_;
};

// Gathers lines, sends them, and tells what became of each in their order.
class LinePublisher {
 public:
  LinePublisher(const PublishDefaults& defaults, Client& client, Output& output)
      : defaults_(defaults), client_(client), output_(output) {}

  void Add(const Line& line) {
    if (line.too_long) {
      lines_.push_back({line.number, absl::InvalidArgumentError("the line is longer than 1 MiB")});
    } else if (!absl::StripAsciiWhitespace(line.text).empty()) {
      lines_.push_back({line.number, ParsePublishLine(line.text, defaults_)});
      bytes_ += line.text.size();
    }
  }

  bool IsEmpty() const { return lines_.empty(); }
  bool IsFull() const { return lines_.size() >= kMaxLines || bytes_ >= kMaxBytes; }

  // Sends what was gathered; false when the server is not available.
  bool Send() {
    std::vector<PublishRequest> requests;
    for (Parsed& line : lines_) {
      if (line.request.ok()) requests.push_back(*std::move(line.request));
    }
    const auto results = client_.PublishMany(std::move(requests));
    auto result = results.begin();
    bool available = true;
    for (const Parsed& line : lines_) {
      const absl::Status status = line.request.ok() ? result->status() : line.request.status();
      if (status.ok()) {
        ShowStored(line.number, **result);
      } else {
        ShowRefused(line.number, status);
      }
      available = available && ExitCodeOf(status) != ExitCode::kUnavailable;
      if (line.request.ok()) ++result;
    }
    lines_.clear();
    bytes_ = 0;
    return available;
  }

  ExitCode exit_code() const { return exit_code_; }

 private:
  struct Parsed {
    int64_t number;
    absl::StatusOr<PublishRequest> request;
  };

  void ShowStored(int64_t number, const PublishResult& published) {
    if (output_.json()) {
      output_.DocumentLine({{"line", number},
                            {"message", ToJson(published.message)},
                            {"superseded_ids", published.superseded_ids}});
      return;
    }
    std::string text = absl::StrCat("published ", MessageLine(published.message));
    if (!published.superseded_ids.empty()) {
      absl::StrAppend(&text, "  superseded ", absl::StrJoin(published.superseded_ids, " "));
    }
    output_.Line(text);
  }

  void ShowRefused(int64_t number, const absl::Status& status) {
    if (exit_code_ == ExitCode::kOk) exit_code_ = ExitCodeOf(status);
    output_.Note(absl::StrCat("line ", number, ": ", ErrorText(status)));
  }

  const PublishDefaults& defaults_;
  Client& client_;
  Output& output_;
  std::vector<Parsed> lines_;
  std::size_t bytes_ = 0;
  ExitCode exit_code_ = ExitCode::kOk;
};

}  // namespace

absl::StatusOr<ExitCode> PublishFrom(const std::string& path, const PublishDefaults& defaults,
                                     Context& context) {
  const InputFile file(path);
  if (file.descriptor() < 0) {
    return absl::InvalidArgumentError(absl::StrCat("--from: cannot open ", path, ": ", std::strerror(errno)));
  }
  const absl::StatusOr<Client*> client = context.client();
  if (!client.ok()) return client.status();
  LineReader reader(file.descriptor());
  LinePublisher publisher(defaults, **client, context.output());
  while (true) {
    const bool is_due = publisher.IsFull() || (!publisher.IsEmpty() && reader.WouldWait());
    if (is_due && !publisher.Send()) break;
    absl::StatusOr<std::optional<Line>> line = reader.Next();
    if (line.ok() && line->has_value()) {
      publisher.Add(**line);
      continue;
    }
    publisher.Send();
    if (!line.ok()) return absl::InvalidArgumentError(absl::StrCat("--from: ", line.status().message()));
    return publisher.exit_code();
  }
  context.output().Note("stopped, because the server is not available; what follows was not read");
  return publisher.exit_code();
}

}  // namespace signalbox::cli
