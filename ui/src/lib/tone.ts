// Which colour goes with a payment's word. The word carries the meaning.
import type { PaymentView } from "./bindings";

export type Tone = "good" | "ask" | "stop" | "plain";

export function tone(p: Pick<PaymentView, "state" | "settlement" | "delivery">): Tone {
  if (p.state === "refused") return "stop";
  if (p.state === "cancelled" || p.state === "expired" || p.settlement === "neverUsed") return "plain";
  if (p.settlement === "final" || p.settlement === "seen") return p.delivery === "refusedBySeller" ? "ask" : "good";
  return "ask";
}
