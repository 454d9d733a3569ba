#include "cli/value_argument.h"

#include <cmath>
#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/string_view.h"
#include "cli/utf8.h"
#include "nlohmann/json.hpp"

namespace signalbox::cli {
namespace {

using Json = nlohmann::json;

constexpr uint64_t kLargestExact = uint64_t{1} << 53;
constexpr std::size_t kMaxDepth = 32;
constexpr int kNumberOverflow = 406;  // nlohmann's id of "number overflow".

// Builds a Value while nlohmann parses, because only the parser's events tell an integer from a
// float and show the digits as written. What it refuses it notes and then only watches the syntax:
// "9007199254740993 apples" is not JSON and hence a fine string.
class ValueBuilder : public nlohmann::json_sax<Json> {
 public:
  explicit ValueBuilder(std::size_t max_depth) : max_depth_(max_depth) {}

  bool null() override { return Add(Value()); }
  bool boolean(bool value) override { return Add(Value(value)); }
  bool number_integer(number_integer_t value) override {
    const uint64_t magnitude = value < 0 ? uint64_t{0} - static_cast<uint64_t>(value) : value;
    if (magnitude > kLargestExact) return RefuseInteger(std::to_string(value));
    if (value == 0) return Add(Value(-0.0));  // Without a sign it is an unsigned number.
    return Add(Value(static_cast<double>(value)));
  }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > kLargestExact) return RefuseInteger(std::to_string(value));
    return Add(Value(static_cast<double>(value)));
  }
  bool number_float(number_float_t value, const string_t& digits) override {
    // Integers that fit no 64 bits arrive here as floats.
    const bool integer = digits.find_first_of(".eE") == string_t::npos;
    if (integer && std::abs(value) > static_cast<double>(kLargestExact)) return RefuseInteger(digits);
    return Add(Value(value));
  }
  bool string(string_t& value) override { return Add(Value(std::move(value))); }
  bool binary(binary_t&) override { return false; }
  bool start_object(std::size_t) override { return Open(Level{.is_object = true}); }
  bool start_array(std::size_t) override { return Open(Level{.is_object = false}); }
  bool key(string_t& key) override {
    if (!refusal_.empty()) return true;
    if (open_.back().object.contains(key)) {
      return Refuse(absl::StrCat("names the key \"", key, "\" twice in one object"));
    }
    open_.back().key = std::move(key);
    return true;
  }
  bool end_object() override { return Close(); }
  bool end_array() override { return Close(); }
  bool parse_error(std::size_t position, const std::string& token, const Json::exception& error) override {
    const bool overflow = error.id == kNumberOverflow;
    if (overflow) Refuse(absl::StrCat("holds ", token, ", beyond the largest number; send it as a string"));
    is_json_ = overflow;
    error_position_ = position;
    return false;
  }

  bool is_json() const { return is_json_; }
  std::size_t error_position() const { return error_position_; }  // counted from 1

  // The value, or what was refused, said of `name`.
  absl::StatusOr<Value> Take(absl::string_view name) {
    if (refusal_.empty()) return std::move(result_);
    return absl::InvalidArgumentError(absl::StrCat(name, " ", refusal_));
  }

 private:
  // A list or object whose end is still to come.
  struct Level {
    bool is_object = false;
    Value::Object object = {};
    Value::List list = {};
    std::string key = {};
  };

  bool Add(Value value) {
    if (!refusal_.empty()) return true;
    if (open_.empty()) {
      result_ = std::move(value);
    } else if (open_.back().is_object) {
      open_.back().object.emplace(std::move(open_.back().key), std::move(value));
    } else {
      open_.back().list.push_back(std::move(value));
    }
    return true;
  }
  bool Open(Level level) {
    if (!refusal_.empty()) return true;
    if (open_.size() == max_depth_) {
      return Refuse(absl::StrCat("holds more than ", max_depth_, " lists and objects within each other"));
    }
    open_.push_back(std::move(level));
    return true;
  }
  bool Close() {
    if (!refusal_.empty()) return true;
    Level level = std::move(open_.back());
    open_.pop_back();
    return Add(level.is_object ? Value(std::move(level.object)) : Value(std::move(level.list)));
  }
  // Notes the first reason; true, so that the parser goes on.
  bool Refuse(std::string why) {
    if (refusal_.empty()) refusal_ = std::move(why);
    return true;
  }
  bool RefuseInteger(const std::string& digits) {
    return Refuse(absl::StrCat("holds ", digits, ", beyond 2^53, where numbers are no longer exact; send it ",
                               "as a string: '\"", digits, "\"'"));
  }

  const std::size_t max_depth_;
  bool is_json_ = true;
  std::size_t error_position_ = 0;
  std::vector<Level> open_;
  Value result_;
  std::string refusal_;
};

}  // namespace

absl::StatusOr<Value> ParseValueArgument(std::string_view flag, const std::string& text) {
  const absl::string_view name(flag.data(), flag.size());
  if (!IsUtf8(text)) return absl::InvalidArgumentError(absl::StrCat(name, " is not valid UTF-8"));
  ValueBuilder builder(kMaxDepth);
  Json::sax_parse(text, &builder);
  if (!builder.is_json()) return Value(text);
  return builder.Take(name);
}

absl::StatusOr<Value> ParseJsonLine(const std::string& line) {
  if (!IsUtf8(line)) return absl::InvalidArgumentError("the line is not valid UTF-8");
  ValueBuilder builder(kMaxDepth + 1);
  Json::sax_parse(line, &builder);
  if (builder.is_json()) return builder.Take("the line");
  return absl::InvalidArgumentError(
      absl::StrCat("the line is not JSON, as byte ", builder.error_position(), " shows"));
}

}  // namespace signalbox::cli
