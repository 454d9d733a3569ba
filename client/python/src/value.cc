#include "value.h"

#include <cmath>
#include <cstdint>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "errors.h"

namespace signalbox::python {
namespace {

// The server's limit. Looked at here too, because a list may hold itself.
constexpr int kMaxDepth = 32;
constexpr int64_t kMaxInt = int64_t{1} << 53;

[[noreturn]] void Refuse(const char* field, const std::string& problem) {
  Raise(absl::InvalidArgumentError(absl::StrCat(field, ": ", problem)));
}

std::string TypeName(py::handle object) { return Py_TYPE(object.ptr())->tp_name; }

Value FromInt(const char* field, py::handle number) {
  int overflow = 0;
  const int64_t value = PyLong_AsLongLongAndOverflow(number.ptr(), &overflow);
  if (overflow != 0 || value > kMaxInt || value < -kMaxInt) {
    Refuse(field, "numbers hold integers exactly up to 2^53; send this one as a string");
  }
  return static_cast<double>(value);
}

Value FromFloat(const char* field, double number) {
  if (!std::isfinite(number)) Refuse(field, "numbers must be finite");
  return number;
}

Value From(const char* field, py::handle object, int depth);

// Elements are held and asked for one by one: converting one may run code that changes the list.
Value FromSequence(const char* field, const py::sequence& sequence, int depth) {
  Value::List list;
  std::size_t i = 0;
  while (i < sequence.size()) {
    const py::object item = sequence[i++];
    list.push_back(From(field, item, depth + 1));
  }
  return list;
}

Value FromDict(const char* field, py::handle dict, int depth) {
  Value::Object object;
  const auto items = py::reinterpret_steal<py::list>(PyDict_Items(dict.ptr()));
  for (const py::handle item : items) {
    const auto pair = py::reinterpret_borrow<py::tuple>(item);
    if (!PyUnicode_Check(pair[0].ptr())) {
      Refuse(field, absl::StrCat("the keys of a dict must be str, not ", TypeName(pair[0])));
    }
    object[TextFrom(field, pair[0])] = From(field, pair[1], depth + 1);
  }
  return object;
}

// Numbers of other libraries. `result` is what their method gave; what it raises is no news to the
// caller, who is told which type it was.
Value FromOther(const char* field, py::handle object) {
  const PyNumberMethods* const number = Py_TYPE(object.ptr())->tp_as_number;
  const std::string type = TypeName(object);
  if (type == "numpy.bool" || type == "numpy.bool_") return PyObject_IsTrue(object.ptr()) == 1;
  if (number != nullptr && number->nb_index != nullptr) {
    const auto result = py::reinterpret_steal<py::object>(PyNumber_Index(object.ptr()));
    if (result) return FromInt(field, result);
    PyErr_Clear();
  }
  if (number != nullptr && number->nb_float != nullptr) {
    const auto result = py::reinterpret_steal<py::object>(PyNumber_Float(object.ptr()));
    if (result) return FromFloat(field, PyFloat_AS_DOUBLE(result.ptr()));
    PyErr_Clear();
  }
  Refuse(field, absl::StrCat("a ", type, " cannot be sent; None, bool, int, float, str, list and dict can"));
}

Value From(const char* field, py::handle object, int depth) {
  PyObject* const raw = object.ptr();
  if (object.is_none()) return {};
  if (PyBool_Check(raw)) return raw == Py_True;
  if (PyUnicode_Check(raw)) return TextFrom(field, object);
  if (PyLong_Check(raw)) return FromInt(field, object);
  if (PyFloat_Check(raw)) return FromFloat(field, PyFloat_AS_DOUBLE(raw));
  const bool is_sequence = PyList_Check(raw) || PyTuple_Check(raw);
  if (!is_sequence && !PyDict_Check(raw)) return FromOther(field, object);
  if (depth >= kMaxDepth) Refuse(field, "more than 32 lists and objects in one another");
  if (is_sequence) return FromSequence(field, py::reinterpret_borrow<py::sequence>(object), depth);
  return FromDict(field, object, depth);
}

py::object Number(double number) {
  const bool is_negative_zero = number == 0 && std::signbit(number);
  if (std::trunc(number) == number && std::abs(number) <= static_cast<double>(kMaxInt) && !is_negative_zero) {
    return py::int_(static_cast<int64_t>(number));
  }
  return py::float_(number);
}

}  // namespace

Value ValueFrom(const char* field, py::handle object) { return From(field, object, 0); }

std::string TextFrom(const char* field, py::handle text) {
  if (!PyUnicode_Check(text.ptr())) Refuse(field, absl::StrCat("a str is expected, not ", TypeName(text)));
  py::ssize_t size = 0;
  const char* bytes = PyUnicode_AsUTF8AndSize(text.ptr(), &size);
  if (bytes == nullptr) {
    PyErr_Clear();
    Refuse(field, "the text holds a lone surrogate, which UTF-8 cannot hold");
  }
  return {bytes, static_cast<std::size_t>(size)};
}

std::vector<std::string> TextsFrom(const char* field, const py::list& texts) {
  std::vector<std::string> result;
  for (const py::handle text : texts) result.push_back(TextFrom(field, text));
  return result;
}

std::map<std::string, std::string> TextsFrom(const char* field, const py::dict& texts) {
  std::map<std::string, std::string> result;
  for (const auto& [name, text] : texts) result[TextFrom(field, name)] = TextFrom(field, text);
  return result;
}

py::object ToPython(const Value& value) {
  if (const bool* flag = value.as_bool()) return py::bool_(*flag);
  if (const double* number = value.as_number()) return Number(*number);
  if (const std::string* text = value.as_string()) return py::str(*text);
  if (const Value::List* list = value.as_list()) {
    py::list result(list->size());
    for (std::size_t i = 0; i < list->size(); ++i) result[i] = ToPython((*list)[i]);
    return result;
  }
  if (const Value::Object* object = value.as_object()) {
    py::dict result;
    for (const auto& [key, item] : *object) result[py::str(key)] = ToPython(item);
    return result;
  }
  return py::none();
}

}  // namespace signalbox::python
