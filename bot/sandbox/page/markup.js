// Slack's mrkdwn, Markdown and rich text, as DOM nodes.

import { el } from "./dom.js";

const EMOJI = {
  white_check_mark: "✅", heavy_check_mark: "✔️", x: "❌", warning: "⚠️", rotating_light: "🚨", hourglass: "⌛",
  hourglass_flowing_sand: "⏳", lock: "🔒", unlock: "🔓", wastebasket: "🗑️", camera: "📷", camera_with_flash: "📸",
  floppy_disk: "💾", bulb: "💡", eyes: "👀", wave: "👋", tada: "🎉", mag: "🔍", gear: "⚙️", bell: "🔔", zzz: "💤",
  information_source: "ℹ️", no_entry: "⛔", red_circle: "🔴", large_green_circle: "🟢", large_yellow_circle: "🟡",
  large_blue_circle: "🔵", white_circle: "⚪", black_circle: "⚫", pushpin: "📌", calendar: "📅", clock1: "🕐",
  rewind: "⏪", arrow_right: "➡️", arrows_counterclockwise: "🔄", stopwatch: "⏱️", package: "📦", fire: "🔥",
  thumbsup: "👍", "+1": "👍", thumbsdown: "👎", "-1": "👎", robot_face: "🤖", desktop_computer: "🖥️",
};
const ENTITIES = { "&lt;": "<", "&gt;": ">", "&amp;": "&" };
const unescape = (text) => text.replace(/&(?:lt|gt|amp);/g, (entity) => ENTITIES[entity]);
const emojis = (text) => text.replace(/:([a-z0-9_+-]+):/g, (whole, name) => EMOJI[name] ?? whole);

/** Plain text: line breaks and emoji codes, nothing else. */
export function plain(text, emoji = true) {
  return document.createTextNode(emoji ? emojis(text) : text);
}

/** mrkdwn: *bold*, _italic_, ~struck~, `code`, fences, quotes, lists as typed, and <…> for links and mentions. */
export function mrkdwn(text, names) {
  const parts = text.split(/```([\s\S]*?)```/);
  return parts.map((part, place) => {
    if (place % 2) return el("pre", {}, unescape(part.replace(/^\n/, "")));
    return quoted(part, names);
  });
}

function quoted(text, names) {
  const nodes = [];
  const lines = text.split("\n");
  for (let place = 0; place < lines.length; place++) {
    const quote = [];
    while (place < lines.length && /^(&gt;|>)/.test(lines[place])) quote.push(lines[place++].replace(/^(&gt;|>) ?/, ""));
    if (quote.length) nodes.push(el("blockquote", {}, inline(quote.join("\n"), names)));
    if (place < lines.length) nodes.push(...inline(lines[place] + (place < lines.length - 1 ? "\n" : ""), names));
  }
  return nodes;
}

const INLINE = /`([^`\n]+)`|<([^<>\n]+)>|(?<![\w*])\*(?=\S)([^*\n]+?)(?<=\S)\*(?![\w*])|(?<![\w_])_(?=\S)([^_\n]+?)(?<=\S)_(?![\w_])|(?<![\w~])~(?=\S)([^~\n]+?)(?<=\S)~(?![\w~])/g;

function inline(text, names) {
  const nodes = [];
  let last = 0;
  for (const match of text.matchAll(INLINE)) {
    nodes.push(plain(unescape(text.slice(last, match.index))));
    const [whole, code, angle, bold, italic, struck] = match;
    if (code !== undefined) nodes.push(el("code", {}, unescape(code)));
    else if (angle !== undefined) nodes.push(special(angle, whole, names));
    else if (bold !== undefined) nodes.push(el("strong", {}, inline(bold, names)));
    else if (italic !== undefined) nodes.push(el("em", {}, inline(italic, names)));
    else nodes.push(el("s", {}, inline(struck, names)));
    last = match.index + whole.length;
  }
  nodes.push(plain(unescape(text.slice(last))));
  return nodes;
}

function special(inner, whole, names) {
  const [target, label] = inner.split("|", 2);
  if (target.startsWith("@")) return mention(`@${names.person(target.slice(1))}`);
  if (target.startsWith("#")) return mention(`#${label ?? names.channel(target.slice(1))}`);
  if (/^!(channel|here|everyone)$/.test(target)) return mention(`@${target.slice(1)}`, "alarm");
  if (target.startsWith("!subteam^")) return mention(`@${names.group(target.slice(9))}`);
  if (target.startsWith("!date^")) return date(target.split("^"), label);
  if (/^(https?|mailto):/.test(target)) return link(unescape(target), label ? unescape(label) : undefined);
  return document.createTextNode(unescape(whole));
}

const mention = (text, kind = "") => el("span", { class: `mention ${kind}` }, text);

function link(url, label) {
  if (!/^(https?|mailto):/.test(url)) return document.createTextNode(label ?? url);
  return el("a", { href: url, rel: "noreferrer noopener", target: "_blank" }, label ?? url.replace(/^mailto:/, ""));
}

function date([, seconds, format], fallback) {
  const when = new Date(Number(seconds) * 1000);
  if (Number.isNaN(when.valueOf())) return document.createTextNode(fallback ?? "");
  const text = format.replace(/\{(\w+)\}/g, (whole, token) => DATES[token]?.(when) ?? whole);
  return el("time", { datetime: when.toISOString(), title: when.toLocaleString() }, text);
}

const day = (options) => (when) => when.toLocaleDateString(undefined, options);
const time = (timeStyle) => (when) => when.toLocaleTimeString(undefined, { timeStyle });
const pretty = (otherwise) => (when) => {
  const days = Math.round((new Date(when).setHours(0, 0, 0, 0) - new Date().setHours(0, 0, 0, 0)) / 86400000);
  return { "-1": "yesterday", 0: "today", 1: "tomorrow" }[days] ?? otherwise(when);
};
const MEDIUM = day({ dateStyle: "medium" });
const LONG = day({ weekday: "long", year: "numeric", month: "long", day: "numeric" });

/** Slack's tokens for moments, in the zone of whoever reads. */
const DATES = {
  date: day({ dateStyle: "long" }),
  date_num: (when) => `${when.getFullYear()}-${String(when.getMonth() + 1).padStart(2, "0")}-${String(when.getDate()).padStart(2, "0")}`,
  date_short: MEDIUM,
  date_long: LONG,
  date_pretty: pretty(day({ dateStyle: "long" })),
  date_short_pretty: pretty(MEDIUM),
  date_long_pretty: pretty(LONG),
  day_divider_pretty: pretty(LONG),
  time: time("short"),
  time_secs: time("medium"),
  ago,
};

function ago(when) {
  const minutes = Math.round((when - Date.now()) / 60000);
  const format = new Intl.RelativeTimeFormat(undefined, { numeric: "auto" });
  if (Math.abs(minutes) < 60) return format.format(minutes, "minute");
  if (Math.abs(minutes) < 60 * 48) return format.format(Math.round(minutes / 60), "hour");
  return format.format(Math.round(minutes / 1440), "day");
}

/** The elements of a rich_text block. */
export function richText(element, names) {
  const inner = () => element.elements.map((part) => richPart(part, names));
  switch (element.type) {
    case "rich_text_preformatted":
      return el("pre", {}, inner());
    case "rich_text_quote":
      return el("blockquote", {}, inner());
    case "rich_text_list": {
      const items = element.elements.map((item) => el("li", {}, richText(item, names)));
      const list = el(element.style === "ordered" ? "ol" : "ul", { class: `indent-${element.indent ?? 0}` }, items);
      if (element.offset) list.setAttribute("start", element.offset + 1);
      return list;
    }
    default:
      return el("div", { class: "rich" }, inner());
  }
}

function richPart(part, names) {
  const node = {
    text: () => document.createTextNode(part.text),
    link: () => link(part.url, part.text),
    emoji: () => plain(`:${part.name}:`),
    user: () => mention(`@${names.person(part.user_id)}`),
    usergroup: () => mention(`@${names.group(part.usergroup_id)}`),
    channel: () => mention(`#${names.channel(part.channel_id)}`),
    broadcast: () => mention(`@${part.range}`, "alarm"),
    date: () => date(["", part.timestamp, part.format], part.fallback),
    color: () => el("code", {}, part.value),
  }[part.type]?.() ?? el("span", { class: "b-unknown" }, `This page does not know the element ${part.type}.`);
  const wraps = { bold: "strong", italic: "em", strike: "s", code: "code" };
  return Object.keys(part.style ?? {})
    .filter((style) => part.style[style] && wraps[style])
    .reduce((wrapped, style) => el(wraps[style], {}, wrapped), node);
}
