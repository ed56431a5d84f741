// Talking to the sandbox: acts are posted, the rest is read.

import { released } from "./pointer.js";

export async function act(name, body) {
  const response = await fetch(`/sandbox/${name}`, {
    method: "POST",
    headers: { "Content-Type": "application/json" },
    body: JSON.stringify(body),
  });
  return response.json();
}

export async function look(name, query = {}) {
  const response = await fetch(`/sandbox/${name}?${new URLSearchParams(query)}`);
  const seen = await response.json();
  await released();
  return seen;
}

// What a person sees, as it happens: from when `begun` is kept, nothing is missed. `again` is called after the stream
// was cut and is back.
export function watch(user, handlers, again) {
  const source = new EventSource(`/sandbox/events?${new URLSearchParams({ user })}`);
  source.begun = new Promise((resolve) => {
    source.addEventListener("open", resolve, { once: true });
    source.addEventListener("error", resolve, { once: true });
  });
  source.begun.then(() => source.addEventListener("open", again));
  let before = Promise.resolve(); // one after the other, as they came
  for (const [kind, handle] of Object.entries(handlers)) {
    source.addEventListener(kind, (event) => {
      before = before.then(released).then(() => void handle(event.data ? JSON.parse(event.data) : null)).catch(reportError);
    });
  }
  return source;
}
