/** The page: takes files, has them verified in a worker, and shows what came out. */

import { hand } from "../src/hand.js";
import { verifier, type Damaged, type Found, type Progress, type Requirement } from "../src/client.js";
import source from "bundled:worker";
import { bytes, count, find, seconds } from "./dom.js";
import { show } from "./verdict.js";

type Slot = "key" | "proof" | "modelProof";
const SLOTS: readonly Slot[] = ["key", "proof", "modelProof"];
const KINDS: Record<string, Slot> = { "verifying key": "key", proof: "proof", "model proof": "modelProof" };
const NAMES: Record<Slot, string> = { key: "verifying key", proof: "proof", modelProof: "model proof" };

const script = URL.createObjectURL(new Blob([source], { type: "text/javascript" }));
const { verify, inspect } = verifier(() => hand(new Worker(script)));

const chosen: Partial<Record<Slot, File>> = {};
const section = find("#verdict", HTMLElement);
const status = find("#status", HTMLElement);
const expected = find("#expected", HTMLInputElement);
const seed = find("#seed", HTMLInputElement);
const start = find("#verify", HTMLButtonElement);
const stop = find("#stop", HTMLButtonElement);
const curtain = find("#curtain", HTMLElement);

/** Digest of the chosen key, once it is known. */
let digest: string | undefined;
let running: AbortController | undefined;

const plainHex = () => expected.value.replace(/[\s:]/g, "").toLowerCase();

/** What a slot says of its file. */
function describe(slot: Slot, file: File, found: Found | Damaged): string {
  const name = `${file.name}, ${bytes(file.size)}`;
  if ("error" in found) return `${name}. It cannot be read as a ${NAMES[slot]}: ${found.error.what}`;
  switch (found.kind) {
    case "verifying key": {
      const port = (p: { name: string; shape: number[]; visibility: string }) => `${p.name} [${p.shape.join("×")}] ${p.visibility}`;
      return `${name}. Inputs ${found.inputs.map(port).join(", ")}; outputs ${found.outputs.map(port).join(", ")}. Digest ${found.key_digest}`;
    }
    case "proof":
      return `${name}. Not checked yet; for the key ${found.key_digest.slice(0, 16)}…`;
    case "model proof":
      return `${name}. Not checked yet; for the model ${found.model_digest.slice(0, 16)}…`;
    default:
      return `${name}. This is a ${found.kind}, not a ${NAMES[slot]}`;
  }
}

function state(slot: Slot, text: string) {
  find(`#${slot}-state`, HTMLElement).textContent = text;
  const filled = chosen[slot] !== undefined;
  find(`[data-slot=${slot}]`, HTMLElement).classList.toggle("filled", filled);
  find(`[data-clear=${slot}]`, HTMLButtonElement).hidden = !filled;
}

/** The verdict on the page is about other files than those that are chosen now. */
function forget() {
  running?.abort();
  section.hidden = true;
}

function compare() {
  const said = find("#expected-state", HTMLElement);
  const text = plainHex();
  if (text === "") said.textContent = "";
  else if (!/^[0-9a-f]{64}$/.test(text)) said.textContent = "✕ Not 64 hexadecimal digits yet";
  else if (digest === undefined) said.textContent = "Compared once there is a key";
  else said.textContent = text === digest ? "✓ The key has this digest" : "✕ The key has another digest";
}

/** The browser says beside its button which file was chosen: it must be the one that is. */
function mirror(slot: Slot) {
  const transfer = new DataTransfer();
  const file = chosen[slot];
  if (file) transfer.items.add(file);
  find(`#${slot}-file`, HTMLInputElement).files = transfer.files;
}

function put(slot: Slot, file: File, found: Found | Damaged) {
  chosen[slot] = file;
  mirror(slot);
  if (slot === "key") digest = "error" in found || found.kind !== "verifying key" ? undefined : found.key_digest;
  state(slot, describe(slot, file, found));
  compare();
}

/** A file's place is what it is, and only where that is not to be seen what it is called, or where it was put. */
async function take(files: Iterable<File>, place?: Slot) {
  forget();
  const secret: string[] = [];
  for (const file of files) {
    const found: Found | Damaged = await inspect(file).catch((error: unknown) => ({
      error: { what: String(error), hint: null, exit_code: 2 as const },
    }));
    const { kind } = found;
    if (kind === "proving key" || kind === "opening") secret.push(`${file.name} is a ${kind}: it holds secrets, give it to nobody.`);
    const free = SLOTS.find((slot) => !chosen[slot]) ?? "proof";
    const called = file.name.endsWith(".key") ? "key" : /model.*proof/.test(file.name) ? "modelProof" : undefined;
    put((kind && KINDS[kind]) ?? place ?? called ?? free, file, found);
  }
  if (secret.length > 0) status.textContent = secret.join(" ");
  else if (chosen.key && chosen.proof) await run();
  else status.textContent = chosen.key ? "Now the proof." : chosen.proof ? "Now the verifying key." : "";
}

function progress(now: Progress): string {
  if (now.phase !== "generators") return { reading: "Reading…", proof: "Verifying the proof…", "model proof": "Verifying the model proof…" }[now.phase];
  return `Deriving ${count(now.count)} generators of a setup without trust: about ${seconds(now.count * PER_GENERATOR)}, once…`;
}

/** Seconds that hashing to the curve takes in a browser, roughly. */
const PER_GENERATOR = 0.002;

async function run() {
  forget();
  const { key, proof, modelProof } = chosen;
  if (!key || !proof) {
    status.textContent = key ? "The proof is missing." : proof ? "The verifying key is missing." : "A verifying key and a proof are missing.";
    find(key ? "#proof-file" : "#key-file", HTMLInputElement).focus();
    return;
  }
  const own = new AbortController();
  running = own;
  stop.hidden = false;
  start.setAttribute("aria-busy", "true");
  const require = [...document.querySelectorAll<HTMLInputElement>("[name=require]:checked")].map((box) => box.value as Requirement);
  const onProgress = (now: Progress) => void (status.textContent = progress(now));
  try {
    const answer = await verify({ key, proof, modelProof }, { require, seed: seed.value, name: proof.name, signal: own.signal, onProgress });
    const says = show(section, answer, plainHex());
    status.textContent = `${says.outcome[0]?.toUpperCase()}${says.outcome.slice(1)}. ${says.reason}`;
    section.focus({ preventScroll: true });
    section.scrollIntoView({ block: "nearest" });
  } catch (error) {
    // Stopped, by somebody or for other files.
    if (!own.signal.aborted) throw error;
    if (running === own) status.textContent = "Stopped.";
  } finally {
    if (running === own) {
      stop.hidden = true;
      start.removeAttribute("aria-busy");
    }
  }
}

for (const slot of SLOTS) {
  const input = find(`#${slot}-file`, HTMLInputElement);
  input.addEventListener("change", () => {
    const files = [...(input.files ?? [])];
    // A file may be put into another place than the one it was chosen for.
    mirror(slot);
    void take(files, slot);
  });
  // A file that has changed on the disk may be chosen again.
  input.addEventListener("click", () => (input.value = ""));
  input.addEventListener("cancel", () => mirror(slot));
  find(`[data-clear=${slot}]`, HTMLButtonElement).addEventListener("click", () => {
    forget();
    delete chosen[slot];
    mirror(slot);
    if (slot === "key") digest = undefined;
    state(slot, "No file yet");
    compare();
    input.focus();
  });
}
start.addEventListener("click", () => void run());
stop.addEventListener("click", () => running?.abort());
expected.addEventListener("input", () => {
  compare();
  section.hidden = true;
});
for (const option of [seed, ...document.querySelectorAll("[name=require]")]) option.addEventListener("input", forget);

const files = (event: DragEvent) => event.dataTransfer?.types.includes("Files") ?? false;
document.addEventListener("dragover", (event) => {
  if (!files(event)) return;
  event.preventDefault();
  curtain.hidden = false;
});
document.addEventListener("dragleave", (event) => {
  if (!event.relatedTarget) curtain.hidden = true;
});
document.addEventListener("drop", (event) => {
  event.preventDefault();
  curtain.hidden = true;
  void take([...(event.dataTransfer?.files ?? [])]);
});
