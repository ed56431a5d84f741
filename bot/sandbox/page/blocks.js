// Block Kit's blocks, as DOM nodes. `surface` says how names are shown and what a press does.

import { el } from "./dom.js";
import { input, pressable, unknown } from "./elements.js";
import { markdown } from "./markdown.js";
import { mrkdwn, plain, richText } from "./markup.js";
import { newer } from "./newer.js";
import { framed, rowsOf } from "./tables.js";

/** What `surface` needs: names {person, channel, group}, press(element, block_id, value, node), fields (a Map), and
    suggest(element, typed) for menus that ask the app. */
export function renderBlocks(blocks, surface) {
  return blocks.map((block) => RENDER[block.type]?.(block, surface) ?? unknown("block", block.type));
}

export function textObject(object, names) {
  return object.type === "mrkdwn" ? mrkdwn(object.text, names) : plain(object.text, object.emoji !== false);
}

const RENDER = {
  header: (block) => el("p", { class: "b-header", role: "heading", "aria-level": "3" }, plain(block.text.text)),
  divider: () => el("hr"),
  section,
  context: (block, surface) => el("div", { class: "b-context" }, block.elements.map((part) => contextPart(part, surface))),
  actions: (block, surface) => el("div", { class: "b-actions" }, block.elements.map((part) => interactive(part, block, surface))),
  image: (block) => picture(block, block.title?.text),
  rich_text: (block, surface) => el("div", { class: "b-rich" }, block.elements.map((part) => richText(part, surface.names))),
  table,
  markdown: (block) => el("div", { class: "b-markdown" }, markdown(block.text)),
  input: formRow,
  ...newer(renderBlocks, interactive),
};

function section(block, surface) {
  const texts = [];
  if (block.text) texts.push(el("div", { class: "text" }, textObject(block.text, surface.names)));
  if (block.fields) {
    texts.push(el("div", { class: "fields" }, block.fields.map((one) => el("div", { class: "text" }, textObject(one, surface.names)))));
  }
  const accessory = block.accessory && el("div", { class: "accessory" },
    block.accessory.type === "image" ? picture(block.accessory) : interactive(block.accessory, block, surface));
  return el("div", { class: "b-section" }, el("div", { class: "words" }, texts), accessory);
}

function contextPart(part, surface) {
  if (part.type === "image") return picture(part);
  return "text" in part ? el("span", { class: "text" }, textObject(part, surface.names)) : unknown("element", part.type);
}

/** What acts at once: a button, or a menu that is no field of a form. */
function interactive(element, block, surface) {
  if (element.type === "button" || element.type === "overflow" || element.type === "icon_button" || element.type === "workflow_button") {
    return pressable(element, (pressed, value, node) => surface.press(pressed, block.block_id, value, node));
  }
  return registered(element, block, surface, true).node;
}

/** An uploaded picture is shown; one from elsewhere is only described, since this page loads nothing from outside. */
function picture(image, title) {
  const id = image.slack_file?.id;
  const caption = title ? el("figcaption", {}, title) : null;
  if (id) return el("figure", {}, caption, el("img", { src: `/sandbox/files/${encodeURIComponent(id)}`, alt: image.alt_text }));
  return el("figure", { class: "described" }, caption, el("span", { role: "img", "aria-label": image.alt_text }, `[${image.alt_text}]`));
}

function table(block, surface) {
  const classes = (column) => {
    const set = block.column_settings?.[column];
    return `align-${set?.align ?? "left"} ${set?.is_wrapped ? "wrapped" : ""}`;
  };
  const cell = (one) => (one.type === "rich_text" ? one.elements.map((part) => richText(part, surface.names)) : String(one.text ?? one.value));
  return framed(rowsOf(block.rows.map((row) => row.map(cell)), { classes }));
}

function formRow(block, surface) {
  const made = registered(block.element, block, surface, block.dispatch_action);
  const id = made.node.id;
  const grouped = made.node.classList.contains("boxes");
  const title = [plain(block.label.text), block.optional ? el("small", {}, " (optional)") : null];
  const head = grouped ? el("div", { id: `${id}-label`, class: "label" }, title) : el("label", { for: id, class: "label" }, title);
  const hint = block.hint ? el("p", { class: "hint", id: `${id}-hint` }, plain(block.hint.text)) : null;
  const error = el("p", { class: "error", id: `${id}-error`, role: "alert" });
  if (grouped) made.node.setAttribute("aria-labelledby", `${id}-label`);
  made.node.setAttribute("aria-describedby", `${id}-error${hint ? ` ${id}-hint` : ""}`);
  return el("div", { class: "b-input", "data-block": block.block_id }, head, made.node, hint, error);
}

function registered(element, block, surface, dispatches) {
  const made = input(element, undefined, surface.choices, surface.suggest);
  surface.fields?.set(`${block.block_id}\n${element.action_id}`, { block_id: block.block_id, action_id: element.action_id, ...made });
  if (dispatches) made.node.addEventListener("change", () => surface.press(element, block.block_id, made.value(), made.node));
  return made;
}

/** What is filled in, by block and action. */
export function filled(fields) {
  const values = {};
  for (const { block_id, action_id, value } of fields.values()) (values[block_id] ??= {})[action_id] = value();
  return values;
}
