// signalbox._core: the C++ library as Python sees it. Types and the GIL only; what else the package
// does is in its Python modules.

#include <pybind11/pybind11.h>
#include <pybind11/stl.h>

#include <string>
#include <vector>

#include "cli/program.h"
#include "client.h"
#include "inbox.h"
#include "message.h"
#include "run.h"
#include "without_gil.h"

namespace signalbox::python {
namespace {

// The command line; `arguments` begin with the program's name.
int RunProgram(std::vector<std::string> arguments) {
  std::vector<char*> argv;
  argv.reserve(arguments.size() + 1);
  for (std::string& argument : arguments) argv.push_back(argument.data());
  argv.push_back(nullptr);
  return WithoutGil([&] { return cli::Main(static_cast<int>(arguments.size()), argv.data()); });
}

}  // namespace
}  // namespace signalbox::python

PYBIND11_MODULE(_core, module) {
  signalbox::python::BindMessage(module);
  signalbox::python::BindRun(module);
  signalbox::python::BindClient(module);
  signalbox::python::BindInbox(module);
  module.def("main", &signalbox::python::RunProgram);
}
