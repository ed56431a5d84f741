// Block Kit's newer blocks, drawn plainly: tables of data, charts, containers, cards, alerts, plans.

import { chart } from "./charts.js";
import { el, icon } from "./dom.js";
import { mrkdwn, plain, richText } from "./markup.js";
import { leafed } from "./tables.js";

const STATUS = { pending: "○", in_progress: "◔", complete: "✓", error: "✕" };
const words = (object, names) => (object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text, object.emoji !== false));
const rich = (block, names) => block.elements.map((part) => richText(part, names));

/** `draw` renders a list of blocks, `press` a button. */
export const newer = (draw, button) => ({
  data_table: (block, surface) => {
    const cell = (one) => ({
      rich_text: () => rich(one, surface.names),
      action_cell: () => button(one.element, block, surface),
    }[one.type]?.() ?? String(one.text ?? one.value));
    const numeric = (column) => (block.rows.slice(1).every((row) => row[column].type === "raw_number") ? "align-right" : "");
    return leafed(block, cell, numeric);
  },
  data_visualization: (block) => chart(block),
  container: (block, surface) => {
    const title = block.rich_text_title ? rich(block.rich_text_title, surface.names) : words(block.title, surface.names);
    const subtitle = block.subtitle ? el("p", { class: "hint" }, words(block.subtitle, surface.names)) : null;
    const inner = [subtitle, draw(block.child_blocks, surface)];
    if (!block.is_collapsible) return el("div", { class: "b-box" }, el("p", { class: "b-title" }, title), inner);
    return el("details", { class: "b-box", open: !block.default_collapsed }, el("summary", { class: "b-title" }, title), inner);
  },
  card: (block, surface) => el("div", { class: "b-box" },
    block.title ? el("p", { class: "b-title" }, words(block.title, surface.names)) : null,
    ["subtitle", "body", "subtext"].map((name) => block[name] && el("p", { class: name === "body" ? "text" : "hint" }, words(block[name], surface.names))),
    block.actions ? el("div", { class: "b-actions" }, block.actions.map((one) => button(one, block, surface))) : null),
  carousel: (block, surface) => el("div", { class: "b-carousel" }, draw(block.elements, surface)),
  alert: (block, surface) => el("p", { class: `b-alert ${block.level ?? "default"}`, role: "note" }, words(block.text, surface.names)),
  plan: (block, surface) => el("div", { class: "b-box" }, el("p", { class: "b-title" }, block.title), (block.tasks ?? []).map((one) => task(one, surface))),
  task_card: (block, surface) => task(block, surface),
  context_actions: (block, surface) => el("div", { class: "b-actions" }, block.elements.map((one) =>
    one.type === "feedback_buttons" ? el("span", {}, icon("check"), " Feedback") : button(one, block, surface))),
});

function task(one, surface) {
  return el("div", { class: "b-task" },
    el("span", { "aria-hidden": "true" }, STATUS[one.status] ?? "○"), " ", one.title,
    one.status ? el("span", { class: "hint" }, ` ${one.status.replace("_", " ")}`) : null,
    one.details ? rich(one.details, surface.names) : null, one.output ? rich(one.output, surface.names) : null);
}
