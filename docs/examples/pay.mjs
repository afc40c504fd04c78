// Fetches a URL and pays for it through Countersign when it answers 402. Nothing but Node 20.
//   COUNTERSIGN_TOKEN=… node pay.mjs http://127.0.0.1:8402/articles/1
// Where Countersign listens stands in a file that only you can write, so that no other program can pretend to be it;
// COUNTERSIGN_URL says otherwise. The token comes from a pairing: see pair.sh.
import { existsSync, readFileSync } from "node:fs";

function where() {
  const runtime = `${process.env.XDG_RUNTIME_DIR ?? "/nowhere"}/countersign/main.json`;
  return existsSync(runtime) ? JSON.parse(readFileSync(runtime, "utf8")).address : "127.0.0.1:4020";
}

const port = process.env.COUNTERSIGN_URL ?? `http://${where()}`;

async function countersign(path, body) {
  const answer = await fetch(port + path, {
    method: body ? "POST" : "GET",
    headers: { authorization: `Bearer ${process.env.COUNTERSIGN_TOKEN}`, "content-type": "application/json" },
    body: body && JSON.stringify(body),
  });
  const said = await answer.json();
  if (!answer.ok) throw `${said.code}: ${said.detail}`; // a problem document
  return said;
}

async function paid(url) {
  const asked = await fetch(url);
  if (asked.status !== 402) return asked;
  // The 402 goes to Countersign as it came. It asks the person, unless a limit of theirs allows it.
  const paymentRequired = asked.headers.get("payment-required") ?? (await asked.text());
  let payment = await countersign("/v1/payments", { request: { method: "GET", url }, paymentRequired });
  while (payment.status === "asked" || payment.status === "approved") {
    payment = await countersign(`/v1/payments/${payment.id}?wait=25`);
  }
  if (payment.status !== "signed") throw `${payment.failure.code}: ${payment.failure.message}`;
  const answer = await fetch(url, { headers: { [payment.headerName]: payment.headerValue } });
  const paymentResponse = answer.headers.get("payment-response") ?? answer.headers.get("x-payment-response");
  await countersign(`/v1/payments/${payment.id}/result`, { paymentResponse, httpStatus: answer.status });
  return answer;
}

try {
  const answer = await paid(process.argv[2]);
  process.stdout.write(await answer.text());
  process.exitCode = answer.status === 200 ? 0 : 1;
} catch (why) {
  console.error(String(why));
  process.exitCode = 1;
}
