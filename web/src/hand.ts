import type { Hand } from "./client.js";
import type { Note } from "./work.js";

/** A browser's worker that answers one task at a time. */
export function hand(worker: Worker): Hand {
  return {
    send(task, note, failed) {
      worker.onmessage = (event: MessageEvent<Note | { failed: string }>) =>
        "failed" in event.data ? failed(new Error(event.data.failed)) : note(event.data);
      worker.onerror = (event) => failed(new Error(event.message ?? "its worker does not start"));
      worker.postMessage(task);
    },
    end: () => worker.terminate(),
  };
}
