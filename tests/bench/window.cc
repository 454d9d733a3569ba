#include "tests/bench/window.h"

#include "tests/bench/process.h"

namespace signalbox::bench {

void AddWindowFlags(CLI::App* command, WindowOptions& options) {
  command->add_option("--warm-up", options.warm_up, "Seconds before the measurement begins");
  command->add_option("--seconds", options.seconds, "Seconds that are measured");
  command->add_option("--server-pid", options.server_pid, "Process of the server, for its CPU time");
}

CpuMeter::CpuMeter(pid_t server_pid)
    : server_pid_(server_pid),
      client_(OwnCpuSeconds()),
      server_(server_pid > 0 ? CpuSeconds(server_pid) : 0),
      children_(server_pid > 0 ? DescendantsCpuSeconds(server_pid) : 0) {}

nlohmann::json CpuMeter::PerOperation(double operations) const {
  if (operations == 0) return nlohmann::json::object();
  nlohmann::json result = {{"client_cpu_us", (OwnCpuSeconds() - client_) * 1e6 / operations}};
  if (server_pid_ > 0) {
    result["server_cpu_us"] = (CpuSeconds(server_pid_) - server_) * 1e6 / operations;
    result["children_cpu_us"] = (DescendantsCpuSeconds(server_pid_) - children_) * 1e6 / operations;
  }
  return result;
}

nlohmann::json Summary(const Latencies& latencies, int64_t nanoseconds, const CpuMeter& cpu, double weight) {
  nlohmann::json result = latencies.Summary();
  const double done = static_cast<double>(latencies.count()) * weight;
  const double seconds = static_cast<double>(nanoseconds) / 1e9;
  result["rate"] = done / seconds;
  result["seconds"] = seconds;
  result.update(cpu.PerOperation(done));
  return result;
}

}  // namespace signalbox::bench
