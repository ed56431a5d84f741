// Block Kit's interactive elements: what they look like, and what is chosen in them.

import { el } from "./dom.js";
import { plain } from "./markup.js";

/** What this page has no picture of is said, and never left out. */
export const unknown = (kind, type) => el("p", { class: "b-unknown" }, `This page does not know the ${kind} ${type}.`);

let count = 0;
const fresh = () => `e${++count}`;
const label = (option) => plain(option.text.text);

/** An element that does something at once. `press(element, value)` is called for it. */
export function pressable(element, press) {
  if (element.text) return button(element, press);
  if (element.type === "overflow") return overflow(element, press);
  const field = input(element);
  field.node.addEventListener("change", () => press(element, field.value()));
  return field.node;
}

function button(element, press) {
  const node = el("button", { type: "button", class: `button ${element.style ?? ""}`, "aria-label": element.accessibility_label },
    plain(element.text.text));
  node.addEventListener("click", () => press(element, undefined, node));
  if (element.url && /^https?:/.test(element.url)) node.addEventListener("click", () => window.open(element.url, "_blank", "noopener"));
  return node;
}

function overflow(element, press) {
  const node = el("select", { class: "overflow", "aria-label": "More actions" },
    el("option", { value: "" }, "⋯"),
    element.options.map((option) => el("option", { value: option.value }, label(option))));
  node.addEventListener("change", () => {
    press(element, node.value, node);
    node.value = "";
  });
  return node;
}

/** A field of a form: its node, its value as the sandbox takes it, and how to set one. */
export function input(element, id = fresh(), people = {}, suggest = null) {
  const make = {
    plain_text_input: () => text(element, id, element.multiline ? "textarea" : "text"),
    email_text_input: () => text(element, id, "email"),
    url_text_input: () => text(element, id, "url"),
    number_input: () => text(element, id, "number"),
    datepicker: () => text(element, id, "date", element.initial_date),
    timepicker: () => text(element, id, "time", element.initial_time),
    datetimepicker: () => moment(element, id),
    static_select: () => menu(element, id, options(element), element.initial_option?.value),
    external_select: () => asking(element, id, suggest),
    multi_users_select: () => several(element, id, people.users ?? [], element.initial_users),
    multi_channels_select: () => several(element, id, people.channels ?? [], element.initial_channels),
    multi_conversations_select: () => several(element, id, people.channels ?? [], element.initial_conversations),
    users_select: () => menu(element, id, people.users ?? [], element.initial_user),
    channels_select: () => menu(element, id, people.channels ?? [], element.initial_channel),
    conversations_select: () => menu(element, id, people.channels ?? [], element.initial_conversation),
    checkboxes: () => boxes(element, id, "checkbox", element.initial_options),
    multi_static_select: () => boxes(element, id, "checkbox", element.initial_options),
    radio_buttons: () => boxes(element, id, "radio", element.initial_option && [element.initial_option]),
  }[element.type];
  return make ? make() : field(unknown("element", element.type), () => null, () => {});
}

function text(element, id, kind, initial = element.initial_value) {
  const attributes = {
    id,
    placeholder: element.placeholder?.text,
    maxlength: element.max_length,
    minlength: element.min_length,
    min: element.min_value,
    max: element.max_value,
  };
  const node = kind === "textarea" ? el("textarea", { ...attributes, rows: "4" }) : el("input", { ...attributes, type: kind });
  if (kind === "number" && element.is_decimal_allowed) node.step = "any";
  return field(node, () => node.value || null, (value) => (node.value = value ?? ""), initial);
}

function moment(element, id) {
  const node = el("input", { id, type: "datetime-local" });
  const local = (seconds) => new Date((seconds - new Date(seconds * 1000).getTimezoneOffset() * 60) * 1000).toISOString().slice(0, 16);
  const value = () => (node.value ? Math.round(new Date(node.value).getTime() / 1000) : null);
  return field(node, value, (seconds) => (node.value = seconds ? local(seconds) : ""), element.initial_date_time);
}

function options(element) {
  const groups = element.option_groups ?? [{ options: element.options ?? [] }];
  return groups.flatMap((group) => group.options.map((option) => [option.value, option.text.text]));
}

function menu(element, id, choices, initial) {
  const node = el("select", { id, "aria-label": element.placeholder?.text },
    el("option", { value: "" }, element.placeholder?.text ?? "Choose…"),
    choices.map(([value, name]) => el("option", { value }, plain(name))));
  return field(node, () => node.value || null, (value) => (node.value = value ?? ""), initial);
}

function several(element, id, choices, initial) {
  const node = el("select", { id, multiple: true, size: String(Math.min(choices.length, 5)), "aria-label": element.placeholder?.text },
    choices.map(([value, name]) => el("option", { value }, plain(name))));
  const set = (wanted) => [...node.options].forEach((one) => (one.selected = (wanted ?? []).includes(one.value)));
  return field(node, () => [...node.selectedOptions].map((one) => one.value), set, initial);
}

/** A menu whose options the app gives for what was typed: a combobox, which shows what was chosen by its name. */
function asking(element, id, suggest) {
  const list = el("ul", { id: `${id}-options`, role: "listbox", class: "options", hidden: true });
  const node = el("input", { id, type: "text", role: "combobox", autocomplete: "off", "aria-expanded": "false", "aria-controls": `${id}-options`, placeholder: element.placeholder?.text });
  let chosen = null;
  let found = [];
  let at = -1;
  let asked = 0;
  const show = (open) => {
    list.hidden = !open;
    node.setAttribute("aria-expanded", String(open));
  };
  const take = (option) => {
    chosen = option && { value: option.value, label: option.text.text };
    node.value = chosen?.label ?? "";
    show(false);
    node.dispatchEvent(new Event("change"));
  };
  const point = (place) => {
    at = found.length ? (place + found.length) % found.length : -1;
    [...list.children].forEach((item, one) => item.setAttribute("aria-selected", String(one === at)));
    list.children[at]?.scrollIntoView({ block: "nearest" });
    if (at >= 0 && found.length) node.setAttribute("aria-activedescendant", `${id}-${at}`);
  };
  const ask = async () => {
    if (!suggest || node.value.length < (element.min_query_length ?? 3)) return;
    const mine = ++asked;
    const { ack } = await suggest(element, chosen && node.value === chosen.label ? "" : node.value);
    if (mine !== asked || document.activeElement !== node) return;
    found = ack?.options ?? (ack?.option_groups ?? []).flatMap((group) => group.options);
    list.replaceChildren(...(found.length
      ? found.map((one, place) => el("li", { role: "option", id: `${id}-${place}`, onmousedown: (event) => { event.preventDefault(); take(one); } }, plain(one.text.text)))
      : [el("li", { class: "nothing" }, "No results")]));
    show(true);
    point(0);
  };
  node.addEventListener("input", ask);
  node.addEventListener("click", ask);
  node.addEventListener("blur", () => {
    show(false);
    node.value = chosen?.label ?? "";
  });
  node.addEventListener("keydown", (event) => {
    if (list.hidden && event.key === "ArrowDown") return ask();
    if (list.hidden) return;
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      point(at + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter" && found[at]) {
      event.preventDefault();
      take(found[at]);
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      show(false);
    }
  });
  const set = (value) => {
    chosen = value === null || value === undefined ? null : typeof value === "object" ? value : { value, label: known(value) };
    node.value = chosen?.label ?? "";
  };
  const known = (value) => {
    const one = [element.initial_option, ...found].find((option) => option?.value === value);
    return one ? one.text.text : value;
  };
  queueMicrotask(() => node.after(list));
  const made = field(node, () => chosen?.value ?? null, set, element.initial_option?.value);
  const keep = () => ({ chosen, text: node.value });
  const restore = (kept) => {
    chosen = kept.chosen;
    node.value = kept.text;
    if (kept.text !== (chosen?.label ?? "")) setTimeout(ask);
  };
  return { ...made, keep, restore };
}

function boxes(element, id, kind, initial = []) {
  const choices = element.options ?? [];
  const made = choices.map((option) => el("input", { type: kind, name: id, value: option.value }));
  const node = el("div", { class: "boxes", role: kind === "radio" ? "radiogroup" : "group", id },
    choices.map((option, place) => el("label", {}, made[place], " ", label(option),
      option.description ? el("small", {}, plain(option.description.text)) : null)));
  const chosen = () => made.filter((box) => box.checked).map((box) => box.value);
  const value = () => (kind === "radio" ? chosen()[0] ?? null : chosen());
  const set = (wanted) => made.forEach((box) => (box.checked = [wanted].flat().includes(box.value)));
  return field(node, value, set, (initial ?? []).map((option) => option.value));
}

function field(node, value, set, initial) {
  if (initial !== undefined && initial !== null) set(initial);
  return { node, value, set };
}
