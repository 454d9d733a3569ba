#include "small_server.h"

#include <grpcpp/server_builder.h>

#include <chrono>
#include <string>
#include <vector>

namespace signalbox {

SmallServer::SmallServer() { Start(); }
SmallServer::~SmallServer() { Stop(); }

void SmallServer::Start() {
  is_stopping_ = false;
  grpc::ServerBuilder builder;
  builder.AddListeningPort("127.0.0.1:" + std::to_string(port_), grpc::InsecureServerCredentials(), &port_);
  builder.AddChannelArgument(GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, 5000);
  builder.AddChannelArgument(GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);
  builder.RegisterService(static_cast<v1::MessageService::Service*>(this));
  builder.RegisterService(static_cast<v1::RunService::Service*>(this));
  server_ = builder.BuildAndStart();
}

void SmallServer::Stop() {
  if (server_ == nullptr) return;
  {
    const std::scoped_lock lock(mu_);
    is_stopping_ = true;
  }
  changed_.notify_all();
  server_->Shutdown(std::chrono::system_clock::now());
  server_.reset();
}

std::string SmallServer::address() const { return "127.0.0.1:" + std::to_string(port_); }

std::string SmallServer::Publish(const std::string& key, double value) {
  const std::scoped_lock lock(mu_);
  v1::Message message;
  message.set_sequence(static_cast<int64_t>(messages_.size()) + 1);
  message.set_id("m" + std::to_string(message.sequence()));
  message.set_key(key);
  message.mutable_value()->set_number_value(value);
  message.set_state(v1::MESSAGE_STATE_PENDING);
  messages_[message.id()] = message;
  changes_.push_back({false, message});
  changed_.notify_all();
  return message.id();
}

void SmallServer::Withdraw(const std::string& id) {
  const std::scoped_lock lock(mu_);
  SetState(id, v1::MESSAGE_STATE_CANCELLED, "");
}

void SmallServer::EndRun() {
  const std::scoped_lock lock(mu_);
  has_ended_ = true;
  changed_.notify_all();
}

v1::AckRequest SmallServer::LastAck() const {
  const std::scoped_lock lock(mu_);
  return last_ack_;
}

std::string SmallServer::StateOf(const std::string& id) const {
  const std::scoped_lock lock(mu_);
  return v1::MessageState_Name(messages_.at(id).state());
}

void SmallServer::SetState(const std::string& id, v1::MessageState state, const std::string& consumer) {
  v1::Message& message = messages_[id];
  const bool was_pending = message.state() == v1::MESSAGE_STATE_PENDING;
  message.set_state(state);
  message.set_consumer(consumer);
  if (was_pending) changes_.push_back({true, message});
  changed_.notify_all();
}

grpc::Status SmallServer::GetAll(grpc::ServerContext*, const v1::GetAllRequest* request,
                                 v1::GetAllResponse* response) {
  ++get_all_calls;
  // One message a page, so that paging is used too.
  const int64_t after = request->page_token().empty() ? 0 : std::stoll(request->page_token());
  const std::scoped_lock lock(mu_);
  const v1::Message* next = nullptr;
  for (const auto& [id, message] : messages_) {
    const bool is_candidate = message.state() == v1::MESSAGE_STATE_PENDING && message.sequence() > after;
    if (is_candidate && (next == nullptr || message.sequence() < next->sequence())) next = &message;
  }
  if (next == nullptr) return grpc::Status::OK;
  *response->add_messages() = *next;
  response->set_next_page_token(std::to_string(next->sequence()));
  return grpc::Status::OK;
}

grpc::Status SmallServer::Ack(grpc::ServerContext*, const v1::AckRequest* request,
                              v1::AckResponse* response) {
  ++ack_calls;
  const std::scoped_lock lock(mu_);
  last_ack_ = *request;
  for (const std::string& id : request->message_ids()) {
    if (messages_.count(id) == 0) return {grpc::StatusCode::NOT_FOUND, "no such message"};
  }
  for (const std::string& id : request->message_ids()) {
    v1::Message& message = messages_[id];
    const bool is_free = message.state() == v1::MESSAGE_STATE_PENDING;
    if (is_free || message.consumer() == request->consumer()) {
      SetState(id,
               request->outcome() == v1::ACK_OUTCOME_UNSPECIFIED ? v1::MESSAGE_STATE_ACKED
               : request->outcome() == v1::ACK_OUTCOME_APPLIED   ? v1::MESSAGE_STATE_APPLIED
                                                                 : v1::MESSAGE_STATE_FAILED,
               request->consumer());
    }
    v1::AckResult* result = response->add_results();
    result->set_message_id(id);
    result->set_claimed(message.consumer() == request->consumer());
    *result->mutable_message() = message;
  }
  if (loses_ack_answers.exchange(false)) return {grpc::StatusCode::UNAVAILABLE, "lost"};
  return grpc::Status::OK;
}

grpc::Status SmallServer::Subscribe(grpc::ServerContext* context, const v1::SubscribeRequest* request,
                                    grpc::ServerWriter<v1::SubscribeResponse>* writer) {
  if (!knows_subscribe) return {grpc::StatusCode::UNIMPLEMENTED, "old"};
  if (refuses_cursors && !request->cursor().empty()) return {grpc::StatusCode::OUT_OF_RANGE, "pruned"};
  ++streams;
  std::size_t told = request->cursor().empty() ? 0 : std::stoul(request->cursor());
  auto next_progress = std::chrono::steady_clock::now();
  while (!context->IsCancelled()) {
    std::unique_lock lock(mu_);
    changed_.wait_for(lock, std::chrono::milliseconds(20));
    if (is_stopping_) return {grpc::StatusCode::UNAVAILABLE, "draining"};
    if (is_mute) continue;
    std::vector<v1::SubscribeResponse> events;
    for (; told < changes_.size(); ++told) {
      const Change& change = changes_[told];
      v1::SubscribeResponse event;
      if (change.is_withdrawal) {
        event.mutable_withdrawn()->set_message_id(change.message.id());
        event.mutable_withdrawn()->set_state(change.message.state());
      } else if (messages_[change.message.id()].state() == v1::MESSAGE_STATE_PENDING) {
        *event.mutable_message() = change.message;
      } else {
        continue;
      }
      events.push_back(event);
    }
    const auto now = std::chrono::steady_clock::now();
    if (!events.empty() || now >= next_progress) {
      next_progress = now + std::chrono::seconds(1);
      v1::Progress* progress = events.emplace_back().mutable_progress();
      progress->set_cursor(std::to_string(told));
      progress->set_head_sequence(static_cast<int64_t>(messages_.size()));
      progress->set_synced(true);
    }
    if (has_ended_) events.emplace_back().mutable_run_ended()->set_outcome(v1::RUN_OUTCOME_STOPPED);
    const bool is_over = has_ended_;
    lock.unlock();
    for (const v1::SubscribeResponse& event : events) {
      if (!writer->Write(event)) return grpc::Status::OK;
    }
    if (is_over) return grpc::Status::OK;
  }
  return grpc::Status::OK;
}

grpc::Status SmallServer::DeclareKeys(grpc::ServerContext*, const v1::DeclareKeysRequest* request,
                                      v1::DeclareKeysResponse*) {
  declared_keys = request->keys_size();
  return grpc::Status::OK;
}

}  // namespace signalbox
