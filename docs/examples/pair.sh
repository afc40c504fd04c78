#!/bin/sh
# Pairs a program with Countersign, once. Prints the token on standard output and the code, which Countersign shows
# too, on standard error: approve there if they are the same. Needs curl, grep and sed.
#   COUNTERSIGN_TOKEN=$(./pair.sh 'News reader')
set -eu
port=${COUNTERSIGN_URL:-http://127.0.0.1:4020}
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

answer=$(curl -sS -H 'Content-Type: application/json' "$port/v1/pairings" -d "{\"name\":\"$1\"}")
id=$(printf %s "$answer" | field id)
[ -n "$id" ] || { printf '%s\n' "$answer" >&2; exit 1; }
printf 'Countersign shows the code %s: approve it there.\n' "$(printf %s "$answer" | field code)" >&2
while printf %s "$answer" | grep -q '"status":"asked"'; do
  answer=$(curl -sS "$port/v1/pairings/$id?wait=25")
done
token=$(printf %s "$answer" | field token)
[ -n "$token" ] || { printf 'Not paired: %s\n' "$(printf %s "$answer" | field status)" >&2; exit 1; }
printf '%s\n' "$token"
