#!/usr/bin/env bash
# Completes lines as bash does: completion_test.bash PROGRAM
set -euo pipefail

program=$1
failures=0
# shellcheck source=/dev/null
source <("$program" completion bash)

# expect "LINE" "WORDS": what completes the last word of the line, sorted; "" after a trailing blank.
expect() {
  local line=$1 wanted=$2 got
  # Bash splits a line for completion also at "=".
  read -ra COMP_WORDS <<<"${line//=/ = }"
  if [[ $line == *" " ]]; then COMP_WORDS+=(""); fi
  COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
  COMPREPLY=()
  _signalbox
  got=$(printf '%s\n' "${COMPREPLY[@]}" | sort | paste -sd' ')
  if [[ $got != "$wanted" ]]; then
    echo "\"$line\" completes to \"$got\" instead of \"$wanted\"" >&2
    failures=$((failures + 1))
  fi
}

expect "signalbox pub" "publish"
expect "signalbox get" "get get-all"
expect "signalbox run " "create end list show"
expect "signalbox --json run sh" "show"
expect "signalbox --address publish ge" "get get-all"
expect "signalbox publish --ki" "--kind"
expect "signalbox publish --kind " "command setting"
expect "signalbox publish --kind se" "setting"
expect "signalbox publish --kind=" "command setting"
expect "signalbox publish --kind=c" "command"
expect "signalbox publish --wait=" "acked finished"
expect "signalbox publish --wait --wait-t" "--wait-timeout"
expect "signalbox publish --key get --val" "--value"
expect "signalbox run end r1 --outcome st" "stopped"
expect "signalbox run --json end --outcome=st" "stopped"
expect "signalbox history --state un" "undelivered"
expect "signalbox watch --js" "--json"
expect "signalbox completion " "bash zsh"
expect "signalbox publish --value " ""

cd "$(dirname "${BASH_SOURCE[0]}")"
expect "signalbox get --token-file completion_test.b" "completion_test.bash"

if ! complete -p signalbox >/dev/null; then
  echo "the script did not register its completion" >&2
  failures=$((failures + 1))
fi
exit "$failures"
