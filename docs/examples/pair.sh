#!/bin/sh
# Pairs a program with Countersign, once. Prints the token on standard output and the code, which Countersign shows
# too, on standard error: approve there if they are the same. Needs curl, openssl, grep and sed.
#   COUNTERSIGN_TOKEN=$(./pair.sh 'News reader')
# Where Countersign listens, and the key by which it is known, stand in the runtime file, which only you can write and
# read; COUNTERSIGN_RUNTIME names another file.
set -eu
umask 077
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stop() { printf '%s\n' "$1" >&2; exit 1; }
runtime=${COUNTERSIGN_RUNTIME:-${XDG_RUNTIME_DIR:-/nowhere}/countersign/main.json}
# $1: name of a text or number in the runtime file
known() { sed -n "s/.*\"$1\": *\"\{0,1\}\([^\",]*\).*/\1/p" "$runtime" 2>/dev/null; }
pid=$(known pid) || pid=
# A file that a crash left behind names a process that is gone.
{ [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null; } || stop 'Countersign is not running'
[ -O "$runtime" ] || stop "$runtime is another user's"
address=$(known address)
key=$(known proofKey)
# $1: a text, as it stands between quotes in JSON
json() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
countersign() { path=$1; shift; curl -sSg --no-location --noproxy "*" "$@" --url "http://$address$path"; }
# As in pay.sh: the proof that what listens there wrote the runtime file. No secret stands in an argument.
sha256() { openssl dgst -sha256 -r | cut -c 1-64; }
pad() { printf %s "$key" | tr 0-9a-f "$1"; cat; }
hmac() { pad '\006\007\004\005\002\003\000\001\016\017WTURSP' | openssl dgst -sha256 -binary | pad 'lmnohijkde=>?89:' | sha256; }
nonce=$(openssl rand -hex 32)
said=$(countersign "/v1/proof?key=$(printf %s "$key" | sha256)&nonce=$nonce" -m 10 2>"$work/why") || said=
[ "$(printf %s "$said" | field proof)" = "$(printf 'countersign proof 1\n%s\n%s' "$nonce" "$address" | hmac)" ] ||
  stop "What listens at $address is not the Countersign of $runtime: nothing was asked there"

printf '{"name":"%s"}' "$(json "$1")" >"$work/name"
answer=$(countersign /v1/pairings -H 'Content-Type: application/json' --data-binary "@$work/name")
id=$(printf %s "$answer" | field id)
[ -n "$id" ] || stop "$answer"
# The secret fetches the token; the id, which stands in the URL, is worth nothing without it.
printf '{"secret":"%s"}' "$(printf %s "$answer" | field secret)" >"$work/secret"
printf 'Countersign shows the code %s: approve it there.\n' "$(printf %s "$answer" | field code)" >&2
while printf %s "$answer" | grep -q '"status":"asked"'; do
  answer=$(countersign "/v1/pairings/$id?wait=25" -H 'Content-Type: application/json' --data-binary "@$work/secret")
done
token=$(printf %s "$answer" | field token)
[ -n "$token" ] || stop "Not paired: $(printf %s "$answer" | field status)"
printf '%s\n' "$token"
