// Compiles the contracts of this folder into artifacts/. With --check it writes nothing and fails when an
// artifact is not what the sources compile to.
import { mkdirSync, readFileSync, readdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import solc from 'solc';

const here = dirname(fileURLToPath(import.meta.url));
const sources = readdirSync(here).filter((name) => name.endsWith('.sol')).sort();

const output = JSON.parse(
  solc.compile(
    JSON.stringify({
      language: 'Solidity',
      sources: Object.fromEntries(sources.map((name) => [name, { content: readFileSync(join(here, name), 'utf8') }])),
      settings: {
        evmVersion: 'paris',
        optimizer: { enabled: true, runs: 200 },
        // No hash of the metadata at the end of the code: the artifact depends on the sources alone.
        metadata: { bytecodeHash: 'none', appendCBOR: false },
        outputSelection: { '*': { '*': ['abi', 'evm.bytecode.object', 'evm.deployedBytecode.object', 'evm.methodIdentifiers'] } },
      },
    }),
  ),
);

for (const { formattedMessage } of output.errors ?? []) console.error(formattedMessage);
if ((output.errors ?? []).length > 0) process.exit(1);

let stale = 0;
for (const contracts of Object.values(output.contracts)) {
  for (const [name, { abi, evm }] of Object.entries(contracts)) {
    const artifact = `${JSON.stringify(
      {
        contract: name,
        compiler: solc.version(),
        abi,
        methodIdentifiers: evm.methodIdentifiers,
        bytecode: evm.bytecode.object,
        deployedBytecode: evm.deployedBytecode.object,
      },
      null,
      2,
    )}\n`;
    const path = join(here, 'artifacts', `${name}.json`);
    if (process.argv.includes('--check')) {
      let found = '';
      try {
        found = readFileSync(path, 'utf8');
      } catch {
        // A missing artifact is a stale one.
      }
      if (found !== artifact) {
        stale += 1;
        console.error(`artifacts/${name}.json is not what the sources compile to: run node build.mjs`);
      }
    } else {
      mkdirSync(join(here, 'artifacts'), { recursive: true });
      writeFileSync(path, artifact);
    }
  }
}
process.exit(stale === 0 ? 0 : 1);
