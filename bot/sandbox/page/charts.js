// Block Kit's charts: lines, areas and bars over categories, and shares of a whole. The figures can be unfolded.

import { el } from "./dom.js";
import { framed, rowsOf } from "./tables.js";

const SVG = "http://www.w3.org/2000/svg";
const WIDTH = 520, HEIGHT = 200, LEFT = 54, RIGHT = 12, TOP = 10, BOTTOM = 26;

export function chart(block) {
  const { chart: one, title } = block;
  const rows = one.type === "pie"
    ? [["", "Value"], ...one.segments.map((part) => [part.label, String(part.value)])]
    : [[one.axis_config.y_label ?? "", ...one.series.map((line) => line.name)],
       ...one.axis_config.categories.map((name, n) => [name, ...one.series.map((line) => String(line.data[n].value))])];
  const figures = framed(rowsOf(rows, { classes: (column) => (column ? "align-right" : "") }), title);
  return el("figure", { class: "b-chart" },
    el("figcaption", {}, title),
    one.type === "pie" ? shares(one) : plot(one, title),
    el("details", {}, el("summary", { class: "hint" }, "Figures"), figures));
}

/** Shares as bars beside each other: what matters is which is the largest. */
function shares(one) {
  const most = Math.max(...one.segments.map((part) => part.value));
  return el("div", { class: "shares" }, one.segments.flatMap((part, n) => [
    el("span", {}, part.label),
    bar(part.value / most, n)]));
}

function bar(part, n) {
  const svg = svgOf({ viewBox: "0 0 100 10", preserveAspectRatio: "none", class: "share", "aria-hidden": "true" });
  svg.append(node("rect", { x: 0, y: 0, width: Math.max(1, 100 * part), height: 10, class: `fill c${n % 4}` }));
  return svg;
}

function plot(one, title) {
  const { categories } = one.axis_config;
  const values = one.series.flatMap((line) => line.data.map((point) => point.value));
  const top = nice(Math.max(0, ...values)), low = Math.min(0, ...values);
  const x = (n) => LEFT + (WIDTH - LEFT - RIGHT) * (one.type === "bar" ? (n + 0.5) / categories.length : n / Math.max(1, categories.length - 1));
  const y = (value) => TOP + (HEIGHT - TOP - BOTTOM) * (1 - (value - low) / (top - low || 1));
  const svg = svgOf({ viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": `${title}: ${one.type} chart` });
  for (const value of [low, (low + top) / 2, top]) {
    svg.append(node("line", { x1: LEFT, x2: WIDTH - RIGHT, y1: y(value), y2: y(value), class: "grid" }));
    svg.append(text(LEFT - 6, y(value) + 4, short(value), "end"));
  }
  const every = Math.ceil(categories.length / 5);
  categories.forEach((name, n) => {
    if (n % every === 0) svg.append(text(x(n), HEIGHT - 8, name, n === 0 && one.type !== "bar" ? "start" : "middle"));
  });
  if (one.axis_config.y_label) svg.append(text(LEFT + 6, TOP + 12, one.axis_config.y_label, "start"));
  one.series.forEach((line, n) => svg.append(...marks(one.type, line, n, x, y, y(Math.max(0, low)), one.series.length, categories.length)));
  return svg;
}

function marks(type, line, n, x, y, ground, count, many) {
  const points = line.data.map((point, at) => [x(at), y(point.value)]);
  if (type === "bar") {
    const width = ((WIDTH - LEFT - RIGHT) / many) * 0.7 / count;
    return points.map(([px, py]) => node("rect", {
      x: px + (n - count / 2) * width, y: Math.min(py, ground), width, height: Math.abs(ground - py), class: `fill c${n % 4}` }));
  }
  const path = points.map(([px, py]) => `${px.toFixed(1)},${py.toFixed(1)}`).join(" ");
  const made = [node("polyline", { points: path, class: `line c${n % 4}` })];
  if (type === "area") {
    made.unshift(node("polygon", { points: `${points[0][0]},${ground} ${path} ${points.at(-1)[0]},${ground}`, class: `under c${n % 4}` }));
  }
  if (points.length === 1) made.push(node("circle", { cx: points[0][0], cy: points[0][1], r: 3, class: `fill c${n % 4}` }));
  return made;
}

const nice = (value) => {
  const step = 10 ** Math.floor(Math.log10(value || 1));
  return (Math.ceil((value / step) * 2) / 2) * step || 1;
};
const short = (value) => (Math.abs(value) >= 1000 ? value.toLocaleString("en", { notation: "compact" }) : String(Math.round(value * 10) / 10));

function svgOf(attributes) {
  return node("svg", attributes);
}

function node(name, attributes) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function text(x, y, words, anchor) {
  const made = node("text", { x, y, "text-anchor": anchor });
  made.textContent = words;
  return made;
}
