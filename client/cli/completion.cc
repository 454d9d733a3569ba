#include "cli/completion.h"

#include <memory>
#include <string>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/str_replace.h"
#include "cli/choices.h"
#include "cli/command.h"

namespace signalbox::cli {
namespace {

// Three shell functions that both shells understand, each a table over the commands. A command is
// written as its words joined by blanks, "run create"; the program itself is "".
//   _signalbox_words COMMAND          what may follow, other than flags
//   _signalbox_flags COMMAND          its flags
//   _signalbox_values COMMAND FLAG    what the flag takes: words, "FILE", or nothing that can be
//                                     completed; status 1 when it takes no word of its own
struct Tables {
  std::string words;
  std::string flags;
  std::string values;
};

// What to offer for an argument, from its type.
std::string WordsOf(const CLI::Option& option) {
  std::string type = option.get_type_name();
  if (type == "FILE") return type;
  if (type.find('|') == std::string::npos) return "";
  return absl::StrReplaceAll(type, {{"|", " "}});
}

std::string CaseOf(const std::string& pattern, const std::string& words) {
  return "    " + pattern + ") echo \"" + words + "\" ;;\n";
}

void AddToTables(const CLI::App& app, const std::string& path, const std::string& inherited, Tables& tables) {
  std::vector<std::string> words;
  std::vector<std::string> flags;
  // The program's flags are accepted by every command.
  const std::string pattern = path.empty() ? "*\" " : "\"" + path + " ";
  std::string values;
  for (const CLI::Option* option : app.get_options()) {
    if (option->get_positional() && !WordsOf(*option).empty()) words.push_back(WordsOf(*option));
    for (const std::string& name : option->get_lnames()) {
      // Each command has a help flag of its own.
      if (path.empty() || option != app.get_help_ptr()) flags.push_back("--" + name);
      const bool optional = option->get_items_expected_min() == 0;
      if (optional && WordsOf(*option).empty()) continue;
      // An optional word must follow a "=", so the flag alone waits for none.
      values += CaseOf(absl::StrCat(pattern, "--", name, optional ? "=\"" : "\""), WordsOf(*option));
    }
  }
  const std::string own = absl::StrJoin(flags, " ");
  for (const CLI::App* command : app.get_subcommands([](const CLI::App*) { return true; })) {
    words.push_back(command->get_name());
    const std::string name =
        path.empty() ? command->get_name() : absl::StrCat(path, " ", command->get_name());
    AddToTables(*command, name, path.empty() ? own : inherited, tables);
  }
  tables.words += CaseOf("\"" + path + "\"", absl::StrJoin(words, " "));
  tables.flags += CaseOf("\"" + path + "\"", inherited.empty() ? own : own + " " + inherited);
  tables.values += values;  // After those of the commands, which may have a flag of the same name.
}

std::string Function(const std::string& name, const std::string& subject, const std::string& cases,
                     const std::string& otherwise) {
  return name + "() {\n  case " + subject + " in\n" + cases + otherwise + "  esac\n}\n";
}

std::string SharedFunctions(const CLI::App& app) {
  Tables tables;
  AddToTables(app, "", "", tables);
  return Function("_signalbox_words", "\"$1\"", tables.words, "") +
         Function("_signalbox_flags", "\"$1\"", tables.flags, "") +
         Function("_signalbox_values", "\"$1 $2\"", tables.values, "    *) return 1 ;;\n");
}

constexpr char kBashDriver[] = R"sh(_signalbox() {
  local cur="${COMP_WORDS[COMP_CWORD]}" command="" flag="" last="" word i
  # "flag" is the flag whose word comes next. Bash makes three words of --flag=word.
  for ((i = 1; i < COMP_CWORD; i++)); do
    word="${COMP_WORDS[i]}"
    if [[ $word == "=" ]]; then
      flag="$last"
      _signalbox_values "$command" "$last=" >/dev/null && flag="$last="
    elif [[ -n $flag ]]; then
      flag=""
    elif [[ $word == -* ]]; then
      last="$word"
      _signalbox_values "$command" "$word" >/dev/null && flag="$word"
    elif [[ " $(_signalbox_words "$command") " == *" $word "* ]]; then
      command="${command:+$command }$word"
    fi
  done
  if [[ $cur == "=" ]]; then
    cur=""
    flag="$last"
    _signalbox_values "$command" "$last=" >/dev/null && flag="$last="
  fi
  local words
  if [[ -n $flag ]]; then
    words="$(_signalbox_values "$command" "$flag")"
    if [[ $words == FILE ]]; then
      compopt -o filenames 2>/dev/null || :
      mapfile -t COMPREPLY < <(compgen -f -- "$cur")
      return
    fi
  elif [[ $cur == -* ]]; then
    words="$(_signalbox_flags "$command")"
  else
    words="$(_signalbox_words "$command")"
  fi
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$cur")
}
complete -F _signalbox signalbox
)sh";

constexpr char kZshDriver[] = R"sh(_signalbox() {
  local command="" flag="" word i
  for ((i = 2; i < CURRENT; i++)); do
    word="${words[i]}"
    if [[ -n $flag ]]; then
      flag=""
    elif [[ $word == -* ]]; then
      _signalbox_values "$command" "$word" >/dev/null && flag="$word"
    elif [[ " $(_signalbox_words "$command") " == *" $word "* ]]; then
      command="${command:+$command }$word"
    fi
  done
  local cur="${words[CURRENT]}"
  if [[ -z $flag && $cur == --*=* ]]; then
    flag="${cur%%=*}"
    _signalbox_values "$command" "$flag=" >/dev/null && flag="$flag="
    compset -P '*='
  fi
  local found
  if [[ -n $flag ]]; then
    found="$(_signalbox_values "$command" "$flag")"
    if [[ $found == FILE ]]; then
      _files
      return
    fi
  elif [[ $cur == -* ]]; then
    found="$(_signalbox_flags "$command")"
  else
    found="$(_signalbox_words "$command")"
  fi
  compadd -- ${=found}
}
if [[ ${funcstack[1]-} == _signalbox ]]; then
  _signalbox "$@"
else
  compdef _signalbox signalbox
fi
)sh";

struct CompletionFlags {
  const CLI::App* app = nullptr;
  std::string shell;
};

absl::StatusOr<ExitCode> Completion(const CompletionFlags& flags, Context& context) {
  context.output().Block(flags.shell == "bash" ? BashCompletion(*flags.app) : ZshCompletion(*flags.app));
  return ExitCode::kOk;
}

}  // namespace

std::string BashCompletion(const CLI::App& app) {
  return "# Completion of signalbox for bash; load it with: source <(signalbox completion bash)\n" +
         SharedFunctions(app) + kBashDriver;
}

std::string ZshCompletion(const CLI::App& app) {
  return "#compdef signalbox\n# Load it with: source <(signalbox completion zsh), after compinit; or save it "
         "as _signalbox in a folder of fpath.\n" +
         SharedFunctions(app) + kZshDriver;
}

void AddCompletionCommand(CLI::App& app, Action& selected) {
  auto flags = std::make_shared<CompletionFlags>();
  flags->app = &app;
  CLI::App* command = AddCommand(app, "completion", "Print a script that completes commands and flags",
                                 "source <(signalbox completion bash)");
  CLI::Option* shell = command->add_option("shell", flags->shell, "Which shell");
  LimitToChoices(shell, {"bash", "zsh"});
  shell->required();
  OnSelected(command, flags, selected, Completion);
}

}  // namespace signalbox::cli
