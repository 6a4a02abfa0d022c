// Puts the page together: one HTML file that holds style, script, worker and module, under a policy that allows exactly these.
import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import { build } from "esbuild";

const here = (path) => new URL(path, import.meta.url).pathname;

/** A script as text, with texts that it imports by name. */
async function bundle(entry, texts) {
  const plugin = {
    name: "bundled",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^bundled:/ }, ({ path }) => ({ path, namespace: "bundled" }));
      onLoad({ filter: /.*/, namespace: "bundled" }, ({ path }) => ({ contents: texts[path], loader: "text" }));
    },
  };
  const made = await build({
    entryPoints: [here(entry)],
    bundle: true,
    write: false,
    minify: true,
    format: "iife",
    target: "es2022",
    legalComments: "none",
    plugins: [plugin],
    logLevel: "warning",
  });
  // A script ends at this word, wherever it stands.
  return made.outputFiles[0].text.replaceAll("</script", "<\\/script");
}

const module = gzipSync(readFileSync(here("../dist/wasm/zktorch_bg.wasm")), { level: 9 }).toString("base64");
const worker = await bundle("worker.ts", { "bundled:module": module });
const script = await bundle("main.ts", { "bundled:worker": worker });
const style = readFileSync(here("style.css"), "utf8");

const hash = (text) => `'sha256-${createHash("sha256").update(text).digest("base64")}'`;
const policy = [
  "default-src 'none'",
  `script-src ${hash(script)} 'wasm-unsafe-eval'`,
  `style-src ${hash(style)}`,
  "worker-src blob:",
  "img-src data:",
  "connect-src 'none'",
  "base-uri 'none'",
  "form-action 'none'",
].join("; ");

const parts = { policy, style, script };
const page = readFileSync(here("index.html"), "utf8").replace(/\{\{(\w+)\}\}/g, (_, name) => parts[name]);
mkdirSync(here("../site"), { recursive: true });
writeFileSync(here("../site/index.html"), page);
