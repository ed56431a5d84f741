// Tables of every kind, in a frame that says when a part of them is out of sight.

import { el } from "./dom.js";

/** A table in a frame that scrolls sideways, with a shadow and a word on the side where there is more. */
export function framed(table, name = "Table") {
  const scroller = el("div", { class: "table", tabindex: "0", role: "region", "aria-label": name }, table);
  const more = el("p", { class: "table-more", "aria-hidden": "true" }, "Scroll sideways to see the rest →");
  const frame = el("div", { class: "table-frame" }, scroller, more);
  const look = () => {
    const hidden = scroller.scrollWidth - scroller.clientWidth;
    frame.classList.toggle("cut", hidden > 1);
    frame.classList.toggle("more-before", hidden > 1 && scroller.scrollLeft > 1);
    frame.classList.toggle("more-after", hidden > 1 && scroller.scrollLeft < hidden - 1);
  };
  scroller.addEventListener("scroll", look, { passive: true });
  new ResizeObserver(look).observe(scroller);
  return frame;
}

/** A table of rows of nodes; the first is its head. `classes` gives the classes of a column. */
export function rowsOf([head, ...rows], { caption, classes = () => "" } = {}) {
  const row = (cells, first) => el("tr", {}, cells.map((cell, column) =>
    el(first ? "th" : "td", { class: classes(column), scope: first ? "col" : undefined }, cell)));
  return el("table", {},
    caption ? el("caption", {}, caption) : null,
    el("thead", {}, row(head, true)), el("tbody", {}, rows.map((cells) => row(cells, false))));
}
