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

/** A table of data: its reader sorts it by a column, and leafs through its pages. */
export function leafed(block, cell, numeric) {
  const [head, ...rows] = block.rows;
  const size = block.page_size ?? 5;
  const whole = el("div", { class: "leafed" });
  const said = (one) => String(one.text ?? one.value ?? "");
  let page = 0, by = null, down = false;
  const sorted = () => {
    if (by === null) return rows;
    const numbers = numeric(by) !== "";
    const order = [...rows].sort((a, b) => (numbers ? a[by].value - b[by].value : said(a[by]).localeCompare(said(b[by]))));
    return down ? order.reverse() : order;
  };
  const sort = (column) => {
    down = by === column && !down;
    by = column;
    page = 0;
    draw();
  };
  const turn = (to) => () => {
    page = to;
    draw();
  };
  const draw = () => {
    const heads = head.map((one, column) => el("button", { type: "button", class: "sort", onclick: () => sort(column) },
      said(one), by === column ? el("span", { "aria-hidden": "true" }, down ? " ↓" : " ↑") : null));
    const shown = sorted().slice(page * size, (page + 1) * size);
    const table = rowsOf([heads, ...shown.map((row) => row.map(cell))], { caption: block.caption, classes: numeric });
    const last = Math.ceil(rows.length / size) - 1;
    const leaf = last > 0 ? el("p", { class: "leaf" },
      el("button", { type: "button", class: "button", disabled: page === 0, onclick: turn(page - 1) }, "Back"),
      `${page * size + 1}–${page * size + shown.length} of ${rows.length}`,
      el("button", { type: "button", class: "button", disabled: page === last, onclick: turn(page + 1) }, "Next")) : null;
    whole.replaceChildren(framed(table, block.caption), ...(leaf ? [leaf] : []));
  };
  draw();
  return whole;
}
