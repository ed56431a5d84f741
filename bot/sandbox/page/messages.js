// The list of messages: each rendered once, replaced in place when it changes.

import { act } from "./api.js";
import { renderBlocks } from "./blocks.js";
import { confirmed } from "./dialogs.js";
import { byId, el, icon } from "./dom.js";
import { mrkdwn } from "./markup.js";

const FAILED = {
  operation_timeout: "Operation timed out. Apps need to respond within 3 seconds.",
  dispatch_failed: "The app is not connected.",
};

export class MessageList {
  constructor(user, names) {
    this.user = user;
    this.names = names;
    this.list = byId("messages");
    this.waiting = null;
  }

  /** Hold changes back until the messages that are being fetched are there. */
  hold() {
    this.waiting = [];
  }

  show(messages, empty) {
    this.list.setAttribute("aria-live", "off");
    this.list.replaceChildren(el("div", { class: "start" }, empty), ...messages.map((one) => this.render(one)));
    this.toEnd();
    requestAnimationFrame(() => this.list.setAttribute("aria-live", "polite"));
    const held = this.waiting ?? [];
    this.waiting = null;
    for (const change of held) change();
  }

  /** Put a message at the end, or in the place of the one with its ts. */
  put(message) {
    if (this.waiting) return void this.waiting.push(() => this.put(message));
    const atEnd = this.list.scrollHeight - this.list.scrollTop - this.list.clientHeight < 80;
    const old = this.find(message.ts);
    const now = this.render(message);
    if (old) this.replace(old, now);
    else this.list.append(now);
    if (!atEnd) return;
    if (now === this.list.lastElementChild) this.list.scrollTop = now.offsetTop - this.list.offsetTop;
    else this.toEnd();
  }

  toEnd() {
    this.list.scrollTop = this.list.scrollHeight;
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

  render(message) {
    const author = this.names.author(message.user);
    const surface = {
      names: this.names,
      press: (element, block_id, value, node) => this.press(message, element, block_id, value, node),
    };
    const blocks = message.blocks?.length ? renderBlocks(message.blocks, surface) : null;
    return el("article", { class: this.classes(message), "data-ts": message.ts, tabindex: "-1" },
      el("div", { class: `avatar a${author.color}`, "aria-hidden": "true" }, author.initials ?? icon("check")),
      el("div", { class: "content" },
        message.is_ephemeral ? el("p", { class: "only-you" }, icon("eye"), " Only visible to you") : null,
        el("p", { class: "byline" },
          el("strong", {}, author.name),
          message.bot_id ? el("span", { class: "tag" }, "app") : null,
          time(message.ts),
          message.edited ? el("span", { class: "edited" }, "(edited)") : null),
        blocks ?? el("div", { class: "text" }, mrkdwn(message.text, this.names)),
        (message.files ?? []).map((file) => this.file(file)),
        el("p", { class: "trouble", role: "alert" })));
  }

  classes(message) {
    return ["message", message.is_ephemeral && "ephemeral", message.thread_ts && message.thread_ts !== message.ts && "reply"].filter(Boolean).join(" ");
  }

  file(file) {
    const url = `/sandbox/files/${encodeURIComponent(file.id)}`;
    if (file.filetype === "png") return el("figure", {}, el("figcaption", {}, file.title), el("img", { src: url, alt: file.title }));
    return el("p", {}, el("a", { href: url, download: file.name }, file.title));
  }

  async press(message, element, block_id, value, node) {
    if (element.confirm && !(await confirmed(element.confirm, this.names))) return;
    node?.classList.add("busy");
    const outcome = await act("press", {
      user: this.user, channel: message.channel, ts: message.ts, action_id: element.action_id, block_id, value,
    });
    node?.classList.remove("busy");
    const trouble = this.find(message.ts)?.querySelector(".trouble");
    if (trouble) trouble.textContent = outcome.ok ? "" : FAILED[outcome.error] ?? outcome.error;
  }
}

function time(ts) {
  const when = new Date(Number(ts) * 1000);
  const today = new Date().toDateString() === when.toDateString();
  const clock = when.toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" });
  const text = today ? clock : `${when.toLocaleDateString([], { day: "numeric", month: "short" })}, ${clock}`;
  return el("time", { datetime: when.toISOString(), title: when.toLocaleString() }, text);
}
