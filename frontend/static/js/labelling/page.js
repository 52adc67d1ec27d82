/** The labelling page: a queue of faces, an outbox of votes, and one table of deeds. */

import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";

const UNDO_DEPTH = 10;
const TOO_FAST_MS = 250;
const $ = (id) => document.getElementById(id);
const root = $("labelling");
const { csrf, assignments, vote, flag, face, placeholder, outbox: name } = root.dataset;

const queue = new Queue((image) => face.replace(placeholder, image));
/** @type {{ face: any, word: string, revision: number }[]} */
const past = [];
let current = null;
let revision = 1;
let shownAt = 0;
let count = 0;
let share = 0;
let outbox;

const send = (letter) => fetch((letter.kind === "vote" ? vote : flag).replace("/0/", `/${letter.assignment}/`), {
  method: "PUT",
  keepalive: true,
  headers: { "content-type": "application/json", "x-csrftoken": csrf },
  body: JSON.stringify(letter.body),
});

const tell = {
  stored(letter, answer) { queue.add(answer.next ?? []); if (!current) next(); },
  refused(letter, why) { report(why); },
  changed(waiting, state) {
    const chip = $("saved");
    const { saved, waiting: word, offline } = chip.dataset;
    chip.textContent = !waiting ? `✓ ${saved}` : state === "ok" ? `${waiting} ${word}` : `${waiting} ${word} · ${offline}`;
    chip.classList.toggle("warn", state !== "ok");
    if (state === "signin") report($("note").dataset.signin);
  },
};

function report(text) {
  const line = document.createElement("div");
  line.className = "notice warn";
  line.textContent = text;
  $("reports").replaceChildren(line);
}

function say(text) {
  const note = $("note") ?? document.createElement("p");
  note.textContent = text;
  $("stage").replaceChildren(note);
}

/** Shows a face that is decoded already; the time of a vote runs from its paint. */
async function show(one, nextRevision) {
  current = one;
  revision = nextRevision;
  if (!await one.ready) return pictureLost(one);
  if (current !== one) return;
  $("stage").replaceChildren(one.picture);
  $("stage").setAttribute("aria-busy", "false");
  requestAnimationFrame(() => requestAnimationFrame((now) => {
    if (current !== one) return;
    shownAt = now;
    root.dataset.painted = String(one.id);
    root.dataset.paintedAt = String(now);
  }));
}

/** A picture that does not come: fetched once more, then flagged for the curator. */
async function pictureLost(one) {
  if (!one.again) {
    const fresh = { ...queue.fetch(one), again: true };
    return setTimeout(() => current === one && show(fresh, revision), navigator.onLine ? 500 : 3000);
  }
  if (navigator.onLine) return answer("flag", { reason: "broken", note: "did not load" }, "—");
  current = { ...one, again: false };
  setTimeout(() => current && pictureLost(current), 3000);
}

function next() {
  const one = queue.take();
  if (one) return show(one, 1);
  current = null;
  refill();
}

async function refill() {
  say(note.dataset.loading);
  try {
    const response = await fetch(assignments, { headers: { accept: "application/json" } });
    if (response.status === 401 || response.status === 403) return say(note.dataset.signin);
    const body = await response.json();
    if (body.step) return location.assign(body.url); // consent, tutorial or qualification first
    const waiting = new Set((await outbox.all()).map((letter) => letter.assignment));
    share = body.share;
    count = Math.max(count, body.n_answered);
    showCount();
    queue.add(body.results.filter((one) => !waiting.has(one.id)));
    if (queue.length) next();
    else say(note.dataset.done);
  } catch {
    say(note.dataset.failed);
    setTimeout(() => current || refill(), 3000);
  }
}

function showCount() { $("count").textContent = share ? `${count} / ${share}` : `${count}`; }

function answer(kind, body, word) {
  const one = current;
  if (!one) return;
  outbox.put({ kind, assignment: one.id, body: kind === "vote" ? { ...body, revision } : body });
  past.push({ face: one, word, revision, kind });
  if (past.length > UNDO_DEPTH) past.shift();
  if (revision === 1) count += 1;
  current = null;
  next();
  // What can wait until the next face is painted.
  setTimeout(() => { showCount(); showLast(); $("live").textContent = `${$("live").dataset.saved} ${word}. ${$("live").dataset.face}`; });
}

function showLast() {
  $("undo").disabled = !past.length;
  $("last").replaceChildren(...past.slice(-5).reverse().map(({ face: one, word }) => {
    const item = document.createElement("li");
    const picture = one.picture.cloneNode();
    const label = document.createElement("div");
    label.textContent = word;
    item.append(picture, label);
    return item;
  }));
}

/** Every deed once: key, button and screen reader run the same function. */
const deeds = {
  vote(button, device) {
    if (!current || !shownAt || root.dataset.painted !== String(current.id)) return;
    const response_ms = Math.max(0, Math.round(performance.now() - shownAt));
    const position = Number(button.dataset.key) - 1;
    if (response_ms < TOO_FAST_MS && !root.dataset.asked) {
      root.dataset.asked = "yes";
      report(root.dataset.fast);
    }
    answer("vote", { expression: button.dataset.expression, response_ms, device, position }, button.dataset.word);
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 120);
  },
  flag() {
    if (!current) return;
    const dialog = $("flag");
    dialog.returnValue = "";
    dialog.onclose = () => dialog.returnValue && answer("flag", { reason: dialog.returnValue }, "0");
    dialog.showModal();
  },
  undo() {
    const last = past.pop();
    if (!last) return;
    if (current) queue.putBack(current);
    const again = last.kind === "flag" ? 1 : last.revision + 1;
    show(last.face, again);
    showLast();
    $("live").textContent = $("live").dataset.undone;
  },
  help(button) {
    const help = $("help");
    help.hidden = !help.hidden;
    document.querySelector("[data-act=help]").setAttribute("aria-expanded", String(!help.hidden));
    if (!help.hidden) help.scrollIntoView({ block: "nearest" });
  },
};

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if ($("flag").open || event.target.closest("input, textarea, select, .menu")) return;
  const button = /^[0-7]$/.test(event.key) ? root.querySelector(`[data-key="${event.key}"]`) : null;
  if (button) deeds[button.dataset.act](button, "keyboard");
  else if (event.key === "Backspace") deeds.undo();
  else if (event.key.toLowerCase() === "h") deeds.help();
  else if (event.key.toLowerCase() === "f") deeds.flag();
  else return;
  event.preventDefault();
});

let pointer = "mouse";
root.addEventListener("pointerdown", (event) => { pointer = event.pointerType || "mouse"; });
root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && !button.disabled) deeds[button.dataset.act](button, event.detail ? pointer : "keyboard");
});

const note = $("note");
outbox = await Outbox.open(name, send, tell);
tell.changed((await outbox.all()).length, "ok");
outbox.flush();
refill();
