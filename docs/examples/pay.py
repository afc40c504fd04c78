"""Fetches a URL and pays for it through Countersign when it answers 402. Standard library only.

    COUNTERSIGN_TOKEN=… python pay.py http://127.0.0.1:8402/articles/1

Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
COUNTERSIGN_URL says otherwise. The token comes from a pairing: see pair.sh.
"""

import json
import os
import sys
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import ProxyHandler, Request, build_opener, urlopen


def where():
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere")) / "countersign" / "main.json"
    address = json.loads(runtime.read_text())["address"] if runtime.exists() else "127.0.0.1:4020"
    return os.environ.get("COUNTERSIGN_URL", "http://" + address)


PORT = where()
DIRECT = build_opener(ProxyHandler({})).open  # no proxy reaches this machine's own port


def fetch(url, headers, data=None, open=urlopen):
    """Status, headers and body, whatever the status is."""
    try:
        answer = open(Request(url, data, headers))
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read()


def countersign(path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["COUNTERSIGN_TOKEN"], "Content-Type": "application/json"}
    status, _, said = fetch(PORT + path, headers, None if body is None else json.dumps(body).encode(), DIRECT)
    said = json.loads(said)
    if status >= 400:  # a problem document
        sys.exit(f"{said['code']}: {said['detail']}")
    return said


def paid(url):
    status, headers, body = fetch(url, {})
    if status != 402:
        return status, body
    # The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
    required = headers.get("PAYMENT-REQUIRED") or body.decode()
    payment = countersign("/v1/payments", {"request": {"method": "GET", "url": url}, "paymentRequired": required})
    while payment["status"] in ("asked", "approved"):
        payment = countersign(f"/v1/payments/{payment['id']}?wait=25")
    if payment["status"] != "signed":
        sys.exit(f"{payment['failure']['code']}: {payment['failure']['message']}")
    status, headers, body = fetch(url, {payment["headerName"]: payment["headerValue"]})
    response = headers.get("PAYMENT-RESPONSE") or headers.get("X-PAYMENT-RESPONSE")
    countersign(f"/v1/payments/{payment['id']}/result", {"paymentResponse": response, "httpStatus": status})
    return status, body


if __name__ == "__main__":
    status, body = paid(sys.argv[1])
    sys.stdout.buffer.write(body)
    sys.exit(status != 200)
