#include "tests/bench/listeners.h"

#include "tests/bench/clock.h"

namespace signalbox::bench {

class Listeners::Listener final : public grpc::ServerWriteReactor<Note> {
 public:
  explicit Listener(Listeners& listeners) : listeners_(listeners) {
    {
      const absl::MutexLock lock(&listeners_.mu_);
      place_ = listeners_.all_.insert(listeners_.all_.end(), this);
    }
    StartSendInitialMetadata();
  }

  int64_t sent() const { return sent_; }

  void Send(const Note& note) {
    note_ = note;
    sent_ = Nanoseconds();
    StartWrite(&note_);
  }

  void OnCancel() override {
    {
      const absl::MutexLock lock(&listeners_.mu_);
      listeners_.all_.erase(place_);
    }
    Finish(grpc::Status::CANCELLED);
  }

  void OnDone() override { delete this; }

 private:
  Listeners& listeners_;
  std::list<Listener*>::iterator place_;
  int64_t sent_ = Nanoseconds();
  Note note_;
};

grpc::ServerWriteReactor<Note>* Listeners::Open() { return new Listener(*this); }

int Listeners::Send(const Note& note) {
  const absl::MutexLock lock(&mu_);
  for (Listener* listener : all_) listener->Send(note);
  return static_cast<int>(all_.size());
}

void Listeners::SendHeartbeats(int64_t interval) {
  const absl::MutexLock lock(&mu_);
  const int64_t now = Nanoseconds();
  while (!all_.empty() && all_.front()->sent() + interval <= now) {
    all_.front()->Send(Note());
    all_.splice(all_.end(), all_, all_.begin());
  }
}

}  // namespace signalbox::bench
