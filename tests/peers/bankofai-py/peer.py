"""bankofai-x402, unmodified, as buyer, seller and facilitator on the devnet; and the types of x402, as readers.

Usage: peer.py CONFIGURATION, a JSON object: node and facilitator (URLs), buyer and caller (private keys), payTo,
fees (by symbol), tokens, goods (name, scheme, price, and whether `own` facilitator settles it).
Listens on a free port of 127.0.0.1, prints its URL as one line of JSON, and ends when its standard input does.

What is configured, all by what the packages offer for it: the node behind `nile` (tronpy's table of networks), the
wallet of each signer (any object with the wallet interface), tokens (`TokenRegistry.register_token`).
"""

import asyncio
import importlib
import json
import os
import socket
import sys
import threading

configuration = json.loads(sys.argv[1])
# With a key the SDK asks the node of tronpy's table; the devnet's accounts have no permission 2.
os.environ.update(TRON_GRID_API_KEY="devnet", TRON_PERMISSION_ID="0")

import httpx
import uvicorn
from agent_wallet import TronSigner
from bankofai.x402.clients import X402Client, X402HttpClient
from bankofai.x402.exceptions import SignatureCreationError
from bankofai.x402.facilitator import FacilitatorClient, X402Facilitator
from bankofai.x402.fastapi import X402Middleware
from bankofai.x402.mechanisms.tron.exact import (
    ExactTronClientMechanism,
    ExactTronFacilitatorMechanism,
    ExactTronServerMechanism,
)
from bankofai.x402.mechanisms.tron.exact_permit import (
    ExactPermitTronClientMechanism,
    ExactPermitTronFacilitatorMechanism,
)
from bankofai.x402.server import X402Server
from bankofai.x402.signers.client import TronClientSigner
from bankofai.x402.signers.facilitator import TronFacilitatorSigner
from bankofai.x402.tokens import TokenRegistry
from bankofai.x402.tokens.registry import TokenInfo
from bankofai.x402.types import PaymentPayload, PaymentRequired, PaymentRequirements
from fastapi import FastAPI, Request
from pydantic import ValidationError
from tronpy.defaults import conf_for_name
from tronpy.keys import to_base58check_address

NILE = "tron:nile"

conf_for_name("nile")["fullnode"] = configuration["node"]
for token in configuration["tokens"]:
    TokenRegistry.register_token(NILE, TokenInfo(**token))


def signer(kind, secret):
    """A signer of the SDK over its own local wallet."""
    wallet = TronSigner(bytes.fromhex(secret))
    made = kind(wallet)
    made.set_address(asyncio.run(wallet.get_address()))
    return made


class QuietSigner(TronClientSigner):
    """Signs without writing the message into a log. The SDK's own signer writes it as JSON, where `exact` fails: its
    nonce is bytes."""

    def __init__(self, wallet):
        super().__init__(wallet)
        self.wallet = wallet

    async def sign_typed_data(self, domain, types, message, primary_type):
        typed = {"types": types, "primaryType": primary_type, "domain": domain, "message": message}
        return await self.wallet.sign_typed_data(typed)


def client(signer_of_exact):
    made = X402Client()
    made.register("tron:*", ExactPermitTronClientMechanism(signer(TronClientSigner, configuration["buyer"])))
    return made.register("tron:*", ExactTronClientMechanism(signer(signer_of_exact, configuration["buyer"])))


buyer, unaided = client(QuietSigner), client(TronClientSigner)

class AddressingSigner(TronFacilitatorSigner):
    """Calls contracts with addresses as tronpy takes them. The SDK's own signer hands the addresses of `exact` on as it
    has them, in `0x` form, which tronpy refuses."""

    async def write_contract(self, contract_address, abi, method, args, network):
        args = [base58(arg) if isinstance(arg, str) and arg.startswith("0x") else arg for arg in args]
        return await super().write_contract(contract_address, abi, method, args, network)


def base58(address):
    return to_base58check_address("41" + address[2:])


caller = signer(AddressingSigner, configuration["caller"])
facilitator = X402Facilitator()
facilitator.register([NILE], ExactPermitTronFacilitatorMechanism(caller, base_fee=configuration["fees"]))
facilitator.register([NILE], ExactTronFacilitatorMechanism(caller))

app = FastAPI()


def choose(scheme):
    """The option of this scheme, as the SDK's `selector`."""
    return lambda accepts: next(option for option in accepts if option.scheme == scheme)


@app.post("/buy")
async def buy(wish: dict):
    """Buys a URL by the SDK's HTTP client; status, body and headers that came."""
    async with httpx.AsyncClient(timeout=60, trust_env=False) as http:
        client = X402HttpClient(http, buyer, selector=choose(wish["scheme"]))
        answer = await client.get(wish["url"])
    return {"status": answer.status_code, "body": answer.text, "headers": dict(answer.headers)}


@app.post("/sign")
async def sign(wish: dict):
    """The payment for a 402, not sent anywhere."""
    required = PaymentRequired(**wish["paymentRequired"])
    extensions = required.extensions.model_dump(by_alias=True) if required.extensions else None
    chosen = unaided if wish.get("unaided") else buyer
    try:
        payment = await chosen.handle_payment(required.accepts, wish["url"], extensions, choose(wish["scheme"]))
    except SignatureCreationError as error:
        return {"failed": str(error)}
    return payment.model_dump(by_alias=True)


@app.get("/supported")
async def supported():
    return facilitator.supported().model_dump(by_alias=True)


@app.post("/fee/quote")
async def fee_quote(question: dict):
    accepts = [PaymentRequirements(**option) for option in question["accepts"]]
    return [quote.model_dump(by_alias=True) for quote in await facilitator.fee_quote(accepts)]


@app.post("/verify")
async def verify(question: dict):
    return (await facilitator.verify(*parts(question))).model_dump(by_alias=True)


@app.post("/settle")
async def settle(question: dict):
    return (await facilitator.settle(*parts(question))).model_dump(by_alias=True)


def parts(question):
    return PaymentPayload(**question["paymentPayload"]), PaymentRequirements(**question["paymentRequirements"])


@app.post("/read")
async def read(question: dict):
    """What a type of a package says of a document, and the document as the type writes it."""
    kind = getattr(importlib.import_module(question["module"]), question["type"])
    try:
        return {"document": kind.model_validate(question["document"]).model_dump(by_alias=True, mode="json")}
    except ValidationError as error:
        return {"refused": str(error)}


def sell(wall, goods):
    """A page behind the SDK's middleware."""

    @app.get("/goods/" + goods["name"])
    @wall.protect(prices=[goods["price"]], schemes=[goods["scheme"]], network=NILE, pay_to=configuration["payTo"])
    async def page(request: Request):
        return {"sold": goods["name"]}


def end_with_input():
    sys.stdin.read()
    os._exit(0)


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
own = f"http://127.0.0.1:{listener.getsockname()[1]}"
for goods in configuration["goods"]:
    server = X402Server().register(NILE, ExactTronServerMechanism())
    server.set_facilitator(FacilitatorClient(own if goods["own"] else configuration["facilitator"]))
    sell(X402Middleware(server), goods)

threading.Thread(target=end_with_input, daemon=True).start()
print(json.dumps({"url": own}), flush=True)
uvicorn.Server(uvicorn.Config(app, log_level="warning")).run(sockets=[listener])
