// tronweb, unmodified, signs one typed document many times. Reads { typedData, privateKey, rounds } from its input and
// prints the signature and the median of the rounds in microseconds.
import { readFileSync } from 'node:fs';
import { TronWeb } from 'tronweb';

const { typedData, privateKey, rounds } = JSON.parse(readFileSync(0, 'utf8'));
const { EIP712Domain, ...types } = typedData.types;
const { version } = JSON.parse(readFileSync(new URL('node_modules/tronweb/package.json', import.meta.url), 'utf8'));
const { trx } = new TronWeb({ fullHost: 'http://127.0.0.1:1' });
const sign = () => trx._signTypedData(typedData.domain, types, typedData.message, privateKey);
const times = [];
for (let i = 0; i < rounds * 2; i += 1) {
  const started = process.hrtime.bigint();
  await sign();
  // The first half warms the compiler up.
  if (i >= rounds) times.push(Number(process.hrtime.bigint() - started) / 1000);
}
times.sort((a, b) => a - b);
console.log(JSON.stringify({ name: `tronweb ${version}`, signature: await sign(), micros: times[times.length >> 1] }));
