#include "dissent.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "text.h"

namespace signalbox::internal {
namespace {

// "process 3", or "processes 1-3, 7".
std::string NamesOf(const std::vector<int>& processes) {
  std::string names = processes.size() == 1 ? "process " : "processes ";
  for (std::size_t first = 0; first < processes.size();) {
    std::size_t last = first;
    while (last + 1 < processes.size() && processes[last + 1] == processes[last] + 1) ++last;
    absl::StrAppend(&names, first == 0 ? "" : ", ", processes[first]);
    if (last > first) absl::StrAppend(&names, "-", processes[last]);
    first = last + 1;
  }
  return names;
}

}  // namespace

void Dissent::Add(int process, std::string why) {
  const auto same = std::ranges::find(reasons_, why, &Reason::why);
  if (same == reasons_.end()) {
    reasons_.push_back({std::move(why), {process}});
  } else {
    same->processes.push_back(process);
  }
}

std::string Dissent::Text(std::size_t max_bytes) const {
  std::vector<std::string> names;
  std::size_t size_of_names = 0;
  for (const Reason& reason : reasons_) {
    names.push_back(absl::StrCat(names.empty() ? "" : "; ", NamesOf(reason.processes), ": "));
    size_of_names += names.back().size();
  }
  std::size_t room = max_bytes - std::min(size_of_names, max_bytes);
  std::string text;
  for (std::size_t i = 0; i < reasons_.size(); ++i) {
    // An equal share, and what the ones before left of theirs.
    const std::string why = CleanErrorText(reasons_[i].why, room / (reasons_.size() - i));
    room -= why.size();
    absl::StrAppend(&text, names[i], why);
  }
  return CleanErrorText(text, max_bytes);
}

}  // namespace signalbox::internal
