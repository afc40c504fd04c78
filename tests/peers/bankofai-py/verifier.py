"""bankofai-x402's facilitator, unmodified, as it is served by FastAPI and uvicorn: `/verify` of exact_permit alone.

Usage: verifier.py CONFIGURATION, a JSON object: caller (private key) and fees (by symbol).
One worker, no log of requests. Listens on a free port of 127.0.0.1, prints its URL as one line of JSON, and ends when
its standard input does.
"""

import asyncio
import json
import os
import socket
import sys
import threading

import uvicorn
from agent_wallet import TronSigner
from bankofai.x402.facilitator import X402Facilitator
from bankofai.x402.mechanisms.tron.exact_permit import ExactPermitTronFacilitatorMechanism
from bankofai.x402.signers.facilitator import TronFacilitatorSigner
from bankofai.x402.types import PaymentPayload, PaymentRequirements
from fastapi import FastAPI
from pydantic import BaseModel, ConfigDict

configuration = json.loads(sys.argv[1])
wallet = TronSigner(bytes.fromhex(configuration["caller"]))
caller = TronFacilitatorSigner(wallet)
caller.set_address(asyncio.run(wallet.get_address()))
facilitator = X402Facilitator()
facilitator.register(["tron:nile"], ExactPermitTronFacilitatorMechanism(caller, base_fee=configuration["fees"]))

app = FastAPI()


class Question(BaseModel):
    model_config = ConfigDict(extra="ignore")
    paymentPayload: PaymentPayload
    paymentRequirements: PaymentRequirements


@app.post("/verify")
async def verify(question: Question):
    answer = await facilitator.verify(question.paymentPayload, question.paymentRequirements)
    return answer.model_dump(by_alias=True)


def end_with_input():
    sys.stdin.read()
    os._exit(0)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(2048)
threading.Thread(target=end_with_input, daemon=True).start()
print(json.dumps({"url": f"http://127.0.0.1:{listener.getsockname()[1]}"}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
