// @bankofai/x402, unmodified, as a buyer on the devnet.
//
// Usage: peer.mjs CONFIGURATION, a JSON object: node (URL), buyer (private key), tokens.
// Listens on a free port of 127.0.0.1, prints its URL as one line of JSON, and ends when its standard input does.
// What is configured, by what the package exports for it: its table of nodes, its wallet, its tokens.

import { TronSigner } from '@bankofai/agent-wallet';
import {
  ExactPermitTronClientMechanism,
  ExactTronClientMechanism,
  TRON_RPC_URLS,
  TronClientSigner,
  X402Client,
  X402FetchClient,
  registerToken,
} from '@bankofai/x402';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const configuration = JSON.parse(process.argv[2]);
const NILE = 'tron:nile';

// The package tells what it signs; standard output is for the URL alone.
console.log = console.error;
TRON_RPC_URLS[NILE] = configuration.node;
for (const token of configuration.tokens) registerToken(NILE, token);

const wallet = new TronSigner(Buffer.from(configuration.buyer, 'hex'));
const signer = new TronClientSigner(wallet);
signer.setAddress(await wallet.getAddress());
const buyer = new X402Client()
  .register('tron:*', new ExactPermitTronClientMechanism(signer))
  .register('tron:*', new ExactTronClientMechanism(signer));

const choose = (scheme) => (accepts) => accepts.find((option) => option.scheme === scheme);

const verbs = {
  async '/buy'({ url, scheme }) {
    const answer = await new X402FetchClient(buyer, choose(scheme)).get(url);
    const headers = Object.fromEntries(answer.headers);
    return { status: answer.status, body: await answer.text(), headers };
  },
  async '/sign'({ url, scheme, paymentRequired }) {
    const { accepts, extensions } = paymentRequired;
    return buyer.handlePayment(accepts, url, extensions, choose(scheme));
  },
};

const server = createServer(async (request, response) => {
  try {
    const answer = await verbs[request.url](JSON.parse(await text(request)));
    response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(answer));
  } catch (error) {
    response.writeHead(500).end(String(error.stack));
  }
});
process.stdin.resume().on('end', () => process.exit(0));
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${JSON.stringify({ url: `http://127.0.0.1:${server.address().port}` })}\n`);
});
