#ifndef SIGNALBOX_VALUE_H
#define SIGNALBOX_VALUE_H

#include <cstddef>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace signalbox {

/// What a message carries: null, a bool, a number, a string, a list or an object of these.
///
/// Numbers are IEEE 754 doubles, as in JSON: integers are exact up to 2^53. Strings are UTF-8 and
/// may hold any code point, U+0000 included. The server refuses more than 64 KiB serialized, more
/// than 32 lists and objects around a scalar, and numbers that are not finite.
///
/// A regular type: copies are deep, a moved-from value may only be assigned to or destroyed.
/// Distinct objects may be used from distinct threads.
class Value {
 public:
  using List = std::vector<Value>;
  using Object = std::map<std::string, Value, std::less<>>;

  // Not explicit, so that a value is written as 0.001 or "text". NOLINTBEGIN(google-explicit-constructor)
  Value() = default;  // null
  Value(std::nullptr_t) {}
  Value(bool value) : data_(value) {}
  Value(double value) : data_(value) {}
  Value(int value) : data_(static_cast<double>(value)) {}
  Value(const char* value) : data_(std::string(value)) {}
  Value(std::string_view value) : data_(std::string(value)) {}
  Value(std::string value) : data_(std::move(value)) {}
  Value(List value) : data_(std::move(value)) {}
  Value(Object value) : data_(std::move(value)) {}
  // NOLINTEND(google-explicit-constructor)

  bool is_null() const { return std::holds_alternative<std::monostate>(data_); }

  /// Each returns the content, or null when the value is of another type.
  const bool* as_bool() const { return std::get_if<bool>(&data_); }
  const double* as_number() const { return std::get_if<double>(&data_); }
  const std::string* as_string() const { return std::get_if<std::string>(&data_); }
  const List* as_list() const { return std::get_if<List>(&data_); }
  const Object* as_object() const { return std::get_if<Object>(&data_); }

  /// The value as one line of JSON. Numbers are printed with the fewest digits that read back to
  /// the same double; keys of objects are sorted; a number that is not finite prints as null.
  std::string ToJson() const;

  friend bool operator==(const Value& a, const Value& b) { return a.data_ == b.data_; }
  friend bool operator!=(const Value& a, const Value& b) { return !(a == b); }

 private:
  std::variant<std::monostate, bool, double, std::string, List, Object> data_;
};

}  // namespace signalbox

#endif  // SIGNALBOX_VALUE_H
