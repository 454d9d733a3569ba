#ifndef SIGNALBOX_SRC_SIGNAL_BLOCK_H
#define SIGNALBOX_SRC_SIGNAL_BLOCK_H

#include <csignal>

namespace signalbox::internal {

/// Blocks all signals on this thread while it lives. Threads started meanwhile inherit that for
/// good, so the program's signal handlers never run on a thread of this library.
class SignalBlock {
 public:
  SignalBlock() {
    sigset_t all;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before_);
  }
  ~SignalBlock() { pthread_sigmask(SIG_SETMASK, &before_, nullptr); }
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

 private:
  sigset_t before_;
};

}  // namespace signalbox::internal

#endif  // SIGNALBOX_SRC_SIGNAL_BLOCK_H
