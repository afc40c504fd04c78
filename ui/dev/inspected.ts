// An invented answer of the inspector, for the gallery and the component tests.
import type { InspectView, LineView } from "../src/lib/bindings";

const line = (label: string, value: string, more: Partial<LineView> = {}): LineView => ({ label, value, also: null, remark: null, help: null, weight: null, ...more });

export const inspected: InspectView = {
  title: "A PAYMENT-REQUIRED of version 2 with 2 options.", understood: true, url: null, canLookUp: false, needsNetwork: false, lookedUp: [],
  parts: [{
    kind: "paymentRequired", title: "A PAYMENT-REQUIRED of version 2 with 2 options.", place: "header PAYMENT-REQUIRED", tried: [],
    findings: [
      { code: "networkForeign", weight: "note", title: "Not TRON", text: "option 2: eip155:8453 is Base, not TRON. Countersign pays on TRON only; another option may do.", compare: null },
      { code: "base64UrlSafe", weight: "note", title: "URL-safe base64", text: "Written with - and _ in place of + and /: some readers refuse it.", compare: null },
    ],
    groups: [
      { name: "document", option: false, lines: [line("x402 version", "2")] },
      { name: "option 1", option: true, lines: [
        line("scheme", "exact_permit", { help: "How the payment is made: which message is signed and which contract settles it." }),
        line("token", "TXYZopYRdj2D9XRtbG411XZZ3kM5VkAeBf", { also: "0xeca9bc828a3005b9a3b909f2cc5c2a54794de05f", remark: "USDT on TRON Nile; known by its address", weight: "good", help: "The token's contract. The address decides, never the name." }),
        line("price", "0.25 USDT", { also: "250000", help: "What the payee gets." }),
        line("valid until", "2026-11-22T22:47:58Z", { also: "1795387678", remark: "expired 4 minutes ago", weight: "warn", help: "From then on the contract refuses it." }),
      ] },
      { name: "option 2", option: true, lines: [
        line("scheme", "exact"), line("network", "eip155:8453", { remark: "Base, not TRON" }),
        line("can't be used", "the network \"eip155:8453\" is not one of TRON's", { weight: "warn" }),
      ] },
    ],
    document: '{\n  "x402Version": 2,\n  "accepts": []\n}',
  }],
};

export const unknown: InspectView = {
  ...inspected, title: "This is nothing that x402 on TRON knows.", understood: false,
  parts: [{ kind: "unknown", title: "Not recognised.", place: null, findings: [], groups: [], document: "hello",
    tried: [{ what: "base64 of a document", field: "header", found: "5 characters, cut off in the middle of a byte", expected: "standard base64 of a JSON document" }] }],
};
