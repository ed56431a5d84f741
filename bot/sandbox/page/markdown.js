// The markdown block: headings, lists, quotes, fences, tables and paragraphs of ordinary Markdown, as DOM nodes.

import { el } from "./dom.js";
import { framed, rowsOf } from "./tables.js";

export function markdown(text) {
  const lines = text.split("\n");
  const nodes = [];
  while (lines.length) nodes.push(block(lines));
  return nodes;
}

const taken = (lines, pattern) => {
  const found = [];
  while (lines.length && pattern.test(lines[0])) found.push(lines.shift());
  return found;
};

function block(lines) {
  const line = lines[0];
  if (/^```/.test(line)) return fence(lines);
  const heading = /^(#{1,6})\s+(.*)/.exec(line);
  if (heading) {
    lines.shift();
    return el("p", { class: "md-heading", role: "heading", "aria-level": String(heading[1].length + 1) }, inline(heading[2]));
  }
  if (/^\s*([-*_])(\s*\1){2,}\s*$/.test(line)) return lines.shift(), el("hr");
  if (/^\s*[-*+]\s/.test(line)) return el("ul", {}, items(taken(lines, /^\s*[-*+]\s/), /^\s*[-*+]\s+/));
  if (/^\s*\d+[.)]\s/.test(line)) return el("ol", {}, items(taken(lines, /^\s*\d+[.)]\s/), /^\s*\d+[.)]\s+/));
  if (/^>/.test(line)) return el("blockquote", {}, inline(taken(lines, /^>/).map((one) => one.replace(/^> ?/, "")).join("\n")));
  if (/^\s*\|.*\|\s*$/.test(line)) return table(taken(lines, /^\s*\|.*\|\s*$/));
  if (!line.trim()) return lines.shift(), null;
  return el("p", {}, inline([lines.shift(), ...taken(lines, /^(?!\s*$|```|#{1,6}\s|>|\s*[-*+]\s|\s*\d+[.)]\s|\s*\|)/)].join("\n")));
}

function fence(lines) {
  lines.shift();
  const code = taken(lines, /^(?!```)/);
  lines.shift();
  return el("pre", {}, code.join("\n"));
}

const items = (found, marker) => found.map((line) => el("li", {}, inline(line.replace(marker, ""))));

function table(found) {
  const rows = found
    .filter((line) => !/^\s*\|[\s:|-]+\|\s*$/.test(line))
    .map((line) => line.trim().replace(/^\||\|$/g, "").split("|").map((cell) => cell.trim()));
  return framed(rowsOf(rows.map((row) => row.map(inline))));
}

const INLINE = /`([^`]+)`|\[([^\]]+)\]\((https?:[^)\s]+|mailto:[^)\s]+)\)|\*\*(.+?)\*\*|~~(.+?)~~|(?<!\w)[*_](?=\S)(.+?)(?<=\S)[*_](?!\w)/g;

function inline(text) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(text.slice(last, match.index));
    const [whole, code, label, url, bold, struck, italic] = match;
    if (code !== undefined) nodes.push(el("code", {}, code));
    else if (url !== undefined) nodes.push(el("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, label));
    else if (bold !== undefined) nodes.push(el("strong", {}, inline(bold)));
    else if (struck !== undefined) nodes.push(el("s", {}, inline(struck)));
    else nodes.push(el("em", {}, inline(italic)));
    last = match.index + whole.length;
  }
  return [...nodes, text.slice(last)];
}
