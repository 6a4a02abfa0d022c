// What users write is checked against the package's types: this file is compiled, and never run.
import { inspect, verify, type Answer, type Tensor } from "@zktorch/verifier";

export async function largest(key: Blob, proof: Uint8Array): Promise<number | string> {
  const answer: Answer = await verify({ key, proof }, { require: ["model-proof"], signal: AbortSignal.timeout(60_000) });
  switch (answer.outcome) {
    case "accepted": {
      const [output]: Tensor[] = answer.report.outputs;
      return output ? output.data.indexOf(Math.max(...output.data)) : -1;
    }
    case "rejected":
      return answer.report.reason;
    case "undecided":
      return answer.report.error.what;
  }
}

export async function digest(key: ArrayBuffer): Promise<string | undefined> {
  const found = await inspect(key);
  return "error" in found || found.kind !== "verifying key" ? undefined : found.key_digest;
}

// @ts-expect-error a requirement that there is none
void verify({ key: new Uint8Array(), proof: new Uint8Array() }, { require: ["kindness"] });
