// The inspector: every envelope, ack and call with its time, newest last, each to be opened.

import { look } from "./api.js";
import { byId, el } from "./dom.js";

const EVERY = 1000; // milliseconds between looks while it is open
const MOST = 500; // lines that it keeps

export class Inspector {
  constructor() {
    this.last = "";
    this.timer = null;
    this.list = el("ol", { class: "wire", "aria-label": "What went over the wire" });
    this.names = new Map();
  }

  open() {
    byId("panel-title").textContent = "Inspector";
    byId("panel-body").replaceChildren(this.list);
    this.refresh();
    this.timer ??= setInterval(() => this.refresh(), EVERY);
  }

  close() {
    clearInterval(this.timer);
    this.timer = null;
  }

  async refresh() {
    const { log } = await look("log", { after: this.last }).catch(() => ({ log: [] }));
    if (!log.length) return;
    const body = byId("panel-body");
    const atEnd = body.scrollHeight - body.scrollTop - body.clientHeight < 60;
    this.last = log.at(-1).ts;
    this.list.append(...log.map((line) => this.line(line)));
    while (this.list.childElementCount > MOST) this.list.firstElementChild.remove();
    if (atEnd) body.scrollTop = body.scrollHeight;
  }

  line(line) {
    const { kind, ts, ms, ...rest } = line;
    const bad = line.ok === false || line.late || kind === "timeout";
    const took = typeof ms === "number" ? el("span", { class: "took" }, `${ms < 10 ? ms.toFixed(1) : Math.round(ms)} ms`) : null;
    return el("li", { class: bad ? "bad" : "" },
      el("details", {},
        el("summary", {}, el("time", {}, clock(ts)), el("span", { class: `wire-kind ${kind}` }, WORDS[kind] ?? kind), el("span", { class: "wire-what" }, this.what(line)), took),
        el("pre", {}, JSON.stringify(rest, null, 2))));
  }

  what(line) {
    if (line.kind === "envelope") {
      const { type, command, text, event, actions } = line.payload;
      const name = command ? `${command} ${text}` : event?.type ?? actions?.[0]?.action_id ?? "";
      this.names.set(line.envelope_id, `${type && type !== "event_callback" ? type : line.type}: ${name}`);
    }
    if (line.envelope_id) return `${this.names.get(line.envelope_id) ?? line.envelope_id}${line.late ? " (late)" : ""}`;
    if (line.kind === "web_api") return line.ok ? line.method : `${line.method}: ${line.error}`;
    if (line.kind === "connections") return `${line.count} open`;
    if (line.kind === "response_url") return line.ok ? line.content?.text ?? "" : line.error;
    return line.error ?? "";
  }
}

const WORDS = { web_api: "call", envelope: "sent", ack: "ack", timeout: "no ack", response_url: "answer", connections: "socket" };

function clock(ts) {
  const when = new Date(Number(ts) * 1000);
  return `${when.toLocaleTimeString([], { hour12: false })}.${String(when.getMilliseconds()).padStart(3, "0")}`;
}
