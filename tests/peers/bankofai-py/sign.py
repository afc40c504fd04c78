"""The published agent wallet, unmodified, signs one typed document many times. Reads { typedData, privateKey, rounds }
from its input and prints the signature and the median of the rounds in microseconds."""

import asyncio
import json
import sys
import time
from importlib.metadata import version

from agent_wallet.core.adapters.local import LocalSigner


async def main() -> None:
    asked = json.load(sys.stdin)
    wallet = LocalSigner(bytes.fromhex(asked["privateKey"]), "tron:nile")
    times = []
    for _ in range(asked["rounds"]):
        started = time.perf_counter_ns()
        signature = await wallet.sign_typed_data(asked["typedData"])
        times.append((time.perf_counter_ns() - started) / 1000)
    times.sort()
    name = f"bankofai-agent-wallet {version('bankofai-agent-wallet')} (Python)"
    print(json.dumps({"name": name, "signature": signature, "micros": times[len(times) // 2]}))


asyncio.run(main())
