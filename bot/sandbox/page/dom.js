// Making elements. All text goes in as text: nothing that anybody wrote is ever parsed as HTML.

export function el(name, attributes = {}, ...children) {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (key.startsWith("on")) element.addEventListener(key.slice(2), value);
    else if (key === "value") element.value = value;
    else element.setAttribute(key, value === true ? "" : value);
  }
  element.append(...children.flat(Infinity).filter((child) => child !== null && child !== undefined));
  return element;
}

const SVG = "http://www.w3.org/2000/svg";
const ICONS = {
  lock: "M4 7V5a4 4 0 018 0v2h1v7H3V7zm2 0h4V5a2 2 0 00-4 0z",
  shared: "M6 4H2v10h10v-4h-2v2H4V6h2zm3-2v2h1.6L6.3 8.3l1.4 1.4L12 5.4V7h2V2z",
  eye: "M8 3C4 3 1.5 6.5 1 8c.5 1.5 3 5 7 5s6.5-3.5 7-5c-.5-1.5-3-5-7-5zm0 8a3 3 0 110-6 3 3 0 010 6z",
  wire: "M1 8h3l2-5 3 10 2-5h4v1.5h-3L9 15 6 5 5 9.500H1z",
  check: "M6 12.6L1.7 8.3l1.4-1.4L6 9.8l6.9-6.9 1.4 1.4z",
};

/** A small picture that needs no font; it says nothing to screen readers. */
export function icon(name) {
  const svg = document.createElementNS(SVG, "svg");
  for (const [key, value] of Object.entries({ viewBox: "0 0 16 16", class: "glyph", "aria-hidden": "true" })) svg.setAttribute(key, value);
  const path = document.createElementNS(SVG, "path");
  path.setAttribute("d", ICONS[name]);
  path.setAttribute("fill-rule", "evenodd");
  svg.append(path);
  return svg;
}

export const byId = (id) => document.getElementById(id);
