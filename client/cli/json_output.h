#ifndef SIGNALBOX_CLI_JSON_OUTPUT_H
#define SIGNALBOX_CLI_JSON_OUTPUT_H

#include <string>
#include <vector>

#include "nlohmann/json.hpp"
#include "signalbox/client.h"

namespace signalbox::cli {

/// What --json prints. Fields have the names of the protocol (run_id, create_time), in its order, and
/// are always there, but for `reply`, which is absent when there is none, as null is a reply too.
/// Enums are short names ("PENDING"), sequences, ranks and steps are numbers, times are RFC 3339 in
/// UTC or null.
using OrderedJson = nlohmann::ordered_json;

OrderedJson ToJson(const Value& value);
OrderedJson ToJson(const Message& message);
OrderedJson ToJson(const Run& run);
OrderedJson ToJson(const KeyDeclaration& declaration);
OrderedJson ToJson(const AckResult& result);
OrderedJson ToJson(const WatchEvent& event);

template <typename Element>
OrderedJson ToJson(const std::vector<Element>& elements) {
  OrderedJson list = OrderedJson::array();
  for (const Element& element : elements) list.push_back(ToJson(element));
  return list;
}

enum class JsonLayout { kOneLine, kPretty };

/// `json` as text that is safe to show, without a final newline.
std::string JsonText(const OrderedJson& json, JsonLayout layout);

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_JSON_OUTPUT_H
