import { worker, type Task } from "./work.js";

const module = WebAssembly.compileStreaming(fetch(new URL("./wasm/zktorch_bg.wasm", import.meta.url)));
const ready = module.then(worker);

self.onmessage = async (event: MessageEvent<Task>) => {
  try {
    (await ready)(event.data, (note) => self.postMessage(note));
  } catch (error) {
    self.postMessage({ failed: String(error) });
  }
};
