"""tronpy, unmodified, as a client of the devnet.

Usage: script.py URL PRIVATE_KEY RECEIVER TOKEN SPENDER. Prints what it saw as one JSON object.
"""

import json
import sys

from tronpy import Tron
from tronpy.keys import PrivateKey
from tronpy.providers import HTTPProvider

url, secret, receiver, token, spender = sys.argv[1:]
tron = Tron(HTTPProvider(url, timeout=30))
key = PrivateKey(bytes.fromhex(secret))
owner = key.public_key.to_base58check_address()
usdt = tron.get_contract(token)


def send(transaction):
    """Builds, signs and broadcasts; the receipt."""
    return transaction.fee_limit(100_000_000).build().sign(key).broadcast().wait(interval=0.05)


seen = {"owner": owner, "trx_before": str(tron.get_account_balance(owner))}
seen["token_before"] = usdt.functions.balanceOf(owner)
seen["symbol"] = usdt.functions.symbol()
seen["decimals"] = usdt.functions.decimals()

trx = tron.trx.transfer(owner, receiver, 2_000_000).build().sign(key).broadcast()
seen["trx_receipt"] = trx.wait(interval=0.05)
seen["trx_transaction"] = tron.get_transaction(trx.txid)["ret"][0]["contractRet"]

receipt = send(usdt.functions.transfer(receiver, 3_000_000).with_owner(owner))
seen["transfer_result"] = receipt["receipt"]["result"]
seen["transfer_energy"] = receipt["receipt"]["energy_usage_total"]
log = receipt["log"][0]
event = usdt.events["Transfer"].get_event_data(log)["args"]
seen["event"] = [event["from"], event["to"], event["value"]]

receipt = send(usdt.functions.approve(spender, 4_000_000).with_owner(owner))
seen["approve_result"] = receipt["receipt"]["result"]

seen["token_after"] = usdt.functions.balanceOf(owner)
seen["receiver_token"] = usdt.functions.balanceOf(receiver)
seen["receiver_trx"] = str(tron.get_account_balance(receiver))
seen["allowance"] = usdt.functions.allowance(owner, spender)

memo = tron.trx.transfer(owner, receiver, 1).memo("order 7: thank you").build().sign(key).broadcast()
seen["memo_fee"] = memo.wait(interval=0.05)["fee"]
seen["memo"] = bytes.fromhex(tron.get_transaction(memo.txid)["raw_data"]["data"]).decode()

# A second key, without which an active permission does nothing.
second = PrivateKey(bytes(31) + b"\x03")
permission = tron.get_account_permission(owner)
keys = [{"address": one.public_key.to_base58check_address(), "weight": 1} for one in (key, second)]
operations = permission["actives"][0]["operations"]
permission["actives"] = [
    {"type": "Active", "permission_name": "pair", "threshold": 2, "operations": operations, "keys": keys}
]
change = tron.trx.account_permission_update(owner, permission).build().sign(key).broadcast()
seen["change_fee"] = change.wait(interval=0.05)["fee"]
pair = tron.trx.transfer(owner, receiver, 5).permission_id(2).build().sign(key)
seen["one_signature"] = tron.get_sign_weight(pair)["result"].get("code")
pair = pair.sign(second)
seen["two_signatures"] = tron.get_sign_weight(pair)["current_weight"]
seen["pair_fee"] = pair.broadcast().wait(interval=0.05)["fee"]
print(json.dumps(seen))
