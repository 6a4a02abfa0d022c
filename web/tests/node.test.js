// The package in Node: every answer is the command line's.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { test } from "node:test";
import { inspect, verify } from "../dist/node.js";
import { digits, file, noise, noisyProof, secretive, tampered, transparent, zktorch } from "./proofs.js";

/** Without what every run measures anew. */
function lasting(json) {
  const { seconds, total_seconds, phases, ...rest } = JSON.parse(json);
  return rest;
}

const outcome = (json) => ("error" in JSON.parse(json) ? "undecided" : JSON.parse(json).verdict);

test("an accepted proof says what the command line says, letter by letter", async () => {
  for (const { at, path, key, proof, modelProof } of [digits(), secretive(), transparent()]) {
    const answer = await verify({ key, proof, modelProof });
    assert.equal(answer.outcome, "accepted", `${at}: ${answer.json}`);
    const theirs = zktorch("verify", "--key", path("verifying.key"), path("answer.proof"));
    assert.deepEqual(lasting(answer.json), lasting(theirs));
    assert.equal(answer.report.model, "proved");
    const { seconds, total_seconds, phases } = answer.report;
    assert.deepEqual(phases.map(({ name }) => name), JSON.parse(theirs).phases.map(({ name }) => name));
    assert.equal(seconds, phases[2].seconds);
    assert.ok(seconds > 0 && Math.abs(total_seconds - phases.reduce((sum, phase) => sum + phase.seconds, 0)) < 1e-9);
  }
});

test("without a model proof the verdict warns, and a requirement makes it a rejection", async () => {
  const { key, proof, modelProof } = digits();
  const warned = await verify({ key, proof });
  assert.equal(warned.outcome, "accepted");
  assert.match(warned.report.warning, /UNPROVED/);
  const refused = await verify({ key, proof }, { require: ["model-proof"] });
  assert.equal(refused.outcome, "rejected");
  assert.match(refused.report.reason, /--require model-proof/);
  const met = await verify({ key, proof, modelProof }, { require: ["model-proof", "secure-setup"] });
  assert.deepEqual(met.report.required, ["model-proof", "secure-setup"]);
  assert.equal((await verify({ key, proof }, { require: ["kindness"] })).outcome, "undecided");
});

test("a seed for a model that draws nothing decides nothing", async () => {
  const { key, proof } = digits();
  const answer = await verify({ key, proof }, { seed: "ours" });
  assert.equal(answer.outcome, "undecided");
  assert.match(answer.report.error.what, /draws nothing/);
});

test("a private input is not shown, and its commitment is", async () => {
  const { key, proof } = secretive();
  const { report } = await verify({ key, proof });
  assert.deepEqual(report.inputs, []);
  assert.equal(report.outputs.length, 1);
  assert.equal(report.commitments.length, 1);
  assert.ok(report.hidden.some((what) => what.startsWith("input ")));
});

test("no proof with a byte changed is accepted, and each is judged as by the command line", async () => {
  const { path, key, proof } = digits();
  const outcomes = new Set();
  for (let n = 0; n < 48; n++) {
    // Behind the header, before the digest.
    const at = 9 + Math.floor(((proof.length - 42) * n) / 48);
    const changed = tampered(proof, at);
    const answer = await verify({ key, proof: changed });
    assert.notEqual(answer.outcome, "accepted", `byte ${at}`);
    outcomes.add(answer.outcome);
    if (n % 8 === 0) {
      const theirs = zktorch("verify", "--key", path("verifying.key"), file("tampered.proof", changed));
      assert.equal(answer.outcome, outcome(theirs), `byte ${at}`);
      if (answer.outcome === "rejected") assert.equal(answer.report.reason, JSON.parse(theirs).reason);
    }
  }
  assert.ok(outcomes.has("rejected"));
});

test("a proof for another key is rejected", async () => {
  const [ours, other] = [digits(), secretive()];
  const answer = await verify({ key: other.key, proof: ours.proof });
  assert.equal(answer.outcome, "rejected");
  assert.match(answer.report.reason, /key/);
  const mixed = await verify({ key: ours.key, proof: ours.proof, modelProof: other.modelProof });
  assert.equal(mixed.outcome, "undecided");
  assert.match(mixed.report.error.what, /another model/);
});

test("what is cut off, or noise, is undecided", async () => {
  const { key, proof, modelProof } = digits();
  for (const cut of [0, 1, 8, 40, proof.length >> 1, proof.length - 1]) {
    const answer = await verify({ key, proof: proof.subarray(0, cut), modelProof });
    assert.equal(answer.outcome, "undecided", `${cut} bytes`);
    assert.match(answer.report.error.what, /^cannot read the proof/);
    assert.equal(answer.report.error.exit_code, 2);
  }
  for (const files of [
    { key: key.subarray(0, key.length - 1), proof },
    { key, proof: noise() },
    { key: noise(), proof },
    { key, proof, modelProof: noise() },
    { key, proof: noisyProof(proof) },
    { key: proof, proof: key },
  ]) {
    assert.equal((await verify(files)).outcome, "undecided");
  }
});

test("a transparent setup's generators are derived once, and said to be", async () => {
  const { key, proof } = transparent();
  const phases = [];
  const first = await verify({ key, proof }, { onProgress: (now) => phases.push(now.phase) });
  const again = [];
  const second = await verify({ key, proof }, { onProgress: (now) => again.push(now.phase) });
  assert.equal(first.outcome, "accepted");
  assert.match(first.report.setup.name, /^transparent/);
  assert.deepEqual(again, ["reading", "proof", "model proof"]);
  assert.ok(second.report.total_seconds <= first.report.total_seconds + 0.5);
  assert.deepEqual(lasting(second.json), lasting(first.json));
  // Another test of this process may have derived them before.
  assert.ok(["reading,generators,proof,model proof", again.join()].includes(phases.join()), phases.join());
});

test("proofs are verified side by side, and one of them can be given up", async () => {
  const { key, proof } = digits();
  const control = new AbortController();
  const all = Array.from({ length: 4 }, () => verify({ key, proof }));
  const given = verify({ key, proof: noisyProof(proof) }, { signal: control.signal });
  control.abort();
  await assert.rejects(given, { name: "AbortError" });
  for (const answer of await Promise.all(all)) assert.equal(answer.outcome, "accepted");
  await assert.rejects(verify({ key, proof }, { signal: AbortSignal.abort() }), { name: "AbortError" });
});

test("bytes may be an array buffer or a blob", async () => {
  const { key, proof } = digits();
  const { outcome } = await verify({ key: key.slice().buffer, proof: new Blob([proof]) });
  assert.equal(outcome, "accepted");
});

test("files are described as the command line describes them", async () => {
  const { path, key, proof, modelProof } = digits();
  for (const [name, bytes] of Object.entries({ "verifying.key": key, "answer.proof": proof, "model.proof": modelProof })) {
    const theirs = JSON.parse(zktorch("inspect", path(name)));
    const ours = await inspect(bytes);
    if (ours.kind === "proof") assert.equal(ours.seeded, theirs.seeded ?? false);
    for (const [field, value] of Object.entries(ours)) {
      if (field !== "seeded") assert.deepEqual(value, theirs[field], `${name}: ${field}`);
    }
  }
  assert.deepEqual((await inspect(proof.subarray(0, 100))).kind, "proof");
  assert.match((await inspect(noise())).error.what, /not a zktorch file/);
});

test("a process ends once nothing is left to verify", () => {
  const { path } = digits();
  const script = `
    import { readFileSync } from "node:fs";
    import { verify } from ${JSON.stringify(new URL("../dist/node.js", import.meta.url).href)};
    const [key, proof] = ${JSON.stringify([path("verifying.key"), path("answer.proof")])}.map((path) => readFileSync(path));
    console.log((await verify({ key, proof })).outcome);`;
  const said = execFileSync(process.execPath, ["--input-type=module", "-e", script], { encoding: "utf8", timeout: 60_000 });
  assert.equal(said, "accepted\n");
});
