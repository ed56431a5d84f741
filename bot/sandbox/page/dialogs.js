// What stands in front of the page: an app's modals, and the questions that buttons ask before they act.

import { act, look } from "./api.js";
import { filled, renderBlocks, textObject } from "./blocks.js";
import { byId, el } from "./dom.js";

/** Ask what a button's `confirm` object says. True is yes. */
export function confirmed(question, names) {
  const dialog = byId("confirm");
  const answer = (value) => () => dialog.close(value);
  dialog.replaceChildren(
    el("h2", { id: "confirm-title" }, question.title.text),
    el("div", { id: "confirm-text", class: "text" }, textObject(question.text, names)),
    el("div", { class: "dialog-buttons" },
      el("button", { type: "button", class: "button", onclick: answer("no"), autofocus: true }, question.deny.text),
      el("button", { type: "button", class: `button ${question.style ?? "primary"}`, onclick: answer("yes") }, question.confirm.text)));
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => dialog.addEventListener("close", () => resolve(dialog.returnValue === "yes"), { once: true }));
}

/** The modals of one person: shows the one in front, and keeps what is typed when the app changes it. */
export class Modals {
  constructor(user, names, choices) {
    this.user = user;
    this.names = names;
    this.choices = choices;
    this.dialog = byId("modal");
    this.view = null;
    this.fields = new Map();
    this.behind = new Map();
    this.looks = 0;
    this.dialog.oncancel = (event) => {
      event.preventDefault();
      this.close();
    };
  }

  async refresh() {
    const turn = ++this.looks;
    const { views } = await look("views", { user: this.user });
    if (turn !== this.looks) return; // an answer that was overtaken shows what is no longer so
    const front = views.at(-1);
    if (front && front.id === this.view?.id && alike(front, this.view)) return; // what somebody is at stays as it is
    if (this.view) this.behind.set(this.view.id, this.entered());
    for (const id of this.behind.keys()) if (!views.some((one) => one.id === id)) this.behind.delete(id);
    this.show(views.at(-1) ?? null);
  }

  /** What is filled in, also while another view is in front. */
  entered() {
    return [...this.fields].map(([key, field]) => [key, field.keep ? field.keep() : field.value()]);
  }

  show(view) {
    const same = view && this.view?.id === view.id;
    const entered = (view && this.behind.get(view.id)) ?? [];
    this.view = view;
    if (!view) {
      if (this.dialog.open) this.dialog.close();
      return;
    }
    this.fields = new Map();
    const surface = {
      names: this.names,
      choices: this.choices,
      fields: this.fields,
      suggest: (element, value) => act("suggest", { user: this.user, view_id: view.id, action_id: element.action_id, value, values: filled(this.fields) }),
      press: (element, block_id, value, node) => this.press(element, value, node),
    };
    const focused = same ? document.activeElement?.closest("[data-block]")?.dataset.block : null;
    this.dialog.replaceChildren(this.form(view, renderBlocks(view.blocks, surface)));
    for (const [key, value] of entered) {
      const now = this.fields.get(key);
      (now?.restore ?? now?.set)?.(value);
    }
    this.complain(view.errors);
    if (!this.dialog.open) this.dialog.showModal();
    if (focused) this.dialog.querySelector(`[data-block="${CSS.escape(focused)}"]`)?.querySelector("input, textarea, select")?.focus();
    if (!same) this.dialog.querySelector("input, textarea, select, .b-actions button")?.focus();
  }

  form(view, blocks) {
    return el("form", { novalidate: true, onsubmit: (event) => this.submit(event) },
      el("header", {},
        el("h2", { id: "modal-title" }, view.title.text),
        el("button", { type: "button", class: "icon", "aria-label": "Close", onclick: () => this.close() }, "✕")),
      el("div", { class: "modal-body" }, blocks),
      el("p", { class: "error", role: "alert", id: "modal-error" }),
      el("footer", { class: "dialog-buttons" },
        el("button", { type: "button", class: "button", onclick: () => this.close() }, view.close?.text ?? "Cancel"),
        view.submit ? el("button", { type: "submit", class: "button primary" }, view.submit.text) : null));
  }

  async submit(event) {
    event.preventDefault();
    const view_id = this.view.id;
    const send = this.dialog.querySelector("[type=submit]");
    send.disabled = true;
    this.complain({});
    const outcome = await act("submit", { user: this.user, view_id, values: filled(this.fields) });
    send.disabled = false;
    this.complain(outcome.errors ?? {});
    if (!outcome.ok && !Object.keys(outcome.errors ?? {}).length) {
      byId("modal-error").textContent = "We had some trouble connecting. Try again?";
    }
  }

  async close() {
    await act("close", { user: this.user, view_id: this.view.id });
  }

  async press(element, value, node) {
    if (element.confirm && !(await confirmed(element.confirm, this.names))) return;
    node?.classList.add("busy");
    await act("press", { user: this.user, view_id: this.view.id, action_id: element.action_id, value, values: filled(this.fields) });
    node?.classList.remove("busy");
  }

  complain(errors) {
    for (const row of this.dialog.querySelectorAll("[data-block]")) {
      const problem = errors[row.dataset.block] ?? "";
      row.querySelector(".error").textContent = problem;
      row.querySelector("input, textarea, select")?.setAttribute("aria-invalid", String(Boolean(problem)));
    }
    this.dialog.querySelector("[aria-invalid=true]")?.focus();
  }
}

const alike = (one, other) => one.hash === other.hash && JSON.stringify(one.errors) === JSON.stringify(other.errors);
