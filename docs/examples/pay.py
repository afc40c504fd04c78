"""Fetches a URL and pays for it through Countersign when it answers 402. Standard library only.

    COUNTERSIGN_TOKEN=… python pay.py http://127.0.0.1:8402/articles/1
"""

import json
import os
import sys
from urllib.error import HTTPError
from urllib.request import Request, urlopen

PORT = os.environ.get("COUNTERSIGN_URL", "http://127.0.0.1:4020")


def fetch(url, headers):
    """Status, headers and body, whatever the status is."""
    try:
        answer = urlopen(Request(url, headers=headers))
    except HTTPError as error:
        answer = error
    return answer.status, answer.headers, answer.read()


def countersign(path, body=None):
    headers = {"Authorization": "Bearer " + os.environ["COUNTERSIGN_TOKEN"], "Content-Type": "application/json"}
    data = None if body is None else json.dumps(body).encode()
    try:
        with urlopen(Request(PORT + path, data, headers)) as answer:
            text = answer.read()
            return json.loads(text) if text else None
    except HTTPError as error:  # a problem document: code, title, detail
        sys.exit(error.read().decode())


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
        sys.exit(json.dumps(payment.get("failure")))
    status, headers, body = fetch(url, {payment["headerName"]: payment["headerValue"]})
    response = headers.get("PAYMENT-RESPONSE") or headers.get("X-PAYMENT-RESPONSE")
    countersign(f"/v1/payments/{payment['id']}/result", {"paymentResponse": response, "httpStatus": status})
    return status, body


if __name__ == "__main__":
    status, body = paid(sys.argv[1])
    sys.stdout.buffer.write(body)
    sys.exit(status != 200)
