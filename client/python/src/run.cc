#include "signalbox/run.h"

#include <pybind11/stl.h>

#include <string>

#include "conversion.h"
#include "enums.h"
#include "errors.h"
#include "run.h"
#include "signalbox/options.h"
#include "value.h"

namespace signalbox::python {

namespace py = pybind11;

namespace {

void BindRunRef(py::module_& module) {
  py::class_<RunRef>(module, "RunRef")
      .def(py::init([](const py::object& id, const py::object& project, int64_t rank) {
             return RunRef{TextFrom("run", id), TextFrom("project", project), rank};
           }),
           py::arg("id") = "", py::arg("project") = "", py::arg("rank") = 0)
      .def_readonly("id", &RunRef::id)
      .def_readonly("project", &RunRef::project)
      .def_readonly("rank", &RunRef::rank);
  module.def("run_from_environment", [] { return ValueOrRaise(RunFromEnvironment()); });
}

void BindKeyDeclaration(py::module_& module) {
  py::class_<KeyDeclaration>(module, "KeyDeclaration",
                             "A key that a run listens to: `key`, `kind` (a Kind) and `description`.")
      .def(py::init([](const py::object& key, const py::object& kind, const py::object& description) {
             return KeyDeclaration{TextFrom("key", key), KindFrom("kind", kind),
                                   TextFrom("description", description)};
           }),
           py::arg("key"), py::kw_only(), py::arg("kind") = py::none(), py::arg("description") = "")
      .def_readonly("key", &KeyDeclaration::key)
      .def_property_readonly("kind", [](const KeyDeclaration& d) { return ToPython(d.kind); })
      .def_readonly("description", &KeyDeclaration::description)
      .def("__repr__", [](const KeyDeclaration& d) {
        return py::str("<signalbox.KeyDeclaration {}, {}>").format(d.key, std::string(ToString(d.kind)));
      });
}

}  // namespace

void BindRun(py::module_& module) {
  BindRunRef(module);
  BindKeyDeclaration(module);
  py::class_<Run>(module, "RunInfo", "What the server knows of a run, as it was when asked.")
      .def_readonly("id", &Run::id)
      .def_readonly("project", &Run::project)
      .def_readonly("rank", &Run::rank, "Number in the project: 1, 2, 3, ...")
      .def_readonly("title", &Run::title)
      .def_readonly("labels", &Run::labels)
      .def_property_readonly("state", [](const Run& run) { return ToPython(run.state); })
      .def_property_readonly("outcome", [](const Run& run) { return ToPython(run.outcome); })
      .def_property_readonly("create_time", [](const Run& run) { return ToPython(run.create_time); })
      .def_property_readonly("end_time", [](const Run& run) { return ToPython(run.end_time); })
      .def_readonly("head_sequence", &Run::head_sequence, "Sequence of the newest message, or 0.")
      .def_readonly("pending_count", &Run::pending_count)
      .def_readonly("keys", &Run::keys, "The declared keys, a list of KeyDeclaration.")
      .def("__repr__", [](const Run& run) {
        return py::str("<signalbox.RunInfo {}, {} #{}, {}>")
            .format(run.id, run.project, run.rank, std::string(ToString(run.state)));
      });
}

}  // namespace signalbox::python
