import { readFileSync } from "node:fs";
import { parentPort } from "node:worker_threads";
import { worker, type Task } from "./work.js";

const answer = worker(new WebAssembly.Module(readFileSync(new URL("./wasm/zktorch_bg.wasm", import.meta.url))));

parentPort?.on("message", (task: Task) => answer(task, (note) => parentPort?.postMessage(note)));
