#!/bin/sh
# Fetches a URL and pays for it through Countersign when it answers 402. Needs curl, grep and sed;
# reads the 402 from its header, as most servers send it.
#   COUNTERSIGN_TOKEN=… ./pay.sh http://127.0.0.1:8402/articles/1
# Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
# COUNTERSIGN_URL says otherwise. The token comes from a pairing: see pair.sh.
set -eu
url=$1
address=$(sed -n 's/.*"address": *"\([^"]*\)".*/\1/p' "${XDG_RUNTIME_DIR:-/nowhere}/countersign/main.json" 2>/dev/null || true)
port=${COUNTERSIGN_URL:-http://${address:-127.0.0.1:4020}}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# $1: header name, in any case; $2: file with the answer's headers. Only base64 passes: it goes into JSON as it is.
header() { grep -i "^$1:" "$2" | head -n 1 | sed 's/^[^:]*://' | tr -cd 'A-Za-z0-9+/=_-'; }
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# The token goes through a file that only we can read: arguments are for everybody to see.
printf 'Authorization: Bearer %s\n' "$COUNTERSIGN_TOKEN" >"$work/token"
countersign() { curl -sS --noproxy "*" -H "@$work/token" -H 'Content-Type: application/json' "$@"; }

status=$(curl -sS -D "$work/asked" -o "$work/body" -w '%{http_code}' "$url")
if [ "$status" != 402 ]; then cat "$work/body"; [ "$status" = 200 ]; exit; fi

# The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
required=$(header payment-required "$work/asked")
answer=$(countersign "$port/v1/payments" \
  -d "{\"request\":{\"method\":\"GET\",\"url\":\"$url\"},\"paymentRequired\":\"$required\"}")
id=$(printf %s "$answer" | field id)
while printf %s "$answer" | grep -Eq '"status":"(asked|approved)"'; do
  answer=$(countersign "$port/v1/payments/$id?wait=25")
done
name=$(printf %s "$answer" | field headerName)
value=$(printf %s "$answer" | field headerValue)
[ -n "$value" ] || { printf 'Not paid: %s\n' "$answer" >&2; exit 1; }

# Once more, with the signature; then Countersign is told how it went.
status=$(curl -sS -D "$work/paid" -o "$work/body" -w '%{http_code}' -H "$name: $value" "$url")
response=$(header payment-response "$work/paid")
if [ -n "$response" ]; then response="\"$response\""; else response=null; fi
countersign -o "$work/told" "$port/v1/payments/$id/result" -d "{\"paymentResponse\":$response,\"httpStatus\":$status}"
cat "$work/body"
[ "$status" = 200 ]
