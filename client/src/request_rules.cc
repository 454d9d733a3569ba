#include "request_rules.h"

#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "text.h"

namespace signalbox::internal {
namespace {

constexpr std::size_t kMaxKeyBytes = 128;
constexpr std::size_t kMaxDescriptionBytes = 1024;

absl::Status Invalid(std::string_view field, const std::string& problem) {
  return absl::InvalidArgumentError(
      absl::StrCat(absl::string_view(field.data(), field.size()), ": ", problem));
}

absl::Status CheckSize(std::string_view field, std::size_t size, std::size_t limit) {
  if (size <= limit) return absl::OkStatus();
  return Invalid(field, absl::StrCat(size, " bytes, at most ", limit, " are allowed"));
}

absl::Status CheckValueAt(std::string_view field, const Value& value, int depth) {
  if (depth > kMaxValueDepth) {
    return Invalid(field, absl::StrCat("more than ", kMaxValueDepth, " lists and objects in one another"));
  }
  if (const std::string* text = value.as_string()) return CheckText(field, *text);
  if (const double* number = value.as_number(); number != nullptr && !std::isfinite(*number)) {
    return Invalid(field, "a number is not finite");
  }
  if (const Value::List* list = value.as_list()) {
    for (const Value& element : *list) {
      if (absl::Status status = CheckValueAt(field, element, depth + 1); !status.ok()) return status;
    }
  }
  if (const Value::Object* object = value.as_object()) {
    for (const auto& [key, element] : *object) {
      if (absl::Status status = CheckText(field, key); !status.ok()) return status;
      if (absl::Status status = CheckValueAt(field, element, depth + 1); !status.ok()) return status;
    }
  }
  return absl::OkStatus();
}

// A field of `size` bytes with its tag, which takes one byte in all messages below Value, and length.
std::size_t Delimited(std::size_t size) {
  std::size_t length_bytes = 1;
  for (std::size_t rest = size; rest > 127; rest /= 128) ++length_bytes;
  return 1 + length_bytes + size;
}

}  // namespace

absl::Status CheckText(std::string_view field, std::string_view text) {
  return IsUtf8(text) ? absl::OkStatus() : Invalid(field, "not valid UTF-8");
}

absl::Status CheckValue(std::string_view field, const Value& value) {
  // A scalar of its own has depth 0, and the limit counts what is around it.
  return CheckValueAt(field, value, 0);
}

absl::Status CheckAck(const Ack& ack) {
  const bool says_more = ack.reply.has_value() || !ack.error.empty() || ack.step != 0;
  if (ack.outcome == AckOutcome::kUnspecified && says_more) {
    return Invalid("outcome", "required with reply, error or step");
  }
  if (ack.step < 0) return Invalid("step", absl::StrCat(ack.step, " is negative"));
  if (absl::Status status = CheckText("error", ack.error); !status.ok()) return status;
  if (ack.error.find('\0') != std::string::npos) return Invalid("error", "must not hold U+0000");
  if (absl::Status status = CheckSize("error", ack.error.size(), kMaxErrorBytes); !status.ok()) return status;
  if (!ack.reply.has_value()) return absl::OkStatus();
  if (absl::Status status = CheckValue("reply", *ack.reply); !status.ok()) return status;
  return CheckSize("reply", SerializedSize(*ack.reply), kMaxReplyBytes);
}

absl::Status CheckKey(std::string_view key) {
  if (key.empty()) return Invalid("key", "required");
  if (absl::Status status = CheckSize("key", key.size(), kMaxKeyBytes); !status.ok()) return status;
  if (absl::Status status = CheckText("key", key); !status.ok()) return status;
  for (const char c : key) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte < 0x20 || byte == 0x7f) return Invalid("key", "must not hold control characters");
  }
  if (key.front() == ' ' || key.back() == ' ') return Invalid("key", "must not begin or end with a blank");
  return absl::OkStatus();
}

absl::Status CheckDeclaration(const KeyDeclaration& declaration) {
  if (absl::Status status = CheckKey(declaration.key); !status.ok()) return status;
  if (absl::Status status = CheckText("description", declaration.description); !status.ok()) return status;
  return CheckSize("description", declaration.description.size(), kMaxDescriptionBytes);
}

absl::Status CheckRun(const RunRef& run) {
  if (absl::Status status = CheckText("run.id", run.id); !status.ok()) return status;
  if (absl::Status status = CheckText("run.project", run.project); !status.ok()) return status;
  if (!run.id.empty()) {
    if (run.project.empty() && run.rank == 0) return absl::OkStatus();
    return Invalid("run", "either an id, or a project with a rank, not both");
  }
  if (run.project.empty() && run.rank == 0)
    return Invalid("run", "an id, or a project with a rank, is required");
  if (run.project.empty()) return Invalid("run", absl::StrCat("rank ", run.rank, " needs a project"));
  if (run.rank == 0) return Invalid("run", absl::StrCat("project ", run.project, " needs a rank"));
  if (run.rank < 0) return Invalid("run", absl::StrCat("rank ", run.rank, " is negative"));
  return absl::OkStatus();
}

std::size_t SerializedSize(const Value& value) {
  if (value.is_null() || value.as_bool() != nullptr) return 2;
  if (value.as_number() != nullptr) return 9;
  if (const std::string* text = value.as_string()) return Delimited(text->size());
  std::size_t size = 0;
  if (const Value::List* list = value.as_list()) {
    for (const Value& element : *list) size += Delimited(SerializedSize(element));
  }
  if (const Value::Object* object = value.as_object()) {
    for (const auto& [key, element] : *object) {
      size += Delimited(Delimited(key.size()) + Delimited(SerializedSize(element)));
    }
  }
  return Delimited(size);
}

}  // namespace signalbox::internal
