#include "service/telemetry/metrics_exposer.h"

#include <prometheus/collectable.h>
#include <prometheus/exposer.h>
#include <prometheus/metric_family.h>

#include <exception>
#include <limits>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"

namespace signalbox::service {
namespace {

using prometheus::ClientMetric;
using prometheus::MetricFamily;
using prometheus::MetricType;

MetricFamily FamilyOf(const Gauge& gauge, const char* name, const char* help) {
  ClientMetric metric;
  metric.gauge.value = static_cast<double>(gauge.value());
  return {name, help, MetricType::Gauge, {metric}};
}

MetricFamily FamilyOf(const Counter& counter, const char* name, const char* help) {
  ClientMetric metric;
  metric.counter.value = static_cast<double>(counter.value());
  return {name, help, MetricType::Counter, {metric}};
}

// All codes, also those that have not been seen: a rate needs the zero before the first one.
MetricFamily FamilyOf(const OutcomeCounter& outcomes, const char* name, const char* help) {
  MetricFamily family{name, help, MetricType::Counter, {}};
  for (int i = 0; i < OutcomeCounter::kCodes; ++i) {
    const auto code = static_cast<absl::StatusCode>(i);
    ClientMetric metric;
    metric.label.push_back({"code", absl::StatusCodeToString(code)});
    metric.counter.value = static_cast<double>(outcomes.value(code));
    family.metric.push_back(std::move(metric));
  }
  return family;
}

MetricFamily FamilyOf(const Histogram& histogram, const char* name, const char* help) {
  ClientMetric metric;
  uint64_t count = 0;
  for (size_t i = 0; i <= Histogram::kBounds; ++i) {
    count += static_cast<uint64_t>(histogram.count(i));
    const double bound =
        i < Histogram::kBounds ? histogram.bounds().at(i) : std::numeric_limits<double>::infinity();
    metric.histogram.bucket.push_back({count, bound});
  }
  metric.histogram.sample_count = count;
  metric.histogram.sample_sum = histogram.sum();
  return {name, help, MetricType::Histogram, {metric}};
}

// Reads all metrics whenever somebody asks for them.
class Collector final : public prometheus::Collectable {
 public:
  explicit Collector(const Metrics& metrics) : metrics_(metrics) {}

  std::vector<MetricFamily> Collect() const override {
    const Metrics& m = metrics_;
    return {
        FamilyOf(m.database_up, "signalbox_database_up", "1 while the database answers."),
        FamilyOf(m.database_connections, "signalbox_database_connections",
                 "Sessions for reading and writing that are open or being opened."),
        FamilyOf(m.notify_healthy, "signalbox_notify_healthy",
                 "1 while this replica hears NOTIFY; else the sweep finds the news of other replicas."),
        FamilyOf(m.sweep_finds, "signalbox_sweep_finds_total",
                 "Runs whose news the sweep found and no NOTIFY told of."),
        FamilyOf(m.streams_open, "signalbox_streams_open", "Open Subscribe streams."),
        FamilyOf(m.awaits_open, "signalbox_awaits_open", "Await calls that wait."),
        FamilyOf(m.writes_waiting, "signalbox_writes_waiting",
                 "Publishes and acks that wait for their commit to begin."),
        FamilyOf(m.publishes, "signalbox_publishes_total",
                 "Publishes by status code, those of a PublishMany one by one."),
        FamilyOf(m.acks, "signalbox_acks_total", "Ack calls by status code."),
        FamilyOf(m.commit_group_size, "signalbox_commit_group_size", "Publishes and acks of one commit."),
        FamilyOf(m.commit_seconds, "signalbox_commit_seconds", "How long a commit took."),
    };
  }

 private:
  const Metrics& metrics_;
};

}  // namespace

struct MetricsExposer::Parts {
  Parts(const std::string& address, const Metrics& metrics)
      : collector(std::make_shared<Collector>(metrics)), exposer(address) {
    exposer.RegisterCollectable(collector);
  }
  const std::shared_ptr<Collector> collector;
  prometheus::Exposer exposer;
};

MetricsExposer::MetricsExposer(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}

MetricsExposer::~MetricsExposer() = default;

absl::StatusOr<std::unique_ptr<MetricsExposer>> MetricsExposer::Start(const std::string& address,
                                                                      const Metrics& metrics) try {
  return std::unique_ptr<MetricsExposer>(new MetricsExposer(std::make_unique<Parts>(address, metrics)));
} catch (const std::exception& error) {
  return absl::FailedPreconditionError(
      absl::StrCat("cannot serve metrics on ", address, "; is it in use already? (", error.what(), ")"));
}

}  // namespace signalbox::service
