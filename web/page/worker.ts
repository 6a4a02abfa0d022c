/** The page's worker: the module is in the same text, compressed. */

import { worker, type Task } from "../src/work.js";
import compressed from "bundled:module";

async function inflate(): Promise<WebAssembly.Module> {
  const bytes = Uint8Array.from(atob(compressed), (letter) => letter.charCodeAt(0));
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream("gzip"));
  return WebAssembly.compile(await new Response(stream).arrayBuffer());
}

const ready = inflate().then(worker);

self.onmessage = async (event: MessageEvent<Task>) => {
  try {
    (await ready)(event.data, (note) => self.postMessage(note));
  } catch (error) {
    self.postMessage({ failed: String(error) });
  }
};
