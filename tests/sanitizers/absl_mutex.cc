// Tells ThreadSanitizer about the locks of absl.
//
// Debian's absl is not instrumented, so a ThreadSanitizer build sees neither absl::Mutex nor
// absl::CondVar, and takes everything that they guard for a race. This library is linked before
// absl's: its functions call the real ones, and say which thread's past the other one may rely on.
// Only the sanitizer build has it.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>

#include "absl/synchronization/mutex.h"
#include "absl/synchronization/notification.h"
#include "absl/time/time.h"

extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
void AnnotateIgnoreReadsBegin(const char* file, int line);
void AnnotateIgnoreReadsEnd(const char* file, int line);
}

namespace {

template <typename Function>
Function* Real(const char* name) {
  void* const found = dlsym(RTLD_NEXT, name);
  if (found == nullptr) {
    std::fprintf(stderr, "absl_mutex.cc: this absl has no %s\n", name);
    std::abort();
  }
  return reinterpret_cast<Function*>(found);
}

// Around a call that gives the lock up while it waits, and has it again when it returns.
template <typename Wait>
auto WhileGivenUp(absl::Mutex* mutex, Wait wait) {
  __tsan_release(mutex);
  struct Acquire {
    absl::Mutex* mutex;
    ~Acquire() { __tsan_acquire(mutex); }
  } acquire{mutex};
  return wait();
}

}  // namespace

// The real function of a member function; `this` is an ordinary first argument in this ABI.
#define SIGNALBOX_REAL(mangled, ...) static auto* const real = Real<__VA_ARGS__>("_ZN" mangled)
#define SIGNALBOX_REAL_CONST(mangled, ...) static auto* const real = Real<__VA_ARGS__>("_ZNK" mangled)

namespace absl {
inline namespace debian3 {

void Mutex::Lock() {
  SIGNALBOX_REAL("4absl7debian35Mutex4LockEv", void(Mutex*));
  real(this);
  __tsan_acquire(this);
}

void Mutex::Unlock() {
  SIGNALBOX_REAL("4absl7debian35Mutex6UnlockEv", void(Mutex*));
  __tsan_release(this);
  real(this);
}

bool Mutex::TryLock() {
  SIGNALBOX_REAL("4absl7debian35Mutex7TryLockEv", bool(Mutex*));
  const bool locked = real(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::ReaderLock() {
  SIGNALBOX_REAL("4absl7debian35Mutex10ReaderLockEv", void(Mutex*));
  real(this);
  __tsan_acquire(this);
}

void Mutex::ReaderUnlock() {
  SIGNALBOX_REAL("4absl7debian35Mutex12ReaderUnlockEv", void(Mutex*));
  __tsan_release(this);
  real(this);
}

bool Mutex::ReaderTryLock() {
  SIGNALBOX_REAL("4absl7debian35Mutex13ReaderTryLockEv", bool(Mutex*));
  const bool locked = real(this);
  if (locked) __tsan_acquire(this);
  return locked;
}

void Mutex::LockWhen(const Condition& condition) {
  SIGNALBOX_REAL("4absl7debian35Mutex8LockWhenERKNS0_9ConditionE", void(Mutex*, const Condition&));
  real(this, condition);
  __tsan_acquire(this);
}

bool Mutex::LockWhenWithTimeout(const Condition& condition, Duration timeout) {
  SIGNALBOX_REAL("4absl7debian35Mutex19LockWhenWithTimeoutERKNS0_9ConditionENS0_8DurationE",
                 bool(Mutex*, const Condition&, Duration));
  const bool met = real(this, condition, timeout);
  __tsan_acquire(this);
  return met;
}

bool Mutex::LockWhenWithDeadline(const Condition& condition, Time deadline) {
  SIGNALBOX_REAL("4absl7debian35Mutex20LockWhenWithDeadlineERKNS0_9ConditionENS0_4TimeE",
                 bool(Mutex*, const Condition&, Time));
  const bool met = real(this, condition, deadline);
  __tsan_acquire(this);
  return met;
}

void Mutex::Await(const Condition& condition) {
  SIGNALBOX_REAL("4absl7debian35Mutex5AwaitERKNS0_9ConditionE", void(Mutex*, const Condition&));
  WhileGivenUp(this, [&] { real(this, condition); });
}

bool Mutex::AwaitWithTimeout(const Condition& condition, Duration timeout) {
  SIGNALBOX_REAL("4absl7debian35Mutex16AwaitWithTimeoutERKNS0_9ConditionENS0_8DurationE",
                 bool(Mutex*, const Condition&, Duration));
  return WhileGivenUp(this, [&] { return real(this, condition, timeout); });
}

bool Mutex::AwaitWithDeadline(const Condition& condition, Time deadline) {
  SIGNALBOX_REAL("4absl7debian35Mutex17AwaitWithDeadlineERKNS0_9ConditionENS0_4TimeE",
                 bool(Mutex*, const Condition&, Time));
  return WhileGivenUp(this, [&] { return real(this, condition, deadline); });
}

void CondVar::Wait(Mutex* mutex) {
  SIGNALBOX_REAL("4absl7debian37CondVar4WaitEPNS0_5MutexE", void(CondVar*, Mutex*));
  WhileGivenUp(mutex, [&] { real(this, mutex); });
}

bool CondVar::WaitWithTimeout(Mutex* mutex, Duration timeout) {
  SIGNALBOX_REAL("4absl7debian37CondVar15WaitWithTimeoutEPNS0_5MutexENS0_8DurationE",
                 bool(CondVar*, Mutex*, Duration));
  return WhileGivenUp(mutex, [&] { return real(this, mutex, timeout); });
}

bool CondVar::WaitWithDeadline(Mutex* mutex, Time deadline) {
  SIGNALBOX_REAL("4absl7debian37CondVar16WaitWithDeadlineEPNS0_5MutexENS0_4TimeE",
                 bool(CondVar*, Mutex*, Time));
  return WhileGivenUp(mutex, [&] { return real(this, mutex, deadline); });
}

// Absl asks conditions under the lock, but on whichever thread holds it, and after the point at which
// Unlock() above has told of it. They only read.
bool Condition::Eval() const {
  SIGNALBOX_REAL_CONST("4absl7debian39Condition4EvalEv", bool(const Condition*));
  AnnotateIgnoreReadsBegin(__FILE__, __LINE__);
  const bool met = real(this);
  AnnotateIgnoreReadsEnd(__FILE__, __LINE__);
  return met;
}

void Notification::Notify() {
  SIGNALBOX_REAL("4absl7debian312Notification6NotifyEv", void(Notification*));
  __tsan_release(this);
  real(this);
}

void Notification::WaitForNotification() const {
  SIGNALBOX_REAL_CONST("4absl7debian312Notification19WaitForNotificationEv", void(const Notification*));
  real(this);
  __tsan_acquire(const_cast<Notification*>(this));
}

bool Notification::WaitForNotificationWithTimeout(Duration timeout) const {
  SIGNALBOX_REAL_CONST("4absl7debian312Notification30WaitForNotificationWithTimeoutENS0_8DurationE",
                       bool(const Notification*, Duration));
  const bool notified = real(this, timeout);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

bool Notification::WaitForNotificationWithDeadline(Time deadline) const {
  SIGNALBOX_REAL_CONST("4absl7debian312Notification31WaitForNotificationWithDeadlineENS0_4TimeE",
                       bool(const Notification*, Time));
  const bool notified = real(this, deadline);
  if (notified) __tsan_acquire(const_cast<Notification*>(this));
  return notified;
}

}  // namespace debian3
}  // namespace absl
