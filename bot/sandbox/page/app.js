// The page: who is acting, which channel they look at, and the changes as they come in.

import { act, look, watch } from "./api.js";
import { filled, renderBlocks } from "./blocks.js";
import { Composer } from "./composer.js";
import { Modals, confirmed } from "./dialogs.js";
import { byId, el, icon } from "./dom.js";
import { Inspector } from "./inspector.js";
import { MessageList } from "./messages.js";
import { Panel } from "./panel.js";
import { Thread } from "./thread.js";

const page = { panel: new Panel(), inspector: new Inspector(), read: new Map(), state: null, user: null, channel: null, stream: null, list: null, modals: null, composer: null, unread: new Map(), becoming: 0, entered: 0 };

const names = {
  person: (id) => page.state.people.find((one) => one.id === id)?.name ?? id,
  channel: (id) => page.state.channels.find((one) => one.id === id)?.name ?? id,
  group: (id) => page.state.groups[id] ?? id,
  author: ({ user: id = page.state.app.bot_user_id, username }) => {
    const known = page.state.people.find((one) => one.id === id) ?? { id, name: "Slackbot", real_name: "Slackbot" };
    return author(username ? { ...known, real_name: username } : known);
  },
};

function author(person) {
  const words = person.real_name.split(/\s+/);
  const initials = person.is_bot ? null : words.map((word) => word[0]).slice(0, 2).join("");
  const color = [...person.id].reduce((sum, letter) => sum + letter.charCodeAt(0), 0) % 6;
  return { name: person.real_name, initials, color: person.is_bot ? "bot" : color };
}

// ---------------------------------------------------------------- who and where

async function start() {
  page.state = await look("state");
  page.composer = new Composer(page.state.app.commands);
  fillShortcuts();
  byId("team").textContent = page.state.team.name;
  document.title = `${page.state.app.name}: Slack sandbox`;
  fillPeople();
  const [, person, named] = decodeURIComponent(location.hash).split("/");
  const known = page.state.people.find((one) => one.name === person && !one.is_bot && !one.deleted);
  const [, linked, seconds, rest] = /^\/archives\/(\w+)\/p(\d+)(\d{6})$/.exec(location.pathname) ?? [];
  await become((known ?? page.state.people[0]).id, linked ? page.state.channels.find((one) => one.id === linked)?.name : named);
  if (linked) page.list.reveal(`${seconds}.${rest}`);
}

const shortcuts = (wanted) => page.state.app.shortcuts.filter(([, , type]) => type === wanted);

function fillShortcuts() {
  const node = byId("shortcuts");
  const found = shortcuts("global");
  node.hidden = !found.length;
  node.replaceChildren(el("option", { value: "" }, "⚡"), ...found.map(([id, name, , what]) => el("option", { value: id, title: what }, name)));
  node.addEventListener("change", () => {
    act("shortcut", { user: page.user, callback_id: node.value });
    node.value = "";
  });
}

function fillPeople() {
  const note = (one) => (one.deleted ? " (deactivated)" : one.is_stranger ? ` (${one.team})` : one.is_guest ? " (guest)" : "");
  const people = page.state.people.filter((one) => !one.is_bot);
  byId("person").replaceChildren(...people.map((one) =>
    el("option", { value: one.id, disabled: one.deleted, title: one.title }, `${one.real_name}${note(one)}`)));
}

async function become(user, channel) {
  const turn = ++page.becoming;
  const { entered } = page;
  page.user = user;
  page.unread.clear();
  page.read.clear();
  byId("person").value = user;
  page.state = await look("state", { user });
  if (turn !== page.becoming) return;
  page.panel.close();
  page.list = new MessageList(user, names, { choices: choices(), openThread, shortcuts: shortcuts("message") });
  page.modals = new Modals(user, names, choices());
  page.stream?.close();
  page.stream = watch(user, handlers, () => become(page.user, page.channel?.name));
  await page.stream.begun; // what is looked at from here on is kept up to date
  if (turn !== page.becoming) return;
  connection(page.state.connections);
  const wanted = [entered === page.entered ? channel : page.channel.name, "ops", page.state.channels[0]?.name];
  const found = wanted.map((name) => page.state.channels.find((one) => one.name === name)).find(Boolean);
  await enter(found.id);
  await page.modals.refresh();
}

const choices = () => ({
  users: page.state.people.filter((one) => !one.is_bot && !one.deleted).map((one) => [one.id, one.real_name]),
  channels: page.state.channels.filter((one) => !one.is_im).map((one) => [one.id, `#${one.name}`]),
});

const openThread = (ts) => page.panel.open(new Thread(page.user, names, page.channel.id, ts, choices()));

async function enter(id) {
  if (page.panel.shown !== page.inspector) page.panel.close();
  page.entered += 1;
  page.channel = page.state.channels.find((one) => one.id === id);
  page.unread.delete(id);
  const { name, is_im, is_private, topic, shared_with, members } = page.channel;
  const title = is_im ? page.state.app.name : name;
  history.replaceState(null, "", `/#/${names.person(page.user)}/${name}`);
  byId("channel").replaceChildren(...(is_im ? [title] : [is_private ? icon("lock") : "#", ` ${title}`]));
  byId("topic").textContent = is_im ? "Your direct messages with the app" : topic;
  byId("badges").replaceChildren(
    ...(is_private && !is_im ? [el("span", { class: "tag" }, "Private")] : []),
    ...shared_with.map((team) => el("span", { class: "tag shared" }, `Shared with ${team}`)),
    ...(is_im ? [] : [el("span", { class: "count" }, `${members.length} members`)]));
  byId("tabs").hidden = !is_im;
  drawChannels();
  closeMenu();
  page.composer.aim(page.user, id, `Message ${is_im ? title : `#${title}`}, or / for commands`);
  showTab("messages");
  const list = page.list;
  list.hold();
  const { messages, typed } = await look("messages", { channel: id, user: page.user });
  const read = page.read.get(id);
  page.read.set(id, messages.at(-1)?.ts ?? "0");
  if (list === page.list && page.channel.id === id) list.show(messages, welcome(messages.length), { typed, read });
}

function welcome(said) {
  const { suggestions } = page.state.app;
  const where = page.channel.is_im ? page.state.app.name : `#${page.channel.name}`;
  const [first] = page.state.app.commands;
  return [
    el("p", { class: "b-header" }, `This is the beginning of ${where}.`),
    first ? el("p", {}, "Type ", el("code", {}, `${first[0]} help`), " to begin. ", first[1], ".") : null,
    suggestions.length && !said ? el("p", { class: "try", id: "try" }, "Things to try here:") : null,
    said ? null : el("ul", { class: "suggestions", "aria-labelledby": "try" }, suggestions.map(([command, what]) =>
      el("li", {}, el("button", { type: "button", class: "suggestion", onclick: () => page.composer.offer(command) }, el("code", {}, command), el("span", {}, what))))),
  ];
}

function drawChannels() {
  const item = (channel) => {
    const unread = page.unread.get(channel.id) ?? 0;
    const label = channel.is_im ? page.state.app.name : channel.name;
    const mark = channel.is_im ? icon("check") : channel.is_private ? icon("lock") : channel.shared_with.length ? icon("shared") : "#";
    return el("li", {},
      el("button", { type: "button", "aria-current": channel.id === page.channel.id ? "page" : undefined, class: unread ? "unread" : "", onclick: () => enter(channel.id).then(() => byId("text").focus()) },
        el("span", { class: "mark", "aria-hidden": "true" }, mark), el("span", { class: "name" }, label),
        unread ? el("span", { class: "badge" }, String(unread), el("span", { class: "hidden" }, " unread")) : null));
  };
  for (const [list, shown] of [["channels", (one) => !one.is_im], ["apps", (one) => one.is_im]]) {
    const at = [...byId(list).children].findIndex((row) => row.contains(document.activeElement));
    byId(list).replaceChildren(...page.state.channels.filter(shown).map(item));
    byId(list).children[at]?.firstElementChild.focus();
  }
}

function connection(count) {
  const node = byId("connection");
  const { name } = page.state.app;
  node.textContent = count === null ? "The sandbox has stopped" : count ? `${name} is connected` : `${name} is not connected`;
  node.classList.toggle("off", !count);
}

// ---------------------------------------------------------------- what happens

const handlers = {
  message: (message) => {
    page.panel.shown?.put?.(message);
    if (message.channel === page.channel.id) {
      page.read.set(message.channel, message.ts);
      return page.list.put(message);
    }
    if (message.user === page.user) return;
    page.unread.set(message.channel, (page.unread.get(message.channel) ?? 0) + 1);
    drawChannels();
  },
  typed: (line) => {
    if (line.channel === page.channel.id) page.list.put(line);
  },
  updated: (message) => {
    page.panel.shown?.put?.(message);
    if (message.channel === page.channel.id) page.list.put(message);
  },
  deleted: ({ channel, ts }) => {
    page.panel.shown?.remove?.(ts);
    if (channel === page.channel.id) page.list.remove(ts);
  },
  view: () => page.modals.refresh(),
  home: () => drawHome(),
  connections: ({ count }) => connection(count),
  error: () => connection(null),
  channels: async () => {
    page.state = await look("state", { user: page.user });
    drawChannels();
  },
};

// ---------------------------------------------------------------- the Home tab

function showTab(which) {
  for (const name of ["messages", "home"]) {
    const tab = byId(`tab-${name}`);
    tab.setAttribute("aria-selected", String(name === which));
    tab.tabIndex = name === which ? 0 : -1;
    byId(name).hidden = name !== which;
  }
  byId("composer").hidden = which === "home";
  if (which === "messages" && page.channel.is_im) act("home", { user: page.user, tab: "messages" });
  if (which === "home") drawHome().then(() => act("home", { user: page.user }));
}

async function drawHome() {
  const turn = (page.homeLooks = (page.homeLooks ?? 0) + 1);
  const { home } = await look("views", { user: page.user });
  if (turn !== page.homeLooks) return; // an answer that was overtaken shows what is no longer so
  if (!home) return byId("home").replaceChildren(el("p", { class: "start" }, "The app has put nothing here yet."));
  const fields = new Map();
  const press = async (element, block_id, value) => {
    if (element.confirm && !(await confirmed(element.confirm, names))) return;
    const outcome = await act("press", { user: page.user, view_id: home.id, action_id: element.action_id, value, values: filled(fields) });
    if (!outcome.ok) byId("home").prepend(el("p", { class: "trouble", role: "alert" }, outcome.error));
  };
  const suggest = (element, value) => act("suggest", { user: page.user, view_id: home.id, action_id: element.action_id, value });
  byId("home").replaceChildren(...renderBlocks(home.blocks, { names, fields, choices: choices(), press, suggest }));
}

for (const name of ["messages", "home"]) {
  byId(`tab-${name}`).addEventListener("click", () => showTab(name));
  byId(`tab-${name}`).addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = name === "home" ? "messages" : "home";
    showTab(other);
    byId(`tab-${other}`).focus();
  });
}

// ---------------------------------------------------------------- keys and the narrow page

function closeMenu() {
  document.body.classList.remove("menu-open");
  document.querySelector("main").inert = false;
  byId("menu").setAttribute("aria-expanded", "false");
}

byId("menu").addEventListener("click", () => {
  document.body.classList.add("menu-open");
  document.querySelector("main").inert = true;
  byId("menu").setAttribute("aria-expanded", "true");
  byId("close-menu").focus();
});
byId("close-menu").addEventListener("click", () => {
  closeMenu();
  byId("menu").focus();
});
byId("composer").addEventListener("submit", () => page.list.toEnd());
byId("inspect").addEventListener("click", () => {
  closeMenu();
  return page.panel.shown === page.inspector ? page.panel.close() : page.panel.open(page.inspector);
});
byId("person").addEventListener("change", (event) => become(event.target.value, page.channel.name));
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && document.body.classList.contains("menu-open")) byId("close-menu").click();
  const typing = event.target.closest?.("input, textarea, select, dialog");
  if (event.key === "/" && !typing) byId("text").focus();
  if (event.altKey && (event.key === "ArrowUp" || event.key === "ArrowDown") && !event.target.closest?.("dialog")) {
    event.preventDefault();
    const { channels } = page.state;
    const step = event.key === "ArrowDown" ? 1 : channels.length - 1;
    enter(channels[(channels.indexOf(page.channel) + step) % channels.length].id);
  }
});

await start();
byId("text").focus();
