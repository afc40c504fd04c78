"""Fetches a URL and pays for it through Countersign when it answers 402. Standard library only.

    COUNTERSIGN_TOKEN=… python pay.py http://127.0.0.1:8402/articles/1

Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
COUNTERSIGN_URL says otherwise. The token comes from a pairing: see pair.sh.
"""

import json
import os
import sys
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, ProxyHandler, Request, build_opener


class Straight(HTTPRedirectHandler):
    """Follows no redirect: a payment is for the URL that it was asked for."""

    def redirect_request(self, *_):
        return None


SELLER = build_opener(Straight).open
DIRECT = build_opener(Straight, ProxyHandler({})).open  # no proxy reaches this machine's own port


def where():
    """Looked up for each call: a Countersign that was started again may listen elsewhere."""
    if named := os.environ.get("COUNTERSIGN_URL"):
        return named
    try:
        file = Path(os.environ["XDG_RUNTIME_DIR"]) / "countersign" / "main.json"
        runtime = json.loads(file.read_text())
        os.kill(runtime["pid"], 0)  # a file that a crash left behind names a process that is gone
        return "http://" + runtime["address"]
    except (KeyError, OSError, ValueError):
        raise RuntimeError("Countersign is not running") from None


def fetch(open, url, headers, data=None):
    """Status, headers and body, whatever the status is."""
    try:
        answer = open(Request(url, data, headers))
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read()


def countersign(path, body=None):
    url = where() + path
    token = os.environ.get("COUNTERSIGN_TOKEN", "")
    headers = {"Authorization": "Bearer " + token, "Content-Type": "application/json"}
    status, _, said = fetch(DIRECT, url, headers, None if body is None else json.dumps(body).encode())
    said = json.loads(said)
    if status >= 400:  # a problem document
        raise RuntimeError(f"{said['code']}: {said['detail']}")
    return said


def buy(url, out):
    """Writes what is there to `out`, paid for where that is asked. The answer's status."""
    status, headers, body = fetch(SELLER, url, {})
    if status != 402:
        out.write(body)
        return status
    # The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
    required = headers.get_all("PAYMENT-REQUIRED") or [body.decode(errors="replace")]
    if len(required) > 1:
        raise RuntimeError("PAYMENT-REQUIRED came more than once: which of them counts would be a guess")
    payment = countersign("/v1/payments", {"request": {"method": "GET", "url": url}, "paymentRequired": required[0]})
    while payment["status"] in ("asked", "approved"):
        payment = countersign(f"/v1/payments/{payment['id']}?wait=25")
    if payment["status"] != "signed":
        raise RuntimeError(f"{payment['failure']['code']}: {payment['failure']['message']}")
    status, headers, body = fetch(SELLER, url, {payment["headerName"]: payment["headerValue"]})
    out.write(body)  # paid for: it comes first, whatever happens to the report
    out.flush()
    response = headers.get("PAYMENT-RESPONSE") or headers.get("X-PAYMENT-RESPONSE")
    try:
        countersign(f"/v1/payments/{payment['id']}/result", {"paymentResponse": response, "httpStatus": status})
    except (RuntimeError, OSError, HTTPException, ValueError) as why:
        print(f"How it went was not reported (payment {payment['id']}): {why}", file=sys.stderr)
    return status


if __name__ == "__main__":
    try:
        sys.exit(buy(sys.argv[1], sys.stdout.buffer) != 200)
    except (RuntimeError, OSError, HTTPException, ValueError) as why:
        sys.exit(str(why))
