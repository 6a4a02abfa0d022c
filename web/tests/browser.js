// Chromium, and a server that notes what is asked of it.
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:http";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

export const page = fileURLToPath(new URL("../site/index.html", import.meta.url));

const places = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome"];

/** A browser without a screen. */
export function launch() {
  const executablePath = places.find((path) => path && existsSync(path));
  if (!executablePath) throw new Error(`no Chromium at ${places.filter(Boolean).join(", ")}; CHROMIUM names another one`);
  const flags = "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";
  return chromium.launch({ executablePath, headless: true, args: flags.split(" ") });
}

/** Serves one page on the loopback interface. */
export async function serve() {
  const asked = [];
  const server = createServer((request, response) => {
    asked.push(request.url);
    const found = request.url === "/";
    response.writeHead(found ? 200 : 404, { "content-type": "text/html; charset=utf-8" });
    response.end(found ? readFileSync(page) : "");
  });
  await new Promise((resolve) => server.listen(0, "127.0.0.1", resolve));
  return { url: `http://127.0.0.1:${server.address().port}/`, asked, end: () => server.close() };
}
