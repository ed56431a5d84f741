// The panel at the side: a thread or the inspector, one at a time.

import { byId } from "./dom.js";

export class Panel {
  constructor() {
    this.shown = null;
    this.from = null;
    byId("close-panel").addEventListener("click", () => this.close());
    byId("panel").addEventListener("keydown", (event) => {
      if (event.key === "Escape") this.close();
    });
  }

  async open(what) {
    this.from ??= document.activeElement;
    this.shown?.close();
    this.shown = what;
    byId("panel").hidden = false;
    document.body.classList.add("panel-open");
    await what.open();
  }

  close() {
    this.shown?.close();
    this.shown = null;
    byId("panel").hidden = true;
    document.body.classList.remove("panel-open");
    if (this.from?.isConnected) this.from.focus();
    this.from = null;
  }
}
