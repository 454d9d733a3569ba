#include "service/random_ids.h"

#include <random>

#include "absl/random/random.h"
#include "absl/strings/str_format.h"
#include "service/domain/message_id.h"

namespace signalbox::service {

int64_t MakeNonce() {
  thread_local absl::BitGen bits;
  return absl::Uniform<int64_t>(absl::IntervalClosed, bits, 0, MessageId::kMaxNonce);
}

std::string MakeRunId() {
  // No i, l, o, u: an id is read aloud and typed. The first is a letter, so that no id is a rank.
  constexpr std::string_view kAlphabet = "abcdefghjkmnpqrstvwxyz0123456789";
  constexpr int kLetters = 22;
  std::random_device bits;
  std::string id(1, kAlphabet[bits() % kLetters]);
  while (id.size() < 10) id += kAlphabet[bits() % kAlphabet.size()];
  return id;
}

std::string MakeSenderName() {
  std::random_device bits;
  return absl::StrFormat("%08x%08x", bits(), bits());
}

}  // namespace signalbox::service
