#!/bin/sh
# Pairs a program with Countersign, once. Prints the token on standard output and the code, which Countersign shows
# too, on standard error: approve there if they are the same. Needs curl, grep and sed.
#   COUNTERSIGN_TOKEN=$(./pair.sh 'News reader')
set -eu
address=$(sed -n 's/.*"address": *"\([^"]*\)".*/\1/p' "${XDG_RUNTIME_DIR:-/nowhere}/countersign/main.json" 2>/dev/null || true)
port=${COUNTERSIGN_URL:-http://${address:-127.0.0.1:4020}}
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }

answer=$(curl -sS --noproxy "*" -H 'Content-Type: application/json' "$port/v1/pairings" -d "{\"name\":\"$1\"}")
id=$(printf %s "$answer" | field id)
[ -n "$id" ] || { printf '%s\n' "$answer" >&2; exit 1; }
printf 'Countersign shows the code %s: approve it there.\n' "$(printf %s "$answer" | field code)" >&2
while printf %s "$answer" | grep -q '"status":"asked"'; do
  answer=$(curl -sS --noproxy "*" "$port/v1/pairings/$id?wait=25")
done
token=$(printf %s "$answer" | field token)
[ -n "$token" ] || { printf 'Not paired: %s\n' "$(printf %s "$answer" | field status)" >&2; exit 1; }
printf '%s\n' "$token"
