// Calls Countersign with a key of its own instead of a token: each request is signed (RFC 9421, Ed25519), and no secret
// ever leaves this program. Nothing but Node 20.
//   node sign.mjs pair 'News reader'      once: makes the key, and asks to be paired by it
//   node sign.mjs POST /v1/payments '{"request":{"method":"GET","url":"https://…"},"paymentRequired":"…"}'
// The key is in ~/.countersign-key.pem; COUNTERSIGN_KEY names another file. Where Countersign listens: see pay.mjs.
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, randomUUID, sign } from "node:crypto";
import { existsSync, readFileSync, writeFileSync } from "node:fs";

const { HOME, COUNTERSIGN_KEY: file = `${HOME}/.countersign-key.pem`, COUNTERSIGN_URL: named, XDG_RUNTIME_DIR: dir } = process.env;

function where() {
  if (named) return named.replace("http://", "").replace(/\/$/, "");
  try {
    const runtime = JSON.parse(readFileSync(process.env.COUNTERSIGN_RUNTIME || `${dir}/countersign/main.json`, "utf8"));
    process.kill(runtime.pid, 0); // a file that a crash left behind names a process that is gone
    return runtime.address;
  } catch {
    throw "Countersign is not running";
  }
}

function key() {
  if (!existsSync(file)) {
    const pem = generateKeyPairSync("ed25519").privateKey.export({ type: "pkcs8", format: "pem" });
    writeFileSync(file, pem, { mode: 0o600, flag: "wx" });
  }
  return createPrivateKey(readFileSync(file));
}
const publicKey = () => Buffer.from(createPublicKey(key()).export({ format: "jwk" }).x, "base64url").toString("hex");

async function call(method, path, body) {
  const address = where();
  // What the signature covers: whoever changes one of these has no signature, and at another address it counts for nothing.
  const [plain, query] = path.split("?");
  const covered = { "@method": method, "@authority": address, "@path": plain };
  if (query !== undefined) covered["@query"] = `?${query}`;
  if (body) covered["content-digest"] = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
  const names = Object.keys(covered).map((name) => `"${name}"`);
  const created = Math.floor(Date.now() / 1000);
  const params = `(${names.join(" ")});created=${created};nonce="${randomUUID()}";keyid="${publicKey()}";alg="ed25519"`;
  const base = Object.entries({ ...covered, "@signature-params": params }).map(([name, value]) => `"${name}": ${value}`);
  const signature = sign(null, Buffer.from(base.join("\n")), key()).toString("base64");
  const headers = { "signature-input": `sig=${params}`, signature: `sig=:${signature}:`, "content-type": "application/json" };
  if (body) headers["content-digest"] = covered["content-digest"];
  const answer = await fetch(`http://${address}${path}`, { method, headers, body, redirect: "manual" });
  return answer.json();
}

async function pair(name) {
  const post = async (path, body) => {
    const headers = { "content-type": "application/json" };
    return (await fetch(`http://${where()}${path}`, { method: "POST", headers, body: JSON.stringify(body) })).json();
  };
  const { id, code, secret, detail } = await post("/v1/pairings", { name, publicKey: publicKey() });
  if (!id) throw detail;
  console.error(`Countersign shows the code ${code}: approve it there.`);
  for (;;) {
    const { status } = await post(`/v1/pairings/${id}?wait=25`, { secret });
    if (status !== "asked") return status;
  }
}

try {
  const [what, ...rest] = process.argv.slice(2);
  console.log(what === "pair" ? await pair(rest[0]) : JSON.stringify(await call(what, ...rest)));
} catch (why) {
  console.error(String(why?.cause?.message || why?.message || why));
  process.exitCode = 1;
}
