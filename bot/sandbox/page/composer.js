// The message box: commands with their usage, history with the arrow keys, and what came of the last one.

import { act } from "./api.js";
import { byId, el } from "./dom.js";

export class Composer {
  constructor(commands) {
    this.commands = commands;
    this.box = byId("text");
    this.list = byId("commands");
    this.history = [];
    this.recalled = 0;
    this.chosen = 0;
    byId("composer").addEventListener("submit", (event) => {
      event.preventDefault();
      this.send();
    });
    this.box.addEventListener("input", () => this.typed());
    this.box.addEventListener("keydown", (event) => this.key(event));
  }

  /** Write as this person in this channel from now on. */
  aim(user, channel, placeholder) {
    this.user = user;
    this.channel = channel;
    this.box.placeholder = placeholder;
    this.box.setAttribute("aria-label", placeholder);
    this.typed();
  }

  /** Put a command into the box, to be sent or changed. */
  offer(text) {
    this.box.value = text;
    this.box.focus();
    this.typed();
    this.suggest([]);
  }

  async send() {
    const text = this.box.value.trim();
    if (!text) return;
    this.history.push(text);
    this.recalled = this.history.length;
    this.box.value = "";
    this.typed();
    this.say("Sending…");
    const body = { user: this.user, channel: this.channel, text };
    const outcome = await act(text.startsWith("/") ? "command" : "message", body);
    if (outcome.acked) this.say(`Acknowledged in ${Math.round(outcome.ack_ms)} ms`);
    else this.say(outcome.ok ? "" : explain(outcome.error), !outcome.ok);
  }

  say(text, bad = false) {
    const node = byId("outcome");
    node.textContent = text;
    node.classList.toggle("bad", bad);
  }

  typed() {
    this.box.style.height = "auto";
    this.box.style.height = `${Math.min(this.box.scrollHeight, 160)}px`;
    const text = this.box.value;
    const begun = /^\/\S*$/.test(text);
    const fits = this.commands.filter(([command]) => (begun ? command.startsWith(text) : text.startsWith(`${command} `)));
    byId("hint").textContent = fits.length && !begun ? `${fits[0][0]} ${fits[0][2]}` : "Enter sends, Shift+Enter starts a new line";
    this.suggest(begun ? fits.filter(([command]) => command !== text) : []);
  }

  suggest(fits) {
    this.fits = fits;
    this.chosen = 0;
    this.list.hidden = !fits.length;
    this.list.replaceChildren(...fits.map(([command, description, usage], place) =>
      el("li", { role: "option", id: `command-${place}`, "aria-selected": String(place === 0), onmousedown: (event) => this.take(place, event) },
        el("strong", {}, command), " ", el("code", {}, usage), el("small", {}, description))));
    this.point();
  }

  point() {
    [...this.list.children].forEach((item, place) => item.setAttribute("aria-selected", String(place === this.chosen)));
    if (this.fits.length) this.box.setAttribute("aria-activedescendant", `command-${this.chosen}`);
    else this.box.removeAttribute("aria-activedescendant");
  }

  take(place, event) {
    event?.preventDefault();
    this.box.value = `${this.fits[place][0]} `;
    this.box.focus();
    this.typed();
  }

  key(event) {
    const open = this.fits.length > 0;
    if (open && (event.key === "Tab" || event.key === "Enter") && !event.shiftKey) return this.take(this.chosen, event);
    if (open && event.key === "Escape") return this.suggest([]);
    if (open && (event.key === "ArrowDown" || event.key === "ArrowUp")) {
      event.preventDefault();
      const step = event.key === "ArrowDown" ? 1 : this.fits.length - 1;
      this.chosen = (this.chosen + step) % this.fits.length;
      return this.point();
    }
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      return byId("composer").requestSubmit();
    }
    if (event.key === "ArrowUp" && !event.altKey && !this.box.value.includes("\n")) return this.recall(-1, event);
    if (event.key === "ArrowDown" && !event.altKey && this.recalled < this.history.length) return this.recall(1, event);
  }

  recall(step, event) {
    const place = this.recalled + step;
    if (place < 0 || place > this.history.length) return;
    event.preventDefault();
    this.recalled = place;
    this.box.value = this.history[place] ?? "";
    this.typed();
    this.suggest([]);
  }
}

function explain(error) {
  if (error === "operation_timeout") return "The app did not acknowledge within 3 seconds.";
  if (error === "dispatch_failed") return "The app is not connected.";
  return error;
}
