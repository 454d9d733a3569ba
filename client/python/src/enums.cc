#include "enums.h"

#include <initializer_list>
#include <string>
#include <string_view>
#include <utility>

#include "absl/strings/str_cat.h"
#include "errors.h"

namespace signalbox::python {
namespace {

py::object Member(const char* type, std::string_view name) {
  return py::module_::import("signalbox.enums").attr(type)(py::str(name.data(), name.size()));
}

template <typename Enum>
using Names = std::initializer_list<std::pair<std::string_view, Enum>>;

template <typename Enum>
Enum Parse(const char* field, const py::object& name, Names<Enum> names) {
  if (name.is_none()) return Enum{};
  std::string allowed;
  for (const auto& [known, value] : names) {
    if (py::isinstance<py::str>(name) && name.equal(py::str(known.data(), known.size()))) return value;
    allowed += (allowed.empty() ? "" : ", ") + std::string(known);
  }
  const auto given = py::repr(name).cast<std::string>();
  Raise(absl::InvalidArgumentError(absl::StrCat(field, ": ", given, " is none of ", allowed)));
}

}  // namespace

py::object ToPython(Kind kind) { return Member("Kind", ToString(kind)); }
py::object ToPython(MessageState state) { return Member("MessageState", ToString(state)); }
py::object ToPython(RunState state) { return Member("RunState", ToString(state)); }
py::object ToPython(ConnectionState state) { return Member("ConnectionState", ToString(state)); }

py::object ToPython(RunOutcome outcome) {
  if (outcome == RunOutcome::kUnspecified) return py::none();
  return Member("RunOutcome", ToString(outcome));
}

Kind KindFrom(const char* field, const py::object& name) {
  return Parse<Kind>(field, name, {{"COMMAND", Kind::kCommand}, {"SETTING", Kind::kSetting}});
}

MessageState MessageStateFrom(const char* field, const py::object& name) {
  return Parse<MessageState>(field, name,
                             {{"PENDING", MessageState::kPending},
                              {"ACKED", MessageState::kAcked},
                              {"APPLIED", MessageState::kApplied},
                              {"FAILED", MessageState::kFailed},
                              {"SUPERSEDED", MessageState::kSuperseded},
                              {"CANCELLED", MessageState::kCancelled},
                              {"EXPIRED", MessageState::kExpired},
                              {"UNDELIVERED", MessageState::kUndelivered}});
}

RunState RunStateFrom(const char* field, const py::object& name) {
  return Parse<RunState>(field, name, {{"ACTIVE", RunState::kActive}, {"ENDED", RunState::kEnded}});
}

RunOutcome RunOutcomeFrom(const char* field, const py::object& name) {
  return Parse<RunOutcome>(field, name,
                           {{"COMPLETED", RunOutcome::kCompleted},
                            {"FAILED", RunOutcome::kFailed},
                            {"STOPPED", RunOutcome::kStopped}});
}

AckOutcome AckOutcomeFrom(const char* field, const py::object& name) {
  return Parse<AckOutcome>(field, name, {{"APPLIED", AckOutcome::kApplied}, {"FAILED", AckOutcome::kFailed}});
}

AwaitUntil AwaitUntilFrom(const char* field, const py::object& name) {
  return Parse<AwaitUntil>(field, name, {{"FINISHED", AwaitUntil::kFinished}, {"ACKED", AwaitUntil::kAcked}});
}

}  // namespace signalbox::python
