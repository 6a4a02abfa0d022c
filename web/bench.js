// node web/bench.js: how long a browser and Node take, as the table in web/README.md.
//
// It needs web/build, target/release/zktorch and the zoo ($ZKTORCH_ZOO).
import { existsSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { availableParallelism, loadavg } from "node:os";
import { join } from "node:path";
import { gzipSync, brotliCompressSync } from "node:zlib";
import { verify } from "./dist/node.js";
import { launch, serve } from "./tests/browser.js";
import { digits, proof, repository, transparent } from "./tests/proofs.js";

const RUNS = 5;
const zoo = process.env.ZKTORCH_ZOO ?? join(repository, "../shared");

/** A published model, calibrated by the one input that is published with it. */
function published(name) {
  const folder = join(zoo, "models", name);
  if (!existsSync(folder)) throw new Error(`no ${folder}: ZKTORCH_ZOO names the zoo`);
  const input = join(folder, "test_data_set_0/input_0.pb");
  return proof(name, { model: join(folder, "model.onnx"), calibrate: input, input, options: ["--max-error", "0.9"] });
}

const models = [
  ["digits CNN, 8x8 (bundled)", digits],
  ["digits MLP (bundled), transparent setup", transparent],
  ["MNIST CNN", () => published("mnist_cnn_ms")],
  ["ResNet-8 / CIFAR (MLPerf Tiny)", () => published("mlperf_tiny_resnet8_cifar10")],
  ["ResNet-20 / CIFAR", () => published("resnet20_cifar10")],
  ["MobileNet v1 0.25 / 128", () => published("mobilenet_v1_025_128_imagenet")],
];

const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];
const ms = (seconds) => Math.round(1000 * seconds).toLocaleString("en");
const count = (n) => n.toLocaleString("en");

/** What a proof takes, what the first one takes with its model proof, and what generators take beside. */
function times(reports) {
  for (const report of reports) if (report.verdict !== "accepted") throw new Error(JSON.stringify(report));
  const model = median(reports.slice(1).map((r) => r.total_seconds - r.seconds));
  return { proof: median(reports.map((r) => r.seconds)), model, first: reports[0].total_seconds };
}

async function inNode({ key, proof, modelProof }) {
  const reports = [];
  for (let run = 0; run < RUNS; run++) reports.push((await verify({ key, proof, modelProof })).report);
  return times(reports);
}

async function inChromium(page, made) {
  await page.reload();
  const reports = [];
  const judged = async () => {
    await page.waitForSelector("#verdict:not([hidden])", { timeout: 300_000 });
    reports.push(JSON.parse(await page.locator(".json pre").textContent()));
  };
  await page.setInputFiles("#modelProof-file", made.path("model.proof"));
  await page.waitForSelector("[data-slot=modelProof].filled");
  await page.setInputFiles("#key-file", made.path("verifying.key"));
  await page.waitForSelector("[data-slot=key].filled");
  await page.setInputFiles("#proof-file", made.path("answer.proof"));
  await judged();
  while (reports.length < RUNS) {
    await page.evaluate(() => (document.querySelector("#verdict").hidden = true));
    await page.click("#verify");
    await judged();
  }
  return times(reports);
}

const browser = await launch();
const server = await serve();
const page = await browser.newPage();
await page.goto(server.url);
const rows = [];
const load = loadavg()[0];
for (const [name, make] of models) {
  const made = make();
  const [node, chromium] = [await inNode(made), await inChromium(page, made)];
  const sizes = ["verifying.key", "answer.proof", "model.proof"].map((file) => count(statSync(made.path(file)).size));
  rows.push([name, ...sizes, ms(chromium.proof), ms(chromium.model), ms(chromium.first), ms(node.proof), ms(node.model), ms(node.first)]);
}
const version = browser.version();
await browser.close();
server.end();

const wasm = readFileSync(new URL("./dist/wasm/zktorch_bg.wasm", import.meta.url));
const html = readFileSync(new URL("./site/index.html", import.meta.url));
const head = ["model", "key, bytes", "proof, bytes", "model proof, bytes", "Chromium: proof, ms", "model proof, ms", "first of all, ms", "Node: proof, ms", "model proof, ms", "first of all, ms"];
const line = (cells) => `| ${cells.join(" | ")} |`;
const table = [
  line(head),
  `|---|${"--:|".repeat(head.length - 1)}`,
  ...rows.map(line),
  "",
  `Chromium ${version.split(".")[0]}, Node ${process.versions.node.split(".")[0]}; medians of ${RUNS}, on ${availableParallelism()} cores at a load of ${load.toFixed(0)} (a machine that does nothing else takes less).`,
  `The module has ${count(wasm.length)} bytes, ${count(gzipSync(wasm, { level: 9 }).length)} with gzip and ${count(brotliCompressSync(wasm).length)} with Brotli; the page, which holds it, ${count(html.length)}.`,
].join("\n");
console.log(table);
const readme = new URL("./README.md", import.meta.url);
const [before, , after] = readFileSync(readme, "utf8").split(/<!-- (?:begin|end) of figures -->\n/);
writeFileSync(readme, `${before}<!-- begin of figures -->\n${table}\n<!-- end of figures -->\n${after}`);
