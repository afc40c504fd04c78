#!/bin/sh
# Pairs a program with Countersign, once. Prints the token on standard output and the code, which Countersign shows
# too, on standard error: approve there if they are the same. Needs curl, grep and sed.
#   COUNTERSIGN_TOKEN=$(./pair.sh 'News reader')
set -eu
stop() { printf '%s\n' "$1" >&2; exit 1; }
port=${COUNTERSIGN_URL:-}
if [ -z "$port" ]; then
  runtime=${XDG_RUNTIME_DIR:-/nowhere}/countersign/main.json
  # A file that a crash left behind names a process that is gone.
  pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$runtime" 2>/dev/null) || pid=
  { [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; } || stop 'Countersign is not running'
  port=$(sed -n 's/.*"address": *"\([^"]*\)".*/http:\/\/\1/p' "$runtime")
fi
# $1: a text, as it stands between quotes in JSON
json() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
countersign() { curl -sSg --no-location --noproxy "*" "$@"; }

answer=$(countersign -H 'Content-Type: application/json' "$port/v1/pairings" -d "{\"name\":\"$(json "$1")\"}")
id=$(printf %s "$answer" | field id)
[ -n "$id" ] || stop "$answer"
printf 'Countersign shows the code %s: approve it there.\n' "$(printf %s "$answer" | field code)" >&2
while printf %s "$answer" | grep -q '"status":"asked"'; do
  answer=$(countersign "$port/v1/pairings/$id?wait=25")
done
token=$(printf %s "$answer" | field token)
[ -n "$token" ] || stop "Not paired: $(printf %s "$answer" | field status)"
printf '%s\n' "$token"
