/** A verdict for people. */

import type { Accepted, Answer, Commitment, Rejected, Tensor } from "../src/client.js";
import { bytes, draw, foreign, make, seconds } from "./dom.js";
import { tensor } from "./tensors.js";

type Outcome = Answer["outcome"];

/** One shape each, so that colour is not needed to tell them apart. */
function sign(outcome: Outcome): SVGSVGElement {
  const stroke = { fill: "none", stroke: "currentColor", "stroke-width": "4.5", "stroke-linecap": "round", "stroke-linejoin": "round" };
  switch (outcome) {
    case "accepted":
      return draw("0 0 64 64", ["circle", { cx: "32", cy: "32", r: "28", ...stroke }], ["path", { d: "M19 33 l9 10 l18 -21", ...stroke }]);
    case "rejected":
      return draw(
        "0 0 64 64",
        ["path", { d: "M21 4 h22 l17 17 v22 l-17 17 h-22 l-17 -17 v-22 z", ...stroke }],
        ["path", { d: "M22 22 L42 42 M42 22 L22 42", ...stroke }],
      );
    case "undecided":
      return draw(
        "0 0 64 64",
        ["path", { d: "M32 5 L60 57 H4 z", ...stroke, "stroke-dasharray": "7 7" }],
        ["path", { d: "M26 30 q0 -6 6 -6 q6 0 6 5.5 q0 4 -6 6.5 v3", ...stroke, "stroke-width": "4" }],
        ["circle", { cx: "32", cy: "48", r: "2.8", fill: "currentColor" }],
      );
  }
}

const TITLES: Record<Outcome, string> = { accepted: "Accepted", rejected: "Rejected", undecided: "Undecided" };

type Fact = [label: string, ...about: (Node | string | false)[]];

function facts(...all: (Fact | false)[]): HTMLElement {
  const pairs = all.filter((fact) => fact !== false).flatMap(([label, ...about]) => [make("dt", {}, label), make("dd", {}, ...about)]);
  return make("dl", { class: "facts" }, ...pairs);
}

function part(title: string, ...children: (Node | string | false)[]): HTMLElement {
  return make("div", {}, make("h3", {}, title), ...children);
}

const digest = (text: string) => make("span", { class: "digest" }, text);

function tensors(title: string, all: readonly Tensor[]): HTMLElement | false {
  return all.length > 0 && part(title, make("div", { class: "tensors" }, ...all.map(tensor)));
}

function hidden(report: Accepted): HTMLElement {
  const commitment = (c: Commitment): Fact => [`${c.role} commitment`, foreign(c.name), " ", digest(c.digest)];
  return part(
    "What stays hidden",
    facts(["not shown", foreign(report.hidden.join(", "))], ...report.commitments.map(commitment)),
  );
}

function proved(report: Accepted): HTMLElement {
  const { drawn, answered, required } = report;
  const runs = answered.map(([first, last]) => (first === last ? `${first}` : `${first} to ${last}`));
  return part(
    "What was proved",
    make("p", {}, "The weights behind the key's commitments, in exact integer arithmetic, give these outputs for these inputs."),
    facts(
      ["weights", report.model_text],
      ["setup", `${report.setup.name}: ${report.setup.trust}`],
      ["soundness", `${report.soundness_bits} bits`],
      runs.length > 0 && ["answered", `tokens ${runs.join(", ")} of the text, counted from 0, are the model's; others are anybody's choice`],
      drawn !== null && ["drawn", `at ${drawn.temperature === null ? "no known temperature" : `temperature ${drawn.temperature}`}, by the seed `, foreign(drawn.seed)],
      required.length > 0 && ["required", `${required.join(", ")}: so it is`],
    ),
  );
}

function about(report: Accepted | Rejected, expected: boolean): HTMLElement {
  const took = `${seconds(report.seconds)} for the proof, ${seconds(report.total_seconds)} for all`;
  return part(
    "Key and proof",
    facts(
      ["key digest", digest(report.key_digest), !expected && make("span", { class: "soft" }, " Compare it with the one that somebody you trust has: the verdict is about this key.")],
      ["model digest", digest(report.model_digest)],
      ["proof", `${bytes(report.proof_bytes)}, with public values ${bytes(report.file_bytes)}`],
      ["verified in", took],
    ),
  );
}

/** The JSON, to copy or to keep. */
function json(text: string): HTMLElement {
  const told = make("span", { role: "status", class: "soft" });
  const pre = make("pre", { tabindex: "0", role: "region", "aria-label": "verdict as JSON" }, text);
  const copy = make("button", { type: "button", class: "quiet" }, "Copy the JSON");
  copy.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text);
      told.textContent = "Copied";
    } catch {
      // Browsers give the clipboard to secure pages only.
      getSelection()?.selectAllChildren(pre);
      told.textContent = "Selected: copy it with your keyboard";
    }
  });
  return make("details", { class: "json" }, make("summary", {}, "The verdict as JSON"), make("p", { class: "actions" }, copy, told), pre);
}

/** What a verdict says, when somebody expects a key: another one's proofs say nothing to them. */
export interface Said {
  outcome: Outcome;
  reason: string;
  hint?: string | null;
}

/** Hints that name a flag of the command line, in terms of this page. */
const HINTS: Record<string, string> = {
  "--seed TEXT gives it": "Give the seed under “More to ask for”.",
};

export function said(answer: Answer, expected: string): Said {
  if (answer.outcome === "undecided") {
    const { what, hint } = answer.report.error;
    return { outcome: "undecided", reason: `Nothing was decided: ${what}.`, hint: hint && (HINTS[hint] ?? `${hint}.`) };
  }
  if (expected !== "" && expected !== answer.report.key_digest) {
    return { outcome: "rejected", reason: "The key is not the one you expect: its digest is another. What its proofs show is not about your model." };
  }
  if (answer.outcome === "rejected") {
    return { outcome: "rejected", reason: `The proof does not show that the model gave this answer: ${answer.report.reason}.` };
  }
  return { outcome: "accepted", reason: "The model that the key commits to gave this answer." };
}

/** Fills the section of the verdict. */
export function show(section: HTMLElement, answer: Answer, expected: string): Said {
  const says = said(answer, expected);
  const banner = make(
    "div",
    { class: "banner" },
    sign(says.outcome),
    make("div", {}, make("h2", { id: "verdict-title" }, TITLES[says.outcome]), make("p", {}, foreign(says.reason)), says.hint ? make("p", { class: "hint" }, says.hint) : null),
  );
  const parts = make("div", { class: "parts" });
  if (answer.outcome !== "undecided") {
    const accepted = answer.outcome === "accepted" && says.outcome === "accepted" ? answer.report : null;
    if (accepted?.warning) parts.append(make("p", { class: "warning", role: "note" }, make("strong", {}, "Warning: "), foreign(accepted.warning)));
    if (accepted) {
      const shown = [tensors("Outputs", accepted.outputs), tensors("Inputs", accepted.inputs)].filter((one) => one !== false);
      parts.append(...shown, proved(accepted), hidden(accepted));
    }
    parts.append(about(answer.report, expected !== ""));
  }
  parts.append(json(answer.json));
  section.className = says.outcome;
  section.replaceChildren(banner, parts);
  section.hidden = false;
  return says;
}
