/** What `zktorch verify --format json` and `zktorch inspect --format json` print, as types. */

/** A public input or output. */
export interface Tensor {
  /** Its ONNX name. */
  name: string;
  /** Its shape. */
  shape: number[];
  /** What its entries are: `real`, `integer` or `boolean`. */
  element: string;
  /** The values, row-major. */
  data: number[];
  /** The integers that the proof is about; those beyond 2^53 are exact in {@link Answer.json} only. */
  integers: number[];
  /** `data = integers * 2^-scale`, but for columns. */
  scale: number;
  /** By which powers of two columns of the last axis are larger; empty for none. */
  columns: number[];
}

/** What a key's soundness rests on. */
export interface Setup {
  name: string;
  /** What has to be trusted. */
  trust: string;
  /** Whether anybody can forge proofs. */
  insecure: boolean;
}

/** A private input or output, by its commitment. */
export interface Commitment {
  name: string;
  role: string;
  shape: number[];
  scale: number;
  /** SHA-256, in hexadecimal. */
  digest: string;
}

/** What both verdicts say. */
export interface Judged {
  /** SHA-256 of the verifying key: compare it with what its maker says. */
  key_digest: string;
  /** SHA-256 of the commitments to the weights. */
  model_digest: string;
  setup: Setup;
  /** Bytes of the proof, without public values. */
  proof_bytes: number;
  /** Bytes of its file. */
  file_bytes: number;
  /** Seconds that the proof took. */
  seconds: number;
  /** Seconds that all took: reading, generators and the model proof too. */
  total_seconds: number;
  /** What each phase took. */
  phases: { name: "reading" | "generators" | "proof" | "model proof"; seconds: number }[];
}

/** The proof shows all that was asked for. */
export interface Accepted extends Judged {
  verdict: "accepted";
  reason: null;
  /** What one must know before trusting it. */
  warning: string | null;
  /** Whether the weights are known to be integers of their declared widths. */
  model: "proved" | "unproved";
  model_text: string;
  soundness_bits: number;
  inputs: Tensor[];
  outputs: Tensor[];
  /** What the proof does not show. */
  hidden: string[];
  /** Private inputs and outputs. */
  commitments: Commitment[];
  /** Tokens that are the model's, first and last of each run. */
  answered: [number, number][];
  /** How tokens were drawn. */
  drawn: { seed: string; temperature: number | null } | null;
  /** What was required, and is so. */
  required: string[];
}

/** It does not. */
export interface Rejected extends Judged {
  verdict: "rejected";
  reason: string;
}

/** Nothing was decided. */
export interface Undecided {
  error: {
    what: string;
    hint: string | null;
    exit_code: 2;
  };
}

/** An input or output of a key. */
export interface Port {
  name: string;
  shape: number[];
  element: string;
  visibility: "public" | "private";
}

/** What a file is. */
export type Found =
  | {
      kind: "verifying key";
      file_bytes: number;
      inputs: Port[];
      outputs: Port[];
      setup: Setup;
      soundness_bits: number;
      model_digest: string;
      key_digest: string;
    }
  | { kind: "proof"; file_bytes: number; key_digest: string; public_values: number[]; proof_bytes: number; seeded: boolean }
  | { kind: "model proof"; file_bytes: number; model_digest: string; level: "widths" | "padding"; parts: number }
  | { kind: "program" | "proving key" | "commitment" | "opening"; file_bytes: number };

/** A file that cannot be read, and what its header says it is. */
export interface Damaged extends Undecided {
  kind?: Found["kind"];
}
