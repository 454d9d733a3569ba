#!/usr/bin/env zsh
# Completes lines as zsh does, with its widgets replaced: completion_test.zsh PROGRAM
set -eu

program=$1
integer failures=0
typeset -a offered words
integer CURRENT
compdef() { registered="$*" }
compadd() { shift; offered+=("$@") }
compset() { : }
_files() { offered+=(FILES) }
registered=""
eval "$("$program" completion zsh)"

# expect "LINE" "WORDS": what is offered after the line, of what may start with its last word.
expect() {
  local line=$1 wanted=$2 got
  local -a matches
  words=(${(s: :)line})
  if [[ $line == *" " ]]; then words+=(""); fi
  CURRENT=${#words}
  offered=()
  _signalbox
  local cur="${words[CURRENT]##*=}"
  matches=(${(M)offered:#${cur}*})
  matches=(${(o)matches})
  got="${(j: :)matches}"
  if [[ $got != "$wanted" ]]; then
    echo "\"$line\" completes to \"$got\" instead of \"$wanted\"" >&2
    failures+=1
  fi
}

expect "signalbox pub" "publish"
expect "signalbox run " "create end list show"
expect "signalbox publish --kind " "command setting"
expect "signalbox publish --kind=c" "command"
expect "signalbox publish --wait=" "acked finished"
expect "signalbox publish --wait --wait-t" "--wait-timeout"
expect "signalbox --address publish get-" "get-all"
expect "signalbox completion " "bash zsh"
expect "signalbox get --token-file " "FILES"

if [[ $registered != "_signalbox signalbox" ]]; then
  echo "the script registered \"$registered\"" >&2
  failures+=1
fi
exit $failures
