// etcd through its own API: puts, and puts until a watch tells of them.

#include <chrono>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "etcd.grpc.pb.h"
#include "tests/bench/command.h"
#include "tests/bench/delivery.h"
#include "tests/bench/load.h"
#include "tests/bench/sample.h"
#include "tests/bench/unary_slot.h"

namespace signalbox::bench {
namespace {

constexpr char kAddress[] = "127.0.0.1:2379";
constexpr std::chrono::minutes kLongest(5);  // For all that is to be told of.

std::string Key(int64_t run, int64_t number) { return absl::StrFormat("/run/%06d/%010d", run, number); }

Result MeasurePut(const LoadOptions& options) {
  const auto stubs = Stubs<etcdserverpb::KV>(options.address, options.connections);
  Counter counter;
  const int64_t first = absl::ToUnixNanos(absl::Now()) % 1'000'000'000'000'000;  // Never the same key again.
  const auto prepare = [&](etcdserverpb::PutRequest& request) {
    const int64_t number = counter.Next();
    request.set_key(Key(Spread(number, kRuns), first + number));
    request.set_value(SampleValue(number));
    return true;
  };
  const auto hooks = [&](int slot) -> UnarySlot<etcdserverpb::PutRequest, etcdserverpb::PutResponse>::Hooks {
    return {.call = [stub = StubOf(stubs, slot)](
                        auto* context, auto* request, auto* response,
                        auto done) { stub->async()->Put(context, request, response, std::move(done)); },
            .prepare = prepare,
            .examine = {}};
  };
  return ClosedLoop(UnarySlots<etcdserverpb::PutRequest, etcdserverpb::PutResponse>(options.in_flight, hooks))
      .Run(options.window);
}

Result MeasureWatch(const std::string& address, const DeliveryOptions& options) {
  // A connection each: publisher and job are different programs.
  const auto writer = etcdserverpb::KV::NewStub(NewChannel(address));
  const auto reader = etcdserverpb::Watch::NewStub(NewChannel(address));
  grpc::ClientContext context;
  context.set_deadline(std::chrono::system_clock::now() + kLongest);
  const auto stream = reader->Watch(&context);
  etcdserverpb::WatchRequest create;
  create.mutable_create_request()->set_key("/run/000000/");
  create.mutable_create_request()->set_range_end("/run/0000000");
  etcdserverpb::WatchResponse created;
  if (!stream->Write(create) || !stream->Read(&created) || !created.created()) {
    return absl::UnavailableError("etcd made no watch");
  }
  const DeliveryHooks hooks = {.publish =
                                   [&](int64_t number) {
                                     etcdserverpb::PutRequest request;
                                     request.set_key(Key(0, number));
                                     request.set_value(SampleValue(number));
                                     etcdserverpb::PutResponse response;
                                     grpc::ClientContext call;
                                     const grpc::Status status = writer->Put(&call, request, &response);
                                     return absl::Status(static_cast<absl::StatusCode>(status.error_code()),
                                                         status.error_message());
                                   },
                               .receive =
                                   [&] {
                                     etcdserverpb::WatchResponse event;
                                     if (!stream->Read(&event) || event.events_size() != 1) {
                                       return absl::UnavailableError("the watch told of no put");
                                     }
                                     return absl::OkStatus();
                                   },
                               .settle = {}};
  Result result = MeasureDelivery(options, hooks);
  context.TryCancel();
  return result;
}

}  // namespace

void AddEtcd(CommandLine& line) {
  auto load = std::make_shared<LoadOptions>();
  load->address = kAddress;
  AddLoadFlags(AddCommand(line, "etcd-put", "Puts to etcd", [=] { return MeasurePut(*load); }), *load);

  auto address = std::make_shared<std::string>(kAddress);
  auto delivery = std::make_shared<DeliveryOptions>();
  CLI::App* watch = AddCommand(line, "etcd-watch", "From the start of a put to the event of a watch",
                               [=] { return MeasureWatch(*address, *delivery); });
  watch->add_option("--address", *address, "etcd, HOST:PORT");
  AddDeliveryFlags(watch, *delivery);
}

}  // namespace signalbox::bench
