#ifndef SIGNALBOX_CLI_TABLE_H
#define SIGNALBOX_CLI_TABLE_H

#include <cstddef>
#include <string>
#include <vector>

namespace signalbox::cli {

/// Rows of text under a header, in columns that are two blanks apart.
///
/// Cells pass Printable(), so each row is one line; an empty cell shows as "-". A column with a width
/// above 0 cuts longer cells to it.
class Table {
 public:
  struct Column {
    std::string name;
    std::size_t max_width = 0;  ///< 0: never cut.
  };

  explicit Table(std::vector<Column> columns) : columns_(std::move(columns)) {}

  /// Takes one cell for each column.
  void AddRow(std::vector<std::string> cells);

  /// Header and rows, each ending with a newline and without trailing blanks.
  std::string Render() const;

 private:
  std::vector<Column> columns_;
  std::vector<std::vector<std::string>> rows_;
};

}  // namespace signalbox::cli

#endif  // SIGNALBOX_CLI_TABLE_H
