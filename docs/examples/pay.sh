#!/bin/sh
# Fetches a URL and pays for it through Countersign when it answers 402. Needs curl, openssl, grep and sed;
# reads the 402 from its header, as most servers send it.
#   COUNTERSIGN_TOKEN=… ./pay.sh http://127.0.0.1:8402/articles/1
# Where Countersign listens stands in the runtime file; COUNTERSIGN_RUNTIME names another file, COUNTERSIGN_URL an address
# (http://127.0.0.1:4020). What listens there proves first that it is the Countersign which gave out the token. The token
# comes from a pairing: see pair.sh.
set -eu
umask 077
url=$1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
stop() { printf '%s\n' "$1" >&2; exit 1; }

# Its address. Looked up for each call: a Countersign that was started again may listen elsewhere. A file that a crash
# left behind names a process that is gone.
where() {
  if [ -n "${COUNTERSIGN_URL:-}" ]; then printf %s "$COUNTERSIGN_URL" | sed 's/^http:\/\///; s/\/$//'; return; fi
  runtime=${COUNTERSIGN_RUNTIME:-${XDG_RUNTIME_DIR:-/nowhere}/countersign/main.json}
  pid=$(sed -n 's/.*"pid": *\([0-9]*\).*/\1/p' "$runtime" 2>/dev/null) || return 1
  [ -n "$pid" ] && kill -0 "$pid" 2>/dev/null || return 1
  sed -n 's/.*"address": *"\([^"]*\)".*/\1/p' "$runtime"
}
# $1: header name, in any case; $2: file with the answer's headers
header() { grep -i "^$1:" "$2" | head -n 1 | sed 's/^[^:]*: *//' | tr -d '[:cntrl:]'; }
# $1: a text, as it stands between quotes in JSON
json() { printf %s "$1" | sed 's/[\\"]/\\&/g'; }
# $1: name of a string in the JSON on standard input
field() { sed -n "s/.*\"$1\":\"\([^\"]*\)\".*/\1/p"; }
# No redirect is followed, and nothing in a URL is a pattern.
direct() { curl -sSg --no-location --noproxy "*" "$@"; }

# Secrets go through files that only we can read, and through pipes: arguments are for everybody to see.
token=${COUNTERSIGN_TOKEN:-}
printf 'Authorization: Bearer %s\n' "$token" >"$work/token"
sha256() { openssl dgst -sha256 -r | cut -c 1-64; }
key=$(printf %s "$token" | sha256)
# HMAC-SHA256 of standard input. The key's 64 digits are just a block of the hash, so that its two pads are a matter of tr.
pad() { printf %s "$key" | tr 0-9a-f "$1"; cat; }
hmac() { pad '\006\007\004\005\002\003\000\001\016\017WTURSP' | openssl dgst -sha256 -binary | pad 'lmnohijkde=>?89:' | sha256; }
# Whether what listens at $1 has the key that goes with the token. A relay's proof is for another address.
proves() {
  nonce=$(openssl rand -hex 32)
  said=$(direct -m 10 "http://$1/v1/proof?key=$(printf %s "$key" | sha256)&nonce=$nonce" 2>"$work/why") || return 1
  [ "$(printf %s "$said" | field proof)" = "$(printf 'countersign proof 1\n%s\n%s' "$nonce" "$1" | hmac)" ]
}
# $1: the path; then what curl is to do.
countersign() {
  address=$(where) || { echo 'Countersign is not running' >&2; return 1; }
  proves "$address" || {
    if grep -q '^curl: (7)' "$work/why"; then echo 'Countersign is not running' >&2; return 1; fi
    echo "NOT_PAIRED: what listens at $address is not the Countersign of this token: nothing was sent" >&2; return 1
  }
  path=$1; shift
  direct -H "@$work/token" -H 'Content-Type: application/json' "$@" --url "http://$address$path"
}
# $1: file for the answer's headers; then what curl is to do. The body goes to $work/body.
seller() { to=$1; shift; curl -sSg --no-location -D "$to" -o "$work/body" -w '%{http_code}' "$@" --url "$url"; }

status=$(seller "$work/asked") || exit 1
if [ "$status" != 402 ]; then cat "$work/body"; [ "$status" = 200 ]; exit; fi

mv "$work/body" "$work/offered"
# The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
case $(grep -ic '^payment-required:' "$work/asked") in
  0) stop 'This 402 has no PAYMENT-REQUIRED header: it is no offer, or one that only its body makes' ;;
  1) required=$(header payment-required "$work/asked") ;;
  *) stop 'PAYMENT-REQUIRED came more than once: which of them counts would be a guess' ;;
esac
printf '{"request":{"method":"GET","url":"%s"},"paymentRequired":"%s"}' "$(json "$url")" "$(json "$required")" >"$work/ask"
answer=$(countersign /v1/payments --data-binary "@$work/ask")
id=$(printf %s "$answer" | field id)
while printf %s "$answer" | grep -Eq '"status":"(asked|approved)"'; do
  answer=$(countersign "/v1/payments/$id?wait=25")
done
name=$(printf %s "$answer" | field headerName)
value=$(printf %s "$answer" | field headerValue)
# A header that can't be read never makes way for the body beside it.
if printf %s "$answer" | grep -q '"code":"MALFORMED' && grep -q '"accepts"' "$work/offered"; then
  answer="$answer Its body holds an offer of its own: which of them counts would be a guess."
fi
[ -n "$value" ] || stop "Not paid: $answer"

# Once more, with the signature. What was paid for comes first; then Countersign is told how it went.
printf '%s: %s\n' "$name" "$value" >"$work/payment"
status=$(seller "$work/paid" -H "@$work/payment") || stop "The signature was sent, no answer came (payment $id): run it again"
cat "$work/body"
response=$(header payment-response "$work/paid")
[ -n "$response" ] || response=$(header x-payment-response "$work/paid")
if [ -n "$response" ]; then response="\"$(json "$response")\""; else response=null; fi
printf '{"paymentResponse":%s,"httpStatus":%s}' "$response" "$status" >"$work/result"
countersign "/v1/payments/$id/result" --fail -o "$work/told" --data-binary "@$work/result" ||
  printf 'How it went was not reported (payment %s)\n' "$id" >&2
[ "$status" = 200 ]
