// tronweb, unmodified, as a client of the devnet.
// Usage: script.mjs URL PRIVATE_KEY RECEIVER TOKEN SPENDER. Prints what it saw as one JSON object.
import { TronWeb } from 'tronweb';

const [url, privateKey, receiver, token, spender] = process.argv.slice(2);
const tronWeb = new TronWeb({ fullHost: url, privateKey });
const owner = tronWeb.defaultAddress.base58;

// The receipt from the node itself, without waiting until it is final.
async function receiptOf(id) {
  for (let tries = 0; tries < 200; tries += 1) {
    const receipt = await tronWeb.trx.getUnconfirmedTransactionInfo(id);
    if (receipt.id) return receipt;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`no receipt of ${id}`);
}

const usdt = await tronWeb.contract().at(token);
const seen = { owner, trx_before: await tronWeb.trx.getUnconfirmedBalance(owner) };
seen.token_before = (await usdt.balanceOf(owner).call()).toString();
seen.symbol = await usdt.symbol().call();
seen.decimals = Number(await usdt.decimals().call());

const sent = await tronWeb.trx.sendTransaction(receiver, 2_000_000);
seen.sent = sent.result;
seen.trx_receipt = await receiptOf(sent.txid);
seen.trx_transaction = (await tronWeb.trx.getTransaction(sent.txid)).ret[0].contractRet;

const transfer = await receiptOf(await usdt.transfer(receiver, 3_000_000).send({ feeLimit: 100_000_000 }));
seen.transfer_result = transfer.receipt.result;
seen.transfer_energy = transfer.receipt.energy_usage_total;
const [{ topics, data }] = transfer.log;
seen.event = [...topics.slice(1).map((topic) => tronWeb.address.fromHex(`41${topic.slice(24)}`)), parseInt(data, 16)];

// Built by the node, checked by tronweb, signed here.
const { transaction } = await tronWeb.transactionBuilder.triggerSmartContract(
  token,
  'approve(address,uint256)',
  { feeLimit: 100_000_000 },
  [
    { type: 'address', value: spender },
    { type: 'uint256', value: 4_000_000 },
  ],
);
const approve = await tronWeb.trx.sendRawTransaction(await tronWeb.trx.sign(transaction));
seen.approve_result = (await receiptOf(approve.txid)).receipt.result;

seen.token_after = (await usdt.balanceOf(owner).call()).toString();
seen.receiver_token = (await usdt.balanceOf(receiver).call()).toString();
seen.receiver_trx = await tronWeb.trx.getUnconfirmedBalance(receiver);
seen.allowance = (await usdt.allowance(owner, spender).call()).toString();
seen.energy_price = (await tronWeb.trx.getChainParameters()).find(({ key }) => key === 'getEnergyFee').value;
console.log(JSON.stringify(seen));
