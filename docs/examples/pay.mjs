// Fetches a URL and pays for it through Countersign when it answers 402. Nothing but Node 20.
//   COUNTERSIGN_TOKEN=… node pay.mjs http://127.0.0.1:8402/articles/1
// Where Countersign listens stands in the runtime file; COUNTERSIGN_RUNTIME names another file, COUNTERSIGN_URL an address
// (http://127.0.0.1:4020). What listens there proves first that it is the Countersign which gave out the token. The token
// comes from a pairing: see pair.sh.
import { createHash, createHmac, randomBytes } from "node:crypto";
import { readFileSync } from "node:fs";
import http from "node:http";
import https from "node:https";

const { COUNTERSIGN_TOKEN: token = "", COUNTERSIGN_URL: named, COUNTERSIGN_RUNTIME: file, XDG_RUNTIME_DIR: dir } = process.env;

// Its address. Looked up for each call: a Countersign that was started again may listen elsewhere.
function where() {
  if (named) return named.replace("http://", "").replace(/\/$/, "");
  try {
    const runtime = JSON.parse(readFileSync(file || `${dir}/countersign/main.json`, "utf8"));
    process.kill(runtime.pid, 0); // a file that a crash left behind names a process that is gone
    return runtime.address;
  } catch {
    throw "Countersign is not running";
  }
}

// No redirect is followed: a payment is for the URL that it was asked for.
const straight = (url, options) => fetch(url, { redirect: "manual", ...options });

// Whether what listens there has the key that goes with the token. A relay's proof is for another address.
async function proves(address) {
  const sha256 = (text) => createHash("sha256").update(text).digest("hex");
  const [key, nonce] = [sha256(token), randomBytes(32).toString("hex")];
  const expected = createHmac("sha256", key).update(`countersign proof 1\n${nonce}\n${address}`).digest("hex");
  try {
    const url = `http://${address}/v1/proof?key=${sha256(key)}&nonce=${nonce}`;
    const said = await straight(url, { signal: AbortSignal.timeout(10_000) });
    return said.ok && (await said.json()).proof === expected;
  } catch (why) {
    if (why?.cause?.code === "ECONNREFUSED") throw "Countersign is not running";
    return false;
  }
}

async function countersign(path, body) {
  const address = where();
  if (!(await proves(address))) {
    throw `NOT_PAIRED: what listens at ${address} is not the Countersign of this token: nothing was sent`;
  }
  const answer = await straight(`http://${address}${path}`, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${token}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw `${said.code}: ${said.detail}`; // a problem document
  return said;
}

// The seller's answer; with room for long receipts, where fetch ends at 16 KiB of headers.
function seller(url, headers = {}) {
  return new Promise((resolve, reject) => {
    const call = (url.startsWith("https:") ? https : http).get(url, { headers, maxHeaderSize: 65_536 }, async (answer) => {
      const body = [];
      try {
        for await (const piece of answer) body.push(piece);
        resolve({ status: answer.statusCode, headers: answer.headers, body: Buffer.concat(body) });
      } catch (why) {
        reject(why);
      }
    });
    call.on("error", reject);
  });
}

// fetch keeps the reason one level down.
const reason = (why) => String(why?.cause?.message || why?.cause?.code || why?.message || why);

function print(answer) {
  process.stdout.write(answer.body);
  return answer.status;
}

// A header that can't be read never makes way for the body beside it.
const beside = (header, body) => (why) => {
  const both = header && String(why).startsWith("MALFORMED") && body.includes('"accepts"');
  throw both ? `${why} Its body holds an offer of its own: which of them counts would be a guess.` : why;
};

// Prints what is there, paid for where that is asked; the answer's status.
async function buy(url) {
  const asked = await seller(url);
  if (asked.status !== 402) return print(asked);
  // The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
  const header = asked.headers["payment-required"];
  if (header?.includes(",")) throw "PAYMENT-REQUIRED came more than once: which of them counts would be a guess";
  const paymentRequired = header ?? asked.body.toString();
  const ask = { request: { method: "GET", url }, paymentRequired };
  let payment = await countersign("/v1/payments", ask).catch(beside(header, asked.body));
  while (payment.status === "asked" || payment.status === "approved") {
    payment = await countersign(`/v1/payments/${payment.id}?wait=25`);
  }
  if (payment.status !== "signed") throw `${payment.failure.code}: ${payment.failure.message}`;
  const answer = await seller(url, { [payment.headerName]: payment.headerValue });
  const paymentResponse = answer.headers["payment-response"] ?? answer.headers["x-payment-response"];
  const httpStatus = print(answer); // paid for: it comes first, whatever happens to the report
  try {
    await countersign(`/v1/payments/${payment.id}/result`, { paymentResponse, httpStatus });
  } catch (why) {
    console.error(`How it went was not reported (payment ${payment.id}): ${reason(why)}`);
  }
  return httpStatus;
}

try {
  process.exitCode = (await buy(process.argv[2])) === 200 ? 0 : 1;
} catch (why) {
  console.error(reason(why));
  process.exitCode = 1;
}
