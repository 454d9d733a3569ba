#ifndef SIGNALBOX_SERVICE_POSTGRES_NOTIFY_CHANNEL_H
#define SIGNALBOX_SERVICE_POSTGRES_NOTIFY_CHANNEL_H

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <thread>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "service/domain/stop_signal.h"
#include "service/postgres/connection_pool.h"

namespace signalbox::service {

/// Tells other replicas that runs have news, and hears it from them: NOTIFY and LISTEN on the channel
/// `signalbox_runs`, each on a session and a thread of its own. Only a hint: payloads are the sender's
/// name and internal run numbers, nothing is lost when a hint is.
///
/// A NOTIFY holds a lock of the whole cluster until its commit, so it never travels with a write:
/// runs announced within a few milliseconds share one, sent without waiting for the disk.
///
/// A listener is believed only while it hears what the sender, another session, sends: a probe every
/// 3 seconds. So whatever is between them is found within 6 s: a session that was ended or cut off
/// without a word, a pooler that gives LISTEN to nobody. Loss and return are each logged once.
class NotifyChannel {
 public:
  struct Callbacks {
    std::function<void(const std::vector<int64_t>& run_nos)> on_hint;  ///< Another replica's news.
    std::function<void()> on_lost;                                     ///< Hints may have been missed.
  };

  /// Callbacks are called on the listener's thread and must not block.
  NotifyChannel(ConnectionOptions options, std::string sender, Callbacks callbacks);
  ~NotifyChannel();

  void Start();
  void Stop();  ///< Idempotent and thread-safe; every call returns when both threads have ended.

  /// Thread-safe, never blocks.
  void Announce(const std::vector<int64_t>& run_nos);

  /// Whether hints arrive, as far as is known. Thread-safe.
  bool IsHealthy() const { return is_healthy_; }

 private:
  void Send();
  bool SendAll(Connection& connection, const std::vector<std::string>& payloads);
  std::vector<std::string> TakePayloads() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mu_);
  bool HasWork() const ABSL_SHARED_LOCKS_REQUIRED(mu_) {
    return stop_.IsSet() || !announced_.empty() || probe_sent_ != probe_asked_;
  }
  void Listen();
  void ListenOnce(Connection& connection);
  void CheckPooler(pqxx::connection& connection) const;
  void Probe();
  void Believe();
  void OnNotification(const std::string& payload);
  bool Pause(absl::Duration duration);

  const ConnectionOptions options_;
  const std::string sender_;
  const Callbacks callbacks_;
  std::thread send_thread_;
  std::thread listen_thread_;
  absl::Mutex stop_mu_;  // one join at a time; never held with another lock before it
  std::atomic<bool> is_healthy_{false};

  // Listener's thread only.
  int64_t probe_ = 0;        // number of the last one
  int64_t probe_heard_ = 0;  // the last one that came back
  absl::Time probe_time_ = absl::InfinitePast();

  absl::Mutex mu_;
  absl::flat_hash_set<int64_t> announced_ ABSL_GUARDED_BY(mu_);
  int64_t probe_asked_ ABSL_GUARDED_BY(mu_) = 0;
  int64_t probe_sent_ ABSL_GUARDED_BY(mu_) = 0;
  StopSignal stop_;  // set under mu_, because HasWork() asks it
};

}  // namespace signalbox::service

#endif  // SIGNALBOX_SERVICE_POSTGRES_NOTIFY_CHANNEL_H
