#ifndef SIGNALBOX_SRC_DISSENT_H
#define SIGNALBOX_SRC_DISSENT_H

#include <cstddef>
#include <string>
#include <vector>

namespace signalbox::internal {

/// Which processes of a group did not apply a message, and why. Plain data.
class Dissent {
 public:
  /// `process` is above those before.
  void Add(int process, std::string why);

  bool IsEmpty() const { return reasons_.empty(); }

  /// "process 1: out of memory; processes 2-5, 9: no such layer", clean, of at most `max_bytes`. When
  /// that is too little the reasons are cut before the names are.
  std::string Text(std::size_t max_bytes) const;

 private:
  struct Reason {
    std::string why;
    std::vector<int> processes;
  };

  std::vector<Reason> reasons_;  // In the order of their first process.
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_DISSENT_H
