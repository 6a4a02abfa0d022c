/** The verifier in Node: a thread, and the module from the disk. */

import { Worker } from "node:worker_threads";
import { verifier, type Hand } from "./client.js";
import type { Note } from "./work.js";

export type * from "./client.js";

function spawn(): Hand {
  // Flags of the process, such as --input-type, are not for a file.
  const worker = new Worker(new URL("./node-worker.js", import.meta.url), { execArgv: [] });
  return {
    send(task, note, failed) {
      // While it has something to do, the process waits for it.
      worker.ref();
      worker.removeAllListeners();
      worker.on("message", (message: Note) => {
        if ("json" in message) worker.unref();
        note(message);
      });
      worker.on("error", failed);
      worker.postMessage(task);
    },
    end: () => void worker.terminate(),
  };
}

export const { verify, inspect } = verifier(spawn);
