#include "cli/publish_line.h"

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <iterator>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/string_view.h"
#include "cli/choices.h"
#include "cli/duration_argument.h"
#include "cli/value_argument.h"

namespace signalbox::cli {
namespace {

constexpr const char* kFields[] = {"run", "project", "key", "value", "kind", "request_id", "ttl", "reason"};

// Numbers of a line are doubles, which hold ranks up to here; a larger one is a string of digits.
constexpr double kLargestExact = 9007199254740992;

// The fields of a line by their names; keeps the first thing that is wrong with one.
class LineFields {
 public:
  explicit LineFields(const Value::Object& fields) : fields_(fields) {
    for (const auto& [name, value] : fields) {
      if (std::ranges::find(kFields, name) != std::end(kFields)) continue;
      Refuse(absl::StrCat("unknown field \"", name, "\"; there are ", absl::StrJoin(kFields, ", ")));
    }
  }

  const Value* Find(absl::string_view name) const {
    const auto field = fields_.find(name);
    return field == fields_.end() ? nullptr : &field->second;
  }

  std::string Text(absl::string_view name, const std::string& otherwise = "") {
    const Value* field = Find(name);
    if (field == nullptr) return otherwise;
    if (const std::string* text = field->as_string()) return *text;
    Refuse(absl::StrCat(name, " must be a string"));
    return "";
  }

  // An id, or a rank as digits.
  std::string Run() {
    const Value* field = Find("run");
    const double* rank = field == nullptr ? nullptr : field->as_number();
    if (rank == nullptr) return Text("run");
    if (std::trunc(*rank) == *rank && *rank > 0 && *rank <= kLargestExact) {
      return absl::StrCat(static_cast<int64_t>(*rank));
    }
    Refuse("run must be an id or a rank");
    return "";
  }

  void Refuse(const std::string& why) {
    if (status_.ok()) status_ = absl::InvalidArgumentError(why);
  }

  const absl::Status& status() const { return status_; }

 private:
  const Value::Object& fields_;
  absl::Status status_;
};

// A run or a project of the line wins over the flags, as these do over the environment.
RunArgument RunOf(LineFields& fields, const RunArgument& otherwise) {
  RunArgument argument = otherwise;
  argument.run = fields.Run();
  argument.project = fields.Text("project");
  if (argument.run.empty()) {
    argument.run = otherwise.run;
    if (argument.project.empty()) argument.project = otherwise.project;
  } else if (!otherwise.project.empty()) {
    argument.environment_project = otherwise.project;
  }
  return argument;
}

Kind KindOf(LineFields& fields, Kind otherwise) {
  const std::string word = absl::AsciiStrToLower(fields.Text("kind"));
  if (word.empty()) return otherwise;
  const Kind kind = Kinds().ValueOf(word);
  if (kind == Kind::kUnspecified) {
    fields.Refuse(absl::StrCat("kind: \"", word, "\" is not one of ", absl::StrJoin(Kinds().words(), ", ")));
  }
  return kind;
}

absl::Duration TtlOf(LineFields& fields, absl::Duration otherwise) {
  const std::string text = fields.Text("ttl");
  if (text.empty()) return otherwise;
  const absl::StatusOr<absl::Duration> ttl = ParseDurationArgument("ttl", text);
  if (ttl.ok()) return *ttl;
  fields.Refuse(std::string(ttl.status().message()));
  return otherwise;
}

}  // namespace

absl::StatusOr<PublishRequest> ParsePublishLine(const std::string& line, const PublishDefaults& defaults) {
  const absl::StatusOr<Value> json = ParseJsonLine(line);
  if (!json.ok()) return json.status();
  const Value::Object* object = json->as_object();
  if (object == nullptr) return absl::InvalidArgumentError("the line is not a JSON object");
  LineFields fields(*object);
  const RunArgument run_argument = RunOf(fields, defaults.run);
  PublishRequest request = defaults.message;
  request.key = fields.Text("key", defaults.message.key);
  request.kind = KindOf(fields, defaults.message.kind);
  request.request_id = fields.Text("request_id");
  request.ttl = TtlOf(fields, defaults.message.ttl);
  request.reason = fields.Text("reason", defaults.message.reason);
  if (const Value* value = fields.Find("value")) request.value = *value;
  if (!fields.status().ok()) return fields.status();
  absl::StatusOr<RunRef> run = ResolveRun(run_argument);
  if (!run.ok()) return run.status();
  request.run = *std::move(run);
  return request;
}

}  // namespace signalbox::cli
