"""Fetches a URL and pays for it through Countersign when it answers 402. Standard library only.

    COUNTERSIGN_TOKEN=… python pay.py http://127.0.0.1:8402/articles/1

Where Countersign listens stands in the runtime file; COUNTERSIGN_RUNTIME names another file, COUNTERSIGN_URL an address
(http://127.0.0.1:4020). What listens there proves first that it is the Countersign which gave out the token. The token
comes from a pairing: see pair.sh.
"""

import hmac
import json
import os
import sys
from hashlib import sha256
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from secrets import token_hex
from urllib.error import HTTPError
from urllib.request import HTTPRedirectHandler, Request, build_opener


class Straight(HTTPRedirectHandler):
    """Follows no redirect: a payment is for the URL that it was asked for."""

    def redirect_request(self, *_):
        return None


SELLER = build_opener(Straight).open
TOKEN = os.environ.get("COUNTERSIGN_TOKEN", "")


def where():
    """Its address. Looked up for each call: a Countersign that was started again may listen elsewhere."""
    if named := os.environ.get("COUNTERSIGN_URL"):
        return named.removeprefix("http://").rstrip("/")
    try:
        usual = Path(os.environ.get("XDG_RUNTIME_DIR", "/nowhere")) / "countersign" / "main.json"
        runtime = json.loads(Path(os.environ.get("COUNTERSIGN_RUNTIME", usual)).read_text())
        os.kill(runtime["pid"], 0)  # a file that a crash left behind names a process that is gone
        return runtime["address"]
    except (KeyError, TypeError, OSError, ValueError):
        raise RuntimeError("Countersign is not running") from None


def call(connection, path, headers={}, body=None):
    """Status and JSON of an answer of the port, all on this one connection."""
    connection.request("GET" if body is None else "POST", path, body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def proves(connection, address):
    """Whether what listens there has the key that goes with the token. A relay's proof is for another address."""
    key, nonce = sha256(TOKEN.encode()).hexdigest(), token_hex(32)
    status, said = call(connection, f"/v1/proof?key={sha256(key.encode()).hexdigest()}&nonce={nonce}")
    text = f"countersign proof 1\n{nonce}\n{address}"
    expected = hmac.digest(key.encode(), text.encode(), "sha256").hex()
    return status == 200 and hmac.compare_digest(expected, str(said["proof"]))


def countersign(path, body=None):
    address = where()
    connection = HTTPConnection(address, timeout=10)
    try:
        try:
            connection.connect()
        except OSError:
            raise RuntimeError("Countersign is not running") from None
        connection.auto_open = False  # what proved itself has this connection, and no other gets the token
        try:
            proven = proves(connection, address)
        except (OSError, HTTPException, ValueError, KeyError, TypeError):
            proven = False
        if not proven:
            raise RuntimeError(f"NOT_PAIRED: what listens at {address} is not the Countersign of this token: nothing was sent")
        connection.sock.settimeout(60)  # a person may be asked
        headers = {"Authorization": "Bearer " + TOKEN, "Content-Type": "application/json"}
        status, said = call(connection, path, headers, None if body is None else json.dumps(body))
    finally:
        connection.close()
    if status >= 400:  # a problem document
        raise RuntimeError(f"{said['code']}: {said['detail']}")
    return said


def fetch(url, headers):
    """Status, headers and body, whatever the status is."""
    try:
        answer = SELLER(Request(url, None, headers))
    except HTTPError as error:
        answer = error
    with answer:
        return answer.status, answer.headers, answer.read()


def buy(url, out):
    """Writes what is there to `out`, paid for where that is asked. The answer's status."""
    status, headers, body = fetch(url, {})
    if status != 402:
        out.write(body)
        return status
    # The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
    required = headers.get_all("PAYMENT-REQUIRED") or [body.decode(errors="replace")]
    if len(required) > 1:
        raise RuntimeError("PAYMENT-REQUIRED came more than once: which of them counts would be a guess")
    try:
        return pay(url, required[0], out)
    except RuntimeError as why:
        # A header that can't be read never makes way for the body beside it.
        if "PAYMENT-REQUIRED" in headers and str(why).startswith("MALFORMED") and b'"accepts"' in body:
            raise RuntimeError(f"{why} Its body holds an offer of its own: which of them counts would be a guess.") from None
        raise


def pay(url, required, out):
    payment = countersign("/v1/payments", {"request": {"method": "GET", "url": url}, "paymentRequired": required})
    while payment["status"] in ("asked", "approved"):
        payment = countersign(f"/v1/payments/{payment['id']}?wait=25")
    if payment["status"] != "signed":
        raise RuntimeError(f"{payment['failure']['code']}: {payment['failure']['message']}")
    status, headers, body = fetch(url, {payment["headerName"]: payment["headerValue"]})
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
