#include "cli/table.h"

#include <algorithm>
#include <utility>

#include "cli/printable.h"

namespace signalbox::cli {
namespace {

void AppendLine(const std::vector<std::string>& cells, const std::vector<std::size_t>& widths,
                std::string& out) {
  std::string line;
  for (std::size_t i = 0; i < cells.size(); ++i) {
    line += cells[i];
    line.append(widths[i] - DisplayWidth(cells[i]) + 2, ' ');
  }
  line.erase(line.find_last_not_of(' ') + 1);
  out += line + "\n";
}

}  // namespace

void Table::AddRow(std::vector<std::string> cells) {
  cells.resize(columns_.size());
  for (std::size_t i = 0; i < cells.size(); ++i) {
    cells[i] = cells[i].empty() ? "-" : Printable(cells[i]);
    if (columns_[i].max_width > 0) cells[i] = Truncated(cells[i], columns_[i].max_width);
  }
  rows_.push_back(std::move(cells));
}

std::string Table::Render() const {
  std::vector<std::string> header;
  std::vector<std::size_t> widths;
  for (const Column& column : columns_) {
    header.push_back(column.name);
    widths.push_back(DisplayWidth(column.name));
  }
  for (const auto& row : rows_) {
    for (std::size_t i = 0; i < row.size(); ++i) widths[i] = std::max(widths[i], DisplayWidth(row[i]));
  }
  std::string out;
  AppendLine(header, widths, out);
  for (const auto& row : rows_) AppendLine(row, widths, out);
  return out;
}

}  // namespace signalbox::cli
