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

const builder = tronWeb.transactionBuilder;
const send = async (signed) => receiptOf((await tronWeb.trx.sendRawTransaction(signed)).txid);
const noted = await builder.addUpdateData(await builder.sendTrx(receiver, 1, owner), 'order 7: thank you', 'utf8');
seen.memo_fee = (await send(await tronWeb.trx.sign(noted))).fee;
const { data: memo } = (await tronWeb.trx.getTransaction(noted.txID)).raw_data;
seen.memo = Buffer.from(memo, 'hex').toString();

// A second key, without which an active permission does nothing.
const second = '3'.padStart(64, '0');
const address = (key) => tronWeb.address.toHex(TronWeb.address.fromPrivateKey(key));
const [one, ...rest] = [privateKey, second].map((key) => ({ address: address(key), weight: 1 }));
const operations = '7fff1fc0033efb0f'.padEnd(64, '0');
const change = await builder.updateAccountPermissions(
  tronWeb.address.toHex(owner),
  { type: 0, permission_name: 'owner', threshold: 1, keys: [one] },
  null,
  [{ type: 2, permission_name: 'pair', threshold: 2, operations, keys: [one, ...rest] }],
);
seen.change_fee = (await send(await tronWeb.trx.sign(change))).fee;
let pair = await builder.sendTrx(receiver, 5, owner, { permissionId: 2 });
pair = await tronWeb.trx.multiSign(pair, privateKey, 2);
seen.one_signature = (await tronWeb.trx.getSignWeight(pair)).result.code;
pair = await tronWeb.trx.multiSign(pair, second, 2);
seen.two_signatures = (await tronWeb.trx.getSignWeight(pair)).current_weight;
seen.pair_fee = (await send(pair)).fee;
console.log(JSON.stringify(seen));
