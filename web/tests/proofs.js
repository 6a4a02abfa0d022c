// Keys and proofs for the tests, made by the command line and kept as long as that is the same.
import { execFileSync } from "node:child_process";
import { createHash } from "node:crypto";
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

export const repository = fileURLToPath(new URL("../..", import.meta.url));
const models = join(repository, "models");
export const cli = process.env.ZKTORCH ?? join(repository, "target/release/zktorch");

const name = createHash("sha256").update(readFileSync(cli)).digest("hex").slice(0, 16);
/** Where they are. */
export const made = join(repository, "target/web/proofs", name);

/** Runs a command, and returns what it prints. It may say no, with exit code 1 or 2. */
export function zktorch(...words) {
  try {
    // Notes of model proofs that were accepted before would show in verdicts.
    const env = { ...process.env, XDG_CACHE_HOME: join(made, "..", "no-notes") };
    rmSync(join(env.XDG_CACHE_HOME, "zktorch/proved-models"), { recursive: true, force: true });
    return execFileSync(cli, ["--format", "json", ...words], { cwd: repository, encoding: "utf8", env, maxBuffer: 2 ** 28, stdio: ["ignore", "pipe", "ignore"] });
  } catch (error) {
    if (error.status === 1 || error.status === 2) return error.stdout;
    throw error;
  }
}

/** A folder with a compiled model and a proof of it. */
export function proof(folder, { model, calibrate, input, options = [] }) {
  const at = join(made, folder);
  if (!existsSync(at)) {
    const half = `${at}.half`;
    rmSync(half, { recursive: true, force: true });
    mkdirSync(made, { recursive: true });
    for (const words of [
      ["compile", model, "-o", half, "--calibrate", calibrate, ...options],
      ["prove", half, "--input", input, "-o", join(half, "answer.proof")],
    ]) {
      const said = JSON.parse(zktorch(...words));
      if (said.error) throw new Error(`zktorch ${words.join(" ")}: ${said.error.what}`);
    }
    renameSync(half, at);
  }
  const path = (file) => join(at, file);
  const read = (file) => new Uint8Array(readFileSync(path(file)));
  return { at, path, key: read("verifying.key"), proof: read("answer.proof"), modelProof: read("model.proof") };
}

const bundled = (name) => ({
  model: join(models, name, "model.onnx"),
  input: join(models, name, "input.json"),
  calibrate: join(models, "digits_calibration.npy"),
});

/** A digit classifier, and its answer to an image of a nine. */
export const digits = () => proof("digits", bundled("digits_cnn"));
/** Another one, whose setup needs no trust. */
export const transparent = () => proof("transparent", { ...bundled("digits_mlp"), options: ["--setup", "transparent"] });
/** A proof that does not show its input. */
export const secretive = () => proof("secretive", { ...bundled("digits_mlp"), options: ["--input", "private"] });

/** A file with a byte changed and a digest that fits again: what a forger would send. */
export function tampered(bytes, at) {
  const changed = bytes.slice();
  changed[at] ^= 1;
  const payload = changed.subarray(0, -32);
  changed.set(createHash("sha256").update(payload).digest(), payload.length);
  return changed;
}

/** 30 MB that are nobody's file. */
export function noise() {
  const bytes = new Uint8Array(30_000_000);
  let state = 1;
  for (let at = 0; at < bytes.length; at++) bytes[at] = state = (Math.imul(state, 1103515245) + 12345) >>> 8;
  return bytes;
}

/** The same, behind a proof's first bytes, with a digest that fits. */
export function noisyProof(proof) {
  const bytes = noise();
  bytes.set(proof.subarray(0, 64));
  return tampered(bytes, 100);
}

/** A file of the tests by its bytes. */
export function file(name, bytes) {
  mkdirSync(join(made, "files"), { recursive: true });
  const path = join(made, "files", name);
  writeFileSync(path, bytes);
  return path;
}
