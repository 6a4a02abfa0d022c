/** What a worker does: it verifies, and says what it is about. */

import { initSync, inspect, Verification } from "./wasm/zktorch.js";

/** What can be asked for beside a valid proof. */
export type Requirement = "model-proof" | "secure-setup" | "public-input" | "public-output";

/** A task for a worker. */
export type Task =
  | { kind: "inspect"; bytes: Uint8Array }
  | {
      kind: "verify";
      key: Uint8Array;
      proof: Uint8Array;
      modelProof: Uint8Array | undefined;
      name: string;
      seed: string | undefined;
      require: readonly Requirement[];
    };

/** What a verification is about at the moment. */
export type Progress =
  | { phase: "reading" | "proof" | "model proof" }
  /** Hashing the generators of a transparent setup, which takes about two milliseconds each. */
  | { phase: "generators"; count: number };

/** What a worker says of a task. */
export type Note = { progress: Progress } | { json: string };

/** Generators by their number, for the next proof. The largest ones that are allowed take 6 MiB. */
const derived = new Map<number, Uint8Array>();

function verify(task: Extract<Task, { kind: "verify" }>, say: (progress: Progress) => void): string {
  const times: number[] = [];
  let since = performance.now();
  /** Ends a phase. */
  const tick = () => {
    const now = performance.now();
    times.push((now - since) / 1000);
    since = now;
  };
  say({ phase: "reading" });
  const verification = new Verification(task.key, task.proof, task.seed, task.require.join());
  try {
    tick();
    const count = verification.generators();
    const kept = derived.get(count);
    if (count > 0 && !(kept && verification.recall(kept))) {
      say({ phase: "generators", count });
      derived.set(count, verification.derive());
    }
    tick();
    say({ phase: "proof" });
    const holds = verification.decide();
    tick();
    if (holds) {
      say({ phase: "model proof" });
      verification.model(task.modelProof);
    }
    tick();
    return verification.conclude(task.name, new Float64Array(times));
  } finally {
    verification.free();
  }
}

/** An error as the command line prints it. */
export function undecided(what: string, hint: string | null = null): string {
  return JSON.stringify({ error: { what, hint, exit_code: 2 } });
}

/** Makes the module ready, and returns what answers tasks. */
export function worker(module: WebAssembly.Module): (task: Task, say: (note: Note) => void) => void {
  initSync({ module });
  return (task, say) => {
    try {
      const json = task.kind === "inspect" ? inspect(task.bytes) : verify(task, (progress) => say({ progress }));
      say({ json });
    } catch (error) {
      // The module's own errors are JSON. A trap leaves it in no state to go on: the caller ends this worker.
      if (typeof error !== "string") throw error;
      say({ json: error });
    }
  };
}
