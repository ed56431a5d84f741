// A thread beside the channel: the message, what was answered, and a box to answer in.

import { act, look } from "./api.js";
import { byId, el } from "./dom.js";
import { MessageList } from "./messages.js";

export class Thread {
  constructor(user, names, channel, ts, choices) {
    this.user = user;
    this.channel = channel;
    this.ts = ts;
    this.node = el("div", { class: "thread-list", role: "log", "aria-label": "Thread" });
    this.list = new MessageList(user, names, { node: this.node, thread: ts, choices });
    this.box = el("textarea", { rows: "2", "aria-label": "Reply in the thread", placeholder: "Reply…" });
    this.form = el("form", { class: "thread-box", onsubmit: (event) => this.send(event) }, this.box, el("button", { type: "submit", class: "button primary" }, "Reply"));
    this.box.addEventListener("keydown", (event) => {
      if (event.key === "Enter" && !event.shiftKey && !event.isComposing) this.send(event);
    });
  }

  async open() {
    byId("panel-title").textContent = "Thread";
    byId("panel-body").replaceChildren(this.node, this.form);
    const { messages } = await look("messages", { channel: this.channel, user: this.user });
    this.list.show(messages.filter((one) => this.has(one)), []);
    this.box.focus();
  }

  close() {}

  has(message) {
    return message.channel === this.channel && (message.ts === this.ts || message.thread_ts === this.ts);
  }

  put(message) {
    if (this.has(message)) this.list.put(message);
  }

  remove(ts) {
    this.list.remove(ts);
  }

  async send(event) {
    event.preventDefault();
    const text = this.box.value.trim();
    if (!text) return;
    this.box.value = "";
    await act("message", { user: this.user, channel: this.channel, text, thread_ts: this.ts });
  }
}
