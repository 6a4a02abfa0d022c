/** Elements, made without ever reading text as markup: names in a key come from anybody. */

type Child = Node | string | null | undefined | false;

/** An element with attributes and children. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Record<string, string> = {},
  ...children: Child[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...children.filter((child) => child !== null && child !== undefined && child !== false));
  return element;
}

/** A drawing. */
export function draw(box: string, ...shapes: [tag: string, attributes: Record<string, string>][]): SVGSVGElement {
  const element = (tag: string, attributes: Record<string, string>) => {
    const made = document.createElementNS("http://www.w3.org/2000/svg", tag);
    for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
    return made;
  };
  const svg = element("svg", { viewBox: box, "aria-hidden": "true", focusable: "false" }) as SVGSVGElement;
  svg.append(...shapes.map(([tag, attributes]) => element(tag, attributes)));
  return svg;
}

/** What must be there. */
export function find<E extends Element>(selector: string, kind: new () => E): E {
  const found = document.querySelector(selector);
  if (!(found instanceof kind)) throw new Error(`the page has no ${selector}`);
  return found;
}

/** A name that somebody else chose: on one line, of a bounded length, and in a direction of its own. */
export function foreign(name: string): HTMLElement {
  const plain = name.replace(/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, "\u{fffd}");
  return make("bdi", {}, plain.length > 200 ? `${plain.slice(0, 200)}…` : plain);
}

/** `1,234`. */
export const count = (n: number): string => n.toLocaleString("en");

/** `1 byte`, `12,345 bytes`. */
export const bytes = (n: number): string => `${count(n)} byte${n === 1 ? "" : "s"}`;

/** `13 ms`, `1.2 s`. */
export const seconds = (s: number): string => (s < 1 ? `${Math.round(1000 * s)} ms` : `${s.toFixed(1)} s`);
