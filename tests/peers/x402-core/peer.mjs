// @x402/core, unmodified, as reader and writer of documents and as a seller.
//
// Usage: peer.mjs CONFIGURATION, a JSON object: goods (name, scheme, network, payTo, price, and
// the URL of the facilitator).
// Listens on a free port of 127.0.0.1, prints its URL as one line of JSON, and ends when its standard input does.
// The package has no mechanism for TRON. A seller needs little of one: prices are given in the token's smallest
// unit, so what is registered here for a scheme converts nothing and adds nothing.

import {
  HTTPFacilitatorClient,
  decodePaymentSignatureHeader,
  encodePaymentRequiredHeader,
  encodePaymentResponseHeader,
  encodePaymentSignatureHeader,
} from '@x402/core/http';
import * as schemas from '@x402/core/schemas';
import { x402ResourceServer } from '@x402/core/server';
import { createServer } from 'node:http';
import { text } from 'node:stream/consumers';

const configuration = JSON.parse(process.argv[2]);

const flow = { supported: ['authorization'], default: 'authorization' };
const mechanism = (scheme) => ({
  scheme,
  defaultAssetTransferMethod: 'eip3009',
  paymentFlows: { eip3009: flow, permit2: flow },
  parsePrice: async (price) => price,
  enhancePaymentRequirements: async (requirements) => requirements,
});

const sellers = new Map();
for (const { facilitator, network, scheme } of configuration.goods) {
  const seller = sellers.get(facilitator) ?? new x402ResourceServer(new HTTPFacilitatorClient({ url: facilitator }));
  if (!seller.hasRegisteredScheme(network, scheme)) seller.register(network, mechanism(scheme));
  sellers.set(facilitator, seller);
}
for (const seller of sellers.values()) await seller.initialize();

// A page behind the package's resource server: ask, match, verify, deliver, settle.
async function sell(goods, request, response) {
  const { scheme, network, payTo, price } = goods;
  const seller = sellers.get(goods.facilitator);
  const options = [{ scheme, network, payTo, price, maxTimeoutSeconds: 600 }];
  const accepts = await seller.buildPaymentRequirementsFromOptions(options, {});
  const url = `http://${request.headers.host}${request.url}`;
  const refuse = async (reason) => {
    const required = await seller.createPaymentRequiredResponse(accepts, { url }, reason);
    const headers = { 'payment-required': encodePaymentRequiredHeader(required), 'content-type': 'application/json' };
    response.writeHead(402, headers).end(JSON.stringify(required));
  };
  const header = request.headers['payment-signature'];
  if (!header) return refuse('Payment required');
  const payment = decodePaymentSignatureHeader(header);
  const requirements = seller.findMatchingRequirements(accepts, payment);
  if (!requirements) return refuse('no matching requirements');
  const verdict = await seller.verifyPayment(payment, requirements);
  if (!verdict.isValid) return refuse(verdict.invalidReason);
  const settled = await seller.settlePayment(payment, requirements);
  if (!settled.success) return refuse(settled.errorReason);
  response.writeHead(200, { 'payment-response': encodePaymentResponseHeader(settled) }).end(`sold: ${goods.name}`);
}

const writers = {
  PaymentRequired: encodePaymentRequiredHeader,
  PaymentPayload: encodePaymentSignatureHeader,
  SettleResponse: encodePaymentResponseHeader,
};

const verbs = {
  // What a schema says of a document, and the document as the schema's type has it.
  async '/read'({ schema, document }) {
    const read = schemas[`${schema}Schema`].safeParse(document);
    return read.success ? { document: read.data } : { refused: read.error.issues };
  },
  // The header that the package makes of a document.
  async '/write'({ kind, document }) {
    return { header: writers[kind](document) };
  },
};

const server = createServer(async (request, response) => {
  try {
    const goods = configuration.goods.find(({ name }) => request.url === `/goods/${name}`);
    if (goods) return await sell(goods, request, response);
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
