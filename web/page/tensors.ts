/** Inputs and outputs as an image, as bars, or as numbers. */

import type { Tensor } from "../src/report.js";
import { count, draw, foreign, make } from "./dom.js";

/** More than this are not drawn as bars. */
const BARS = 64;
/** More than this are not listed: the JSON has all. */
const LISTED = 1024;

/** A number with as many digits as people can compare. */
export const shown = (value: number, element: string): string =>
  element === "real" ? String(Number(value.toPrecision(5))) : String(value);

/** Where the pixels of an image lie. */
export interface Raster {
  height: number;
  width: number;
  channels: 1 | 3;
  /** Whether a pixel's channels stand together. */
  interleaved: boolean;
}

/** Whether a shape is that of one image, in grey or in three colours: `HxW`, `CxHxW` or `HxWxC` behind axes of one. */
export function raster(shape: readonly number[], element: string): Raster | null {
  const axes = [...shape];
  while (axes.length > 3 && axes[0] === 1) axes.shift();
  const image = (height = 0, width = 0, channels: 1 | 3, interleaved: boolean): Raster | null => {
    const sized = [height, width].every((extent) => extent >= 4 && extent <= 2048);
    return sized && height <= 4 * width && width <= 4 * height ? { height, width, channels, interleaved } : null;
  };
  if (element !== "real") return null;
  const [a, b, c] = axes;
  if (axes.length === 2) return image(a, b, 1, false);
  if (axes.length !== 3) return null;
  if (a === 1 || a === 3) return image(b, c, a, false);
  return c === 1 || c === 3 ? image(a, b, c, true) : null;
}

function range(values: readonly number[]): [least: number, most: number] {
  let [least, most] = [Infinity, -Infinity];
  for (const value of values) [least, most] = [Math.min(least, value), Math.max(most, value)];
  return [least, most];
}

function image({ height, width, channels, interleaved }: Raster, { data, name }: Tensor): HTMLElement {
  const [least, most] = range(data);
  const canvas = make("canvas", { width: String(width), height: String(height), role: "img" });
  const pixels = new ImageData(width, height);
  for (let at = 0; at < height * width; at++) {
    for (let channel = 0; channel < 3; channel++) {
      const from = channels === 1 ? at : interleaved ? 3 * at + channel : channel * height * width + at;
      pixels.data[4 * at + channel] = most > least ? (255 * ((data[from] ?? least) - least)) / (most - least) : 128;
    }
    pixels.data[4 * at + 3] = 255;
  }
  canvas.getContext("2d")?.putImageData(pixels, 0, 0);
  const [black, white] = [shown(least, "real"), shown(most, "real")];
  canvas.setAttribute("aria-label", `${name} as an image of ${width} by ${height} pixels`);
  const colours = channels === 3 ? "three channels" : "one channel";
  return make("div", {}, canvas, make("p", { class: "hint" }, `${colours}; dark is ${black}, light is ${white}`));
}

function bars({ data, element }: Tensor): HTMLElement {
  const [least, most] = range(data);
  const [low, high] = [Math.min(0, least), Math.max(0, most)];
  const wide = high - low || 1;
  const largest = data.length > 1 ? data.indexOf(most) : -1;
  const rows = data.map((value, n) => {
    const [from, to] = [Math.min(0, value), Math.max(0, value)];
    const at = String((100 * (from - low)) / wide);
    const width = String(Math.max((100 * (to - from)) / wide, 0.4));
    const bar = draw("0 0 100 10", ["rect", { x: at, y: "1", width, height: "8", fill: "currentColor" }]);
    bar.setAttribute("preserveAspectRatio", "none");
    const note = n === largest ? make("span", {}, " largest") : null;
    return make(
      "tr",
      n === largest ? { class: "largest" } : {},
      make("th", { scope: "row" }, String(n)),
      make("td", { class: "track", "aria-hidden": "true" }, bar),
      make("td", { class: "number" }, shown(value, element)),
      make("td", {}, note),
    );
  });
  const head = ["Position", "Value", "Note"].map((title) => make("th", { scope: "col" }, title));
  head.splice(1, 0, make("td", { "aria-hidden": "true" }) as HTMLTableCellElement);
  return make("table", { class: "bars" }, make("thead", { class: "unseen" }, make("tr", {}, ...head)), make("tbody", {}, ...rows));
}

function numbers({ data, element, name }: Tensor): HTMLElement {
  const listed = data.slice(0, LISTED).map((value) => shown(value, element));
  const rest = data.length - listed.length;
  const text = listed.join(", ") + (rest > 0 ? `, and ${count(rest)} more in the JSON` : "");
  return make("div", { class: "values", tabindex: "0", role: "region", "aria-label": `values of ${name}` }, text);
}

/** One tensor under its name and shape. */
export function tensor(one: Tensor): HTMLElement {
  const shape = one.shape.length === 0 ? "one number" : one.shape.map(count).join(" × ");
  const title = make("h4", {}, foreign(one.name), make("span", { class: "soft" }, `  ${shape}, ${one.element}`));
  const pixels = raster(one.shape, one.element);
  const whole = pixels && pixels.height * pixels.width * pixels.channels === one.data.length;
  if (whole) {
    const all = make("details", {}, make("summary", {}, "Its numbers"), numbers(one));
    return make("div", { class: "tensor", "data-as": "image" }, title, image(pixels, one), all);
  }
  const few = one.data.length > 0 && one.data.length <= BARS;
  return make("div", { class: "tensor", "data-as": few ? "bars" : "numbers" }, title, few ? bars(one) : numbers(one));
}
