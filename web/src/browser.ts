/** The verifier in a browser: a module worker, and the module beside it. */

import { verifier } from "./client.js";
import { hand } from "./hand.js";

export type * from "./client.js";

const spawn = () => hand(new Worker(new URL("./browser-worker.js", import.meta.url), { type: "module" }));

export const { verify, inspect } = verifier(spawn);
