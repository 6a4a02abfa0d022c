// The page in Chromium.
import assert from "node:assert/strict";
import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { pathToFileURL } from "node:url";
import { launch, page as html, serve } from "./browser.js";
import { digits, file, noise, noisyProof, repository, secretive, tampered, transparent, zktorch } from "./proofs.js";

const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
// Those of the README are written on demand: fonts differ from one machine to the next.
const pictures = join(repository, process.env.ZKTORCH_WRITE ? "web/screenshots" : "target/web/screenshots");
mkdirSync(pictures, { recursive: true });

let browser, server;
before(async () => [browser, server] = [await launch(), await serve()]);
after(async () => {
  await browser?.close();
  server?.end();
});

/** Everything that a test's page asked for, on any host. */
async function opened(options = {}) {
  const context = await browser.newContext({ viewport: { width: 1000, height: 900 }, ...options });
  const requests = [];
  context.on("request", (request) => requests.push(request.url()));
  const page = await context.newPage();
  const trouble = [];
  page.on("pageerror", (error) => trouble.push(String(error)));
  page.on("console", (message) => message.type() === "error" && trouble.push(message.text()));
  await page.goto(server.url);
  return { page, requests, trouble, context };
}

const KEYS = { key: "#key-file", proof: "#proof-file", modelProof: "#modelProof-file" };

/** Chooses files, and waits for what the page says at last. */
async function judged(page, files) {
  for (const [slot, path] of Object.entries(files)) {
    await page.setInputFiles(KEYS[slot], path);
    await page.waitForFunction((slot) => document.querySelector(`[data-slot=${slot}]`).classList.contains("filled"), slot);
  }
  await page.waitForSelector("#verdict:not([hidden])", { timeout: 120_000 });
  return page.textContent("#verdict-title");
}

/** The verdict as the README shows it. */
async function picture(page, name) {
  await page.setViewportSize({ width: 640, height: 800 });
  await page.evaluate(() => document.activeElement?.blur());
  const { x, y, width, height } = await page.evaluate(() => {
    const box = document.querySelector("#verdict").getBoundingClientRect();
    return { x: box.x + scrollX, y: box.y + scrollY, width: box.width, height: box.height };
  });
  const clip = { x: x - 12, y: y - 12, width: width + 24, height: Math.min(height + 24, 1000) };
  await page.screenshot({ path: join(pictures, `${name}.png`), fullPage: true, clip });
}

const said = (page) => page.locator("#verdict .banner p").first().textContent();
const json = async (page) => JSON.parse(await page.locator(".json pre").textContent());
const paths = ({ path }, ...names) => Object.fromEntries(names.map((name) => [name, path({ key: "verifying.key", proof: "answer.proof", modelProof: "model.proof" }[name])]));
const all = (made) => paths(made, "modelProof", "key", "proof");

test("accepted: what was proved, what is hidden, inputs and outputs", async () => {
  const { page, trouble } = await opened();
  assert.equal(await judged(page, all(digits())), "Accepted");
  const report = await json(page);
  const theirs = JSON.parse(zktorch("verify", "--key", digits().path("verifying.key"), digits().path("answer.proof")));
  for (const field of Object.keys(theirs)) {
    if (!["seconds", "total_seconds", "phases"].includes(field)) assert.deepEqual(report[field], theirs[field], field);
  }
  const text = await page.textContent("#verdict");
  for (const words of ["proved: the weights are integers", theirs.key_digest, "Ethereum ceremony", "all intermediate values"]) {
    assert.ok(text.includes(words), words);
  }
  // The input is an image of 8 by 8, the output ten bars.
  assert.equal(await page.locator("[data-as=image] canvas").count(), 1);
  assert.match(await page.locator("canvas").getAttribute("aria-label"), /8 by 8 pixels/);
  assert.equal(await page.locator(".bars tbody tr").count(), 10);
  const largest = theirs.outputs[0].data.indexOf(Math.max(...theirs.outputs[0].data));
  assert.equal(await page.locator(".bars .largest th").textContent(), String(largest));
  assert.match(await page.textContent("#status"), /^Accepted\./);
  await picture(page, "accepted");
  assert.deepEqual(trouble, []);
});

test("without the model proof an accepted one comes with a warning", async () => {
  const { page } = await opened();
  assert.equal(await judged(page, paths(digits(), "key", "proof")), "Accepted");
  assert.match(await page.textContent(".warning"), /UNPROVED/);
  await page.click(".more summary");
  await page.check("[value=model-proof]");
  assert.ok(await page.locator("#verdict").isHidden(), "the verdict was about other demands");
  await page.click("#verify");
  await page.waitForSelector("#verdict:not([hidden])");
  assert.equal(await page.textContent("#verdict-title"), "Rejected");
});

test("rejected: a proof with a byte changed", async () => {
  const { page, trouble } = await opened();
  const { proof } = digits();
  const forged = file("forged.proof", tampered(proof, proof.length >> 1));
  assert.equal(await judged(page, { ...paths(digits(), "key", "modelProof"), proof: forged }), "Rejected");
  assert.equal((await json(page)).verdict, "rejected");
  assert.equal(await page.locator("canvas, .bars").count(), 0, "nothing of a rejected proof is shown");
  await picture(page, "rejected");
  assert.deepEqual(trouble, []);
});

test("rejected: a key of another model", async () => {
  const { page } = await opened();
  assert.equal(await judged(page, { key: secretive().path("verifying.key"), proof: digits().path("answer.proof") }), "Rejected");
  assert.match(await said(page), /key/);
});

test("rejected: not the key that is expected", async () => {
  const { page } = await opened();
  const { key_digest } = JSON.parse(zktorch("inspect", digits().path("verifying.key")));
  await page.fill("#expected", "0".repeat(64));
  assert.equal(await judged(page, paths(digits(), "key", "proof")), "Rejected");
  assert.match(await said(page), /not the one you expect/);
  assert.equal(await page.locator("canvas, .bars").count(), 0);
  assert.match(await page.textContent("#expected-state"), /^✕/);
  await page.fill("#expected", key_digest.toUpperCase().replace(/(.{8})/g, "$1 "));
  assert.match(await page.textContent("#expected-state"), /^✓/);
  await page.click("#verify");
  await page.waitForSelector("#verdict:not([hidden])");
  assert.equal(await page.textContent("#verdict-title"), "Accepted");
});

test("undecided: a proof that is cut off, and noise", async () => {
  const { page, trouble } = await opened();
  const { proof } = digits();
  const cut = file("cut.proof", proof.subarray(0, proof.length - 100));
  assert.equal(await judged(page, { key: digits().path("verifying.key"), proof: cut }), "Undecided");
  assert.match(await said(page), /truncated or corrupt/);
  assert.deepEqual(Object.keys(await json(page)), ["error"]);
  await picture(page, "undecided");
  for (const [name, bytes, words] of [
    ["noise.proof", noise(), /not a zktorch file/],
    ["noisy.proof", noisyProof(proof), /does not decode|Nothing was decided/],
  ]) {
    await page.evaluate(() => (document.querySelector("#verdict").hidden = true));
    assert.equal(await judged(page, { proof: file(name, bytes) }), "Undecided", name);
    assert.match(await said(page), words);
  }
  assert.deepEqual(trouble, []);
});

test("a transparent setup's generators are announced, and the page stays alive", async () => {
  const { page } = await opened();
  await page.evaluate(() => {
    window.beats = 0;
    window.heard = [];
    const beat = () => (window.beats++, requestAnimationFrame(beat));
    beat();
    new MutationObserver(() => window.heard.push([document.querySelector("#status").textContent, window.beats])).observe(document.querySelector("#status"), { childList: true, characterData: true, subtree: true });
  });
  assert.equal(await judged(page, all(transparent())), "Accepted");
  const heard = await page.evaluate(() => window.heard);
  const from = heard.findIndex(([text]) => /generators/.test(text));
  assert.ok(from >= 0, heard.join("; "));
  assert.ok(heard[from + 1][1] - heard[from][1] > 5, "frames were drawn while generators were derived");
  assert.match(await page.textContent("#verdict"), /no trusted setup/);
});

test("deriving generators can be stopped, and begun again", async () => {
  const { page, trouble } = await opened();
  await page.setInputFiles(KEYS.key, transparent().path("verifying.key"));
  await page.waitForSelector("[data-slot=key].filled");
  await page.setInputFiles(KEYS.proof, transparent().path("answer.proof"));
  await page.waitForFunction(() => /generators/.test(document.querySelector("#status").textContent));
  await page.click("#stop");
  assert.equal(await page.textContent("#status"), "Stopped.");
  assert.ok(await page.locator("#verdict").isHidden());
  assert.ok(await page.locator("#stop").isHidden());
  await page.click("#verify");
  await page.waitForSelector("#verdict:not([hidden])", { timeout: 120_000 });
  assert.equal(await page.textContent("#verdict-title"), "Accepted");
  assert.deepEqual(trouble, []);
});

test("a private input is hidden, and its commitment is shown", async () => {
  const { page } = await opened();
  assert.equal(await judged(page, all(secretive())), "Accepted");
  const text = await page.textContent("#verdict");
  assert.ok(text.includes("input commitment") && !(await page.locator("#verdict h3", { hasText: "Inputs" }).count()));
});

test("files are dropped all at once, and found by what they are", async () => {
  const { page } = await opened();
  const given = ["answer.proof", "model.proof", "verifying.key"].map((name) => [name.replace(/\w+$/, "bin"), [...readFileSync(digits().path(name))]]);
  await page.evaluate((given) => {
    const transfer = new DataTransfer();
    for (const [name, bytes] of given) transfer.items.add(new File([new Uint8Array(bytes)], name));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
  }, given);
  await page.waitForSelector("#verdict:not([hidden])");
  assert.equal(await page.textContent("#verdict-title"), "Accepted");
  assert.equal(await page.locator(".slot.filled").count(), 3);
});

test("a proving key is told from a verifying key, and to be kept", async () => {
  const { page } = await opened();
  await page.setInputFiles(KEYS.key, digits().path("proving.key"));
  await page.waitForFunction(() => /secrets/.test(document.querySelector("#status").textContent));
  assert.match(await page.textContent("#key-state"), /This is a proving key/);
});

test("no request leaves the page", async () => {
  const { page, requests } = await opened();
  const before = server.asked.length;
  await judged(page, all(digits()));
  assert.deepEqual(requests.filter((url) => !/^(blob|data):/.test(url)), [server.url]);
  // Whoever puts other code into the page cannot send anything either, from it or from a worker.
  const tried = await page.evaluate(async (url) => {
    const outcome = (promise) => promise.then(() => "sent", () => "refused");
    const image = new Promise((resolve, reject) => {
      const image = Object.assign(new Image(), { onload: resolve, onerror: reject });
      image.src = `${url}image`;
    });
    const socket = new Promise((resolve, reject) => {
      const socket = new WebSocket(url.replace("http", "ws"));
      Object.assign(socket, { onopen: resolve, onerror: reject });
    });
    const code = `fetch(${JSON.stringify(`${url}worker`)}).then(() => postMessage("sent"), () => postMessage("refused"))`;
    const worker = new Promise((resolve) => {
      new Worker(URL.createObjectURL(new Blob([code]))).onmessage = (event) => resolve(event.data);
    });
    navigator.sendBeacon(`${url}beacon`, "x");
    return [await outcome(fetch(`${url}fetch`)), await outcome(image), await outcome(socket), await worker];
  }, server.url);
  assert.deepEqual(tried, ["refused", "refused", "refused", "refused"]);
  await page.waitForTimeout(300);
  assert.deepEqual(server.asked.slice(before), []);
});

test("the page works from the disk, without a server", async () => {
  const context = await browser.newContext({ offline: true });
  const page = await context.newPage();
  await page.goto(pathToFileURL(html).href);
  assert.equal(await judged(page, all(digits())), "Accepted");
});

test("a file that was changed after it was chosen is undecided", async () => {
  const { page, trouble } = await opened();
  const changing = file("changing.proof", digits().proof);
  assert.equal(await judged(page, { key: digits().path("verifying.key"), proof: changing }), "Accepted");
  file("changing.proof", digits().proof.subarray(0, 500));
  await page.evaluate(() => (document.querySelector("#verdict").hidden = true));
  await page.click("#verify");
  await page.waitForSelector("#verdict:not([hidden])");
  assert.equal(await page.textContent("#verdict-title"), "Undecided");
  assert.match(await said(page), /cannot read the files/);
  assert.deepEqual(trouble, []);
});

test("the three outcomes differ in word, shape and line", async () => {
  const { proof, path } = digits();
  const seen = [];
  const kinds = { good: proof, forged: tampered(proof, proof.length >> 1), cut: proof.subarray(0, 99) };
  for (const [name, bytes] of Object.entries(kinds)) {
    const { page } = await opened();
    const word = await judged(page, { key: path("verifying.key"), proof: file(`${name}.proof`, bytes) });
    const look = await page.evaluate(() => {
      const banner = document.querySelector("#verdict .banner");
      return { shape: banner.querySelector("svg").innerHTML, line: getComputedStyle(banner).borderLeftStyle };
    });
    seen.push({ word, ...look });
  }
  for (const part of ["word", "shape", "line"]) assert.equal(new Set(seen.map((one) => one[part])).size, 3, part);
});

test("axe finds nothing, in light and in dark, wide and narrow, with and without a verdict", async () => {
  const { proof, path } = digits();
  const files = [proof, tampered(proof, proof.length >> 1), proof.subarray(0, 99)].map((bytes, n) => file(`axe${n}.proof`, bytes));
  for (const colorScheme of ["light", "dark"]) {
    const { page } = await opened({ colorScheme, viewport: { width: 360, height: 740 } });
    await page.evaluate(axe);
    const check = async (where) => {
      const { violations } = await page.evaluate(() => window.axe.run());
      assert.deepEqual(violations.map(({ id, nodes }) => [id, nodes.map((n) => n.target.join(" "))]), [], `${colorScheme}, ${where}`);
      const wide = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      assert.ok(wide <= 0, `${colorScheme}, ${where}: ${wide} pixels too wide`);
    };
    await check("empty");
    await page.setInputFiles(KEYS.key, path("verifying.key"));
    await page.waitForSelector("[data-slot=key].filled");
    for (const one of files) {
      await page.evaluate(() => (document.querySelector("#verdict").hidden = true));
      const word = await judged(page, { proof: one });
      await page.evaluate(() => document.querySelectorAll("details").forEach((details) => (details.open = true)));
      await check(word);
    }
  }
});

test("everything is done by keyboard, and said to a screen reader", async () => {
  const { page, context } = await opened();
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const focused = () => page.evaluate(() => document.activeElement?.id || document.activeElement?.textContent);
  const reach = async (what) => {
    for (let n = 0; n < 40; n++) {
      if ((await focused()) === what) return;
      await page.keyboard.press("Tab");
    }
    assert.fail(`${what} is not reached`);
  };
  const names = { "key-file": "verifying.key", "proof-file": "answer.proof" };
  page.on("filechooser", async (chooser) => chooser.setFiles(digits().path(names[await chooser.element().getAttribute("id")])));
  for (const id of Object.keys(names)) {
    await reach(id);
    await page.keyboard.press("Enter");
    await page.waitForFunction((id) => !/No file/.test(document.querySelector(`#${id.replace("file", "state")}`).textContent), id);
  }
  await page.waitForSelector("#verdict:not([hidden])");
  assert.equal(await focused(), "verdict", "the verdict has the focus");
  assert.equal(await page.getByRole("region", { name: "Accepted" }).count(), 1);
  assert.equal(await page.getByRole("status").first().textContent(), "Accepted. The model that the key commits to gave this answer.");
  await reach("The verdict as JSON");
  await page.keyboard.press("Enter");
  await reach("Copy the JSON");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector(".json [role=status]").textContent === "Copied");
  const copied = await page.evaluate(() => navigator.clipboard.readText());
  assert.equal(JSON.parse(copied).verdict, "accepted");
  // Options and the button, from the top again.
  await page.evaluate(() => document.activeElement.blur());
  await page.keyboard.press("Home");
  await reach("Remove the proof");
  await page.keyboard.press("Enter");
  assert.equal(await focused(), "proof-file");
  await reach("verify");
  await page.keyboard.press("Enter");
  assert.equal(await page.textContent("#status"), "The proof is missing.");
  assert.equal(await focused(), "proof-file");
});

test("names from a key are text, whatever they say", async () => {
  const { page } = await opened();
  await page.evaluate(() => {
    const transfer = new DataTransfer();
    transfer.items.add(new File(["x"], "<img src=x onerror=alert(1)>.key"));
    document.dispatchEvent(new DragEvent("drop", { dataTransfer: transfer, cancelable: true }));
  });
  await page.waitForFunction(() => /<img src=x/.test(document.querySelector("#key-state").textContent));
  assert.equal(await page.locator("#files img").count(), 0);
});
