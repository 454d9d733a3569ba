# Writes OUTPUT, a C++ source that holds every file of the folder MIGRATIONS named NNNN_<name>.sql.
file(GLOB files ${MIGRATIONS}/[0-9][0-9][0-9][0-9]_*.sql)
list(SORT files)
set(entries "")
foreach(file ${files})
  get_filename_component(name ${file} NAME_WE)
  string(SUBSTRING ${name} 0 4 version)
  math(EXPR version "1${version} - 10000")
  file(READ ${file} text)
  string(APPEND entries "    {${version}, \"${name}\", R\"_sql_(${text})_sql_\"},\n")
endforeach()
file(WRITE ${OUTPUT}.new "// Made from migrations/ by embed_migrations.cmake.
#include \"service/postgres/migrator.h\"

namespace signalbox::service {

absl::Span<const Migration> EmbeddedMigrations() {
  static constexpr Migration kMigrations[] = {
${entries}  };
  return kMigrations;
}

}  // namespace signalbox::service
")
file(RENAME ${OUTPUT}.new ${OUTPUT})
