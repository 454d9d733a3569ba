#include "cli/output.h"

#include "cli/printable.h"

namespace signalbox::cli {

void Output::Line(std::string_view text) { out_ << Printable(text) << '\n' << std::flush; }

void Output::Block(std::string_view text) { out_ << text << std::flush; }

void Output::Document(const OrderedJson& json) {
  out_ << JsonText(json, style_.terminal ? JsonLayout::kPretty : JsonLayout::kOneLine) << '\n' << std::flush;
}

void Output::DocumentLine(const OrderedJson& json) {
  out_ << JsonText(json, JsonLayout::kOneLine) << '\n' << std::flush;
}

void Output::Note(std::string_view text) { err_ << "signalbox: " << Printable(text) << '\n' << std::flush; }

}  // namespace signalbox::cli
