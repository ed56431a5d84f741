// A list of messages: each rendered once, replaced in place when it changes.

import { act } from "./api.js";
import { filled, renderBlocks } from "./blocks.js";
import { confirmed } from "./dialogs.js";
import { byId, el, icon } from "./dom.js";
import { mrkdwn, plain } from "./markup.js";

const FAILED = {
  operation_timeout: "Operation timed out. Apps need to respond within 3 seconds.",
  dispatch_failed: "The app is not connected.",
};

export class MessageList {
  /** `thread` is the message whose thread this is; without one it is the channel. `openThread(ts)` shows one. */
  constructor(user, names, { node = byId("messages"), thread = null, choices, openThread, shortcuts = [] } = {}) {
    this.user = user;
    this.names = names;
    this.list = node;
    this.thread = thread;
    this.choices = choices;
    this.openThread = openThread;
    this.shortcuts = shortcuts;
    this.waiting = null;
  }

  /** Hold changes back until the messages that are being fetched are there. */
  hold() {
    this.waiting = [];
  }

  /** `typed` is what the person typed, `read` the last message that they have seen. */
  show(messages, empty, { typed = [], read = null } = {}) {
    this.list.setAttribute("aria-live", "off");
    const lines = [...messages.filter((one) => this.belongs(one)), ...typed].sort((a, b) => (a.ts < b.ts ? -1 : 1));
    const nodes = lines.map((one) => this.row(one));
    const first = read ? lines.findIndex((one) => one.ts > read && one.user !== this.user) : -1;
    if (first >= 0) nodes.splice(first, 0, el("p", { class: "new-line", role: "separator" }, "New"));
    this.list.replaceChildren(el("div", { class: "start" }, empty), ...nodes);
    this.toEnd();
    requestAnimationFrame(() => this.list.setAttribute("aria-live", "polite"));
    const held = this.waiting ?? [];
    this.waiting = null;
    for (const change of held) change();
  }

  /** Replies are in their thread; only those told to the channel are in the channel too. */
  belongs(message) {
    return this.thread !== null || !isReply(message) || message.subtype === "thread_broadcast";
  }

  /** Put a message at the end, or in the place of the one with its ts. */
  put(message) {
    if (this.waiting) return void this.waiting.push(() => this.put(message));
    if (!this.belongs(message)) return;
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 80;
    const old = this.find(message.ts);
    const now = this.row(message);
    if (old) this.replace(old, now);
    else this.list.append(now);
    if (!atEnd) return;
    if (now === this.list.lastElementChild) this.list.scrollTop = now.offsetTop - this.list.offsetTop;
    else this.toEnd();
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
  }

  /** Bring a message into sight, and mark it for a moment. */
  reveal(ts) {
    const node = this.find(ts);
    node?.classList.add("changed");
    node?.scrollIntoView({ block: "center" });
    node?.focus();
  }

  replace(old, now) {
    const focused = old.contains(document.activeElement);
    now.classList.add("changed");
    old.replaceWith(now);
    if (focused) now.focus();
  }

  remove(ts) {
    if (this.waiting) return void this.waiting.push(() => this.remove(ts));
    this.find(ts)?.remove();
  }

  find(ts) {
    return this.list.querySelector(`[data-ts="${CSS.escape(ts)}"]`);
  }

  row(line) {
    return "blocks" in line || "type" in line ? this.render(line) : this.typed(line);
  }

  /** What one typed. Slack shows it to nobody; here it is what the answer belongs to. */
  typed(line) {
    return el("div", { class: "typed", "data-ts": line.ts, role: "note", "aria-label": `You typed ${line.text}` },
      icon("eye"), " You typed ", el("code", {}, line.text), " ", time(line));
  }

  render(message) {
    const author = this.names.author(message);
    const fields = new Map();
    const surface = {
      names: this.names,
      fields,
      choices: this.choices,
      suggest: (element, value) => act("suggest", { ...this.place(message), action_id: element.action_id, value }),
      press: (element, block_id, value, node) => this.press(message, element, block_id, value, node, filled(fields)),
    };
    const blocks = message.blocks?.length ? renderBlocks(message.blocks, surface) : null;
    const body = blocks ?? el("div", { class: "text" }, mrkdwn(message.text, this.names));
    return el("article", { class: this.classes(message), "data-ts": message.ts, tabindex: "-1", "aria-label": spoken(author.name, message) },
      el("div", { class: `avatar a${author.color}`, "aria-hidden": "true" }, author.initials ?? icon("check")),
      el("div", { class: "content" },
        message.is_ephemeral ? el("p", { class: "only-you" }, icon("eye"), " Only visible to you") : null,
        el("p", { class: "byline" },
          el("strong", {}, author.name),
          message.bot_id ? el("span", { class: "tag" }, "app") : null,
          time(message, true),
          message.edited ? el("span", { class: "edited" }, "(edited)") : null,
          message.pinned_to ? el("span", { class: "edited" }, "📌 Pinned") : null,
          this.more(message)),
        body,
        (message.files ?? []).map((file) => this.file(file)),
        this.reactions(message),
        this.replies(message),
        el("p", { class: "trouble", role: "alert" })));
  }

  classes(message) {
    const told = isReply(message) && this.thread === null;
    return ["message", message.is_ephemeral && "ephemeral", told && "reply", message.subtype === "tombstone" && "gone"].filter(Boolean).join(" ");
  }

  /** The shortcuts that the app has for messages. */
  more(message) {
    if (!this.shortcuts.length || message.is_ephemeral) return null;
    const node = el("select", { class: "overflow", "aria-label": "More actions" },
      el("option", { value: "" }, "⋯"), this.shortcuts.map(([id, name]) => el("option", { value: id }, name)));
    node.addEventListener("change", () => {
      act("shortcut", { ...this.place(message), callback_id: node.value });
      node.value = "";
    });
    return node;
  }

  reactions(message) {
    if (!message.reactions?.length) return null;
    return el("div", { class: "reactions" }, message.reactions.map(({ name, count, users }) =>
      el("button", { type: "button", class: "reaction", "aria-pressed": String(users.includes(this.user)), "aria-label": `${name}, ${count}`, onclick: () => act("react", { ...this.place(message), name }) },
        plain(`:${name}:`), ` ${count}`)));
  }

  replies(message) {
    if (!message.reply_count || this.thread !== null || !this.openThread) return null;
    const words = `${message.reply_count} ${message.reply_count === 1 ? "reply" : "replies"}`;
    return el("button", { type: "button", class: "replies", onclick: () => this.openThread(message.ts) }, words);
  }

  file(file) {
    const url = `/sandbox/files/${encodeURIComponent(file.id)}`;
    if (file.filetype === "png") return el("figure", {}, el("figcaption", {}, file.title), el("img", { src: url, alt: file.title }));
    return el("p", {}, el("a", { href: url, download: file.name }, file.title));
  }

  place(message) {
    return { user: this.user, channel: message.channel, ts: message.ts };
  }

  async press(message, element, block_id, value, node, values) {
    if (element.confirm && !(await confirmed(element.confirm, this.names))) return;
    node?.classList.add("busy");
    const outcome = await act("press", { ...this.place(message), action_id: element.action_id, block_id, value, values });
    node?.classList.remove("busy");
    const trouble = this.find(message.ts)?.querySelector(".trouble");
    if (trouble) trouble.textContent = outcome.ok ? "" : FAILED[outcome.error] ?? outcome.error;
  }
}

const isReply = (message) => message.thread_ts && message.thread_ts !== message.ts;

/** The name of a message for who does not see it: whose it is, when, and how it begins. */
function spoken(author, message) {
  const when = new Date(Number(message.ts) * 1000).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const text = (message.text ?? "").replace(/\s+/g, " ").trim();
  const begins = text.length > 120 ? `${text.slice(0, 120)}…` : text;
  return [author, when, message.is_ephemeral && "only visible to you", begins].filter(Boolean).join(", ");
}

/** When it was; on a message a link to it, which is put into the address and the clipboard. */
function time(line, linked = false) {
  const when = new Date(Number(line.ts) * 1000);
  const today = new Date().toDateString() === when.toDateString();
  const clock = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const text = today ? clock : `${when.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
  const attributes = { datetime: when.toISOString(), title: when.toLocaleString() };
  if (!linked || line.is_ephemeral) return el("time", attributes, text);
  const link = `/archives/${line.channel}/p${line.ts.replace(".", "")}`;
  const follow = (event) => {
    if (event.type === "keydown" && event.key !== "Enter") return;
    history.replaceState(null, "", `${link}${location.hash}`);
    navigator.clipboard?.writeText(location.href).catch(() => {});
  };
  return el("time", { ...attributes, class: "permalink", role: "link", tabindex: "0", title: `${attributes.title}: link to this message`, onclick: follow, onkeydown: follow }, text);
}
