// What is drawn anew under a pointer that is down takes the click with it: until it is up, nothing is drawn.

let down = null;

function release() {
  down?.resolve();
  down = null;
}

addEventListener("pointerdown", (event) => {
  if (down || event.button || event.target.closest?.("select")) return; // lists and menus of the system keep the release
  down = {};
  down.promise = new Promise((resolve) => (down.resolve = resolve));
}, true);
for (const kind of ["pointerup", "pointercancel"]) addEventListener(kind, () => setTimeout(release), true); // after the click
addEventListener("blur", release); // of the window

/** Kept once no pointer is down: at once where none is. */
export const released = () => down?.promise ?? Promise.resolve();
