/** The caller's side: hands tasks to workers. */

import type { Accepted, Damaged, Found, Rejected, Undecided } from "./report.js";
import { undecided, type Note, type Progress, type Requirement, type Task } from "./work.js";

export type * from "./report.js";
export type { Progress, Requirement } from "./work.js";

/** A file, or its bytes. */
export type Bytes = Uint8Array | ArrayBuffer | Blob;

/** What is verified. */
export interface Files {
  /** `verifying.key`, from somebody you trust, or of a digest that you know. */
  key: Bytes;
  /** The proof. */
  proof: Bytes;
  /** `model.proof`, which stands beside the key. */
  modelProof?: Bytes | undefined;
}

export interface Options {
  /** The seed that a sample must have been drawn by. */
  seed?: string | undefined;
  /** Reject what would be accepted with a warning, or shows too little. */
  require?: readonly Requirement[];
  /** How the proof is called in the verdict. */
  name?: string;
  /** Called with what is being done. */
  onProgress?: (progress: Progress) => void;
  /** Ends the verification; the promise rejects with the signal's reason. */
  signal?: AbortSignal;
}

/** An outcome, and all that is said of it. */
export type Answer =
  | { outcome: "accepted"; report: Accepted; json: string }
  | { outcome: "rejected"; report: Rejected; json: string }
  | { outcome: "undecided"; report: Undecided; json: string };

/** A worker, wherever it runs. */
export interface Hand {
  /** Sends a task. `done` is called with notes, or with an error after which the worker is of no use. */
  send(task: Task, note: (note: Note) => void, failed: (error: Error) => void): void;
  end(): void;
}

/** What a package exports. */
export interface Verifier {
  /** Verifies a proof in a worker. It does not reject for a bad file: that is an answer, too. */
  verify(files: Files, options?: Options): Promise<Answer>;
  /** Says what a file is, without verifying anything. */
  inspect(bytes: Bytes): Promise<Found | Damaged>;
}

/** Beyond this a module's memory does not go far enough. */
const LARGEST = 2 ** 30;

async function read(bytes: Bytes): Promise<Uint8Array> {
  const length = bytes instanceof Blob ? bytes.size : bytes.byteLength;
  if (length > LARGEST) throw new RangeError(`a file has ${length} bytes; at most ${LARGEST} are read`);
  if (bytes instanceof Uint8Array) return bytes;
  return new Uint8Array(bytes instanceof Blob ? await bytes.arrayBuffer() : bytes);
}

/** A verifier whose workers are made by `spawn`. */
export function verifier(spawn: () => Hand): Verifier {
  // A worker that has nothing to do waits for the next task: it has the module, and generators.
  let idle: Hand | undefined;

  function run(task: Task, options: Options): Promise<string> {
    return new Promise((resolve, reject) => {
      const { signal, onProgress } = options;
      signal?.throwIfAborted();
      const hand = idle ?? spawn();
      idle = undefined;
      const abort = () => {
        hand.end();
        reject(signal?.reason as Error);
      };
      signal?.addEventListener("abort", abort, { once: true });
      const note = (note: Note) => {
        if ("progress" in note) return onProgress?.(note.progress);
        signal?.removeEventListener("abort", abort);
        if (idle) hand.end();
        else idle = hand;
        resolve(note.json);
      };
      const failed = (error: Error) => {
        signal?.removeEventListener("abort", abort);
        hand.end();
        resolve(undecided(`the verifier failed: ${error.message}`, "the files may be too large for it; zktorch verify has more room"));
      };
      hand.send(task, note, failed);
    });
  }

  return {
    async verify(files, options = {}) {
      let json: string;
      try {
        const [key, proof] = [await read(files.key), await read(files.proof)];
        const modelProof = files.modelProof && (await read(files.modelProof));
        const { seed, require = [], name = "the proof" } = options;
        json = await run({ kind: "verify", key, proof, modelProof, name, seed: seed || undefined, require }, options);
      } catch (error) {
        // A file that is too large, or was changed or taken away after it was chosen.
        const unreadable = error instanceof RangeError || (error instanceof DOMException && !options.signal?.aborted);
        if (!unreadable) throw error;
        json = undecided(`cannot read the files: ${error.message}`);
      }
      const report = JSON.parse(json) as Accepted | Rejected | Undecided;
      const outcome = "error" in report ? "undecided" : report.verdict;
      return { outcome, report, json } as Answer;
    },
    async inspect(bytes) {
      return JSON.parse(await run({ kind: "inspect", bytes: await read(bytes) }, {})) as Found | Damaged;
    },
  };
}
