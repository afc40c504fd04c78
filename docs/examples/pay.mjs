// Fetches a URL and pays for it through Countersign when it answers 402. Nothing but Node 20.
//   COUNTERSIGN_TOKEN=… node pay.mjs http://127.0.0.1:8402/articles/1
// Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
// COUNTERSIGN_URL says otherwise. The token comes from a pairing: see pair.sh.
import { readFileSync } from "node:fs";

// Looked up for each call: a Countersign that was started again may listen elsewhere.
function where() {
  if (process.env.COUNTERSIGN_URL) return process.env.COUNTERSIGN_URL;
  try {
    const runtime = JSON.parse(readFileSync(`${process.env.XDG_RUNTIME_DIR}/countersign/main.json`, "utf8"));
    process.kill(runtime.pid, 0); // a file that a crash left behind names a process that is gone
    return `http://${runtime.address}`;
  } catch {
    throw "Countersign is not running";
  }
}

// No redirect is followed: a payment is for the URL that it was asked for.
const straight = (url, options) => fetch(url, { redirect: "manual", ...options });

async function countersign(path, body) {
  const answer = await straight(where() + path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${process.env.COUNTERSIGN_TOKEN}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw `${said.code}: ${said.detail}`; // a problem document
  return said;
}

// fetch keeps the reason one level down.
const reason = (why) => String(why?.cause?.message || why?.cause?.code || why?.message || why);

async function print(answer) {
  process.stdout.write(Buffer.from(await answer.arrayBuffer()));
  return answer.status;
}

// Prints what is there, paid for where that is asked; the answer's status.
async function buy(url) {
  const asked = await straight(url);
  if (asked.status !== 402) return print(asked);
  // The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
  const header = asked.headers.get("payment-required");
  if (header?.includes(",")) throw "PAYMENT-REQUIRED came more than once: which of them counts would be a guess";
  const paymentRequired = header ?? (await asked.text());
  let payment = await countersign("/v1/payments", { request: { method: "GET", url }, paymentRequired });
  while (payment.status === "asked" || payment.status === "approved") {
    payment = await countersign(`/v1/payments/${payment.id}?wait=25`);
  }
  if (payment.status !== "signed") throw `${payment.failure.code}: ${payment.failure.message}`;
  const answer = await straight(url, { headers: { [payment.headerName]: payment.headerValue } });
  const paymentResponse = answer.headers.get("payment-response") ?? answer.headers.get("x-payment-response");
  const httpStatus = await print(answer); // paid for: it comes first, whatever happens to the report
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
