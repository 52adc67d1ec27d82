/** The coders' page: faces ahead, one of three tools, and saves that lose nothing. */

import { Attributes } from "./attributes.js";
import { Points } from "./points.js";
import { Units } from "./units.js";

const AHEAD = 4;
const $ = (id) => document.getElementById(id);
const root = $("coding");
const { part, queue, save, file, placeholder, csrf } = root.dataset;
const Tool = { points: Points, attributes: Attributes, units: Units }[part];

/** @typedef {{ uid: string, file_name: string, width: number, height: number, box: number[] | null,
 *   proposed: number[][] | null, revision: number, said: any }} Face */
/** @type {Face[]} */
const ahead = [];
/** @type {Face[]} */
const past = [];
const seen = new Set();
/** @type {Face | null} */
let face = null;
let shownAt = 0;
let count = 0;
let saving = false;
const tool = new Tool(root, { changed: () => {}, complete: () => store() });

const picture = (uid) => `${file.replace(placeholder, uid)}?size=original`;

async function ask(url, options = {}) {
  const answer = await fetch(url, { headers: { "content-type": "application/json", "x-csrftoken": csrf }, ...options });
  const body = await answer.json().catch(() => ({}));
  return { status: answer.status, body };
}

/** Fetches faces ahead and lets the browser decode their pictures. */
async function fill() {
  const { status, body } = await ask(`${queue}?n=${AHEAD + 3}`);
  if (status !== 200) return;
  for (const one of body) {
    if (seen.has(one.uid)) continue;
    seen.add(one.uid);
    ahead.push(one);
    new Image().src = picture(one.uid);
  }
}

async function next() {
  if (face) past.push(face);
  if (past.length > 20) past.shift();
  if (ahead.length < AHEAD) {
    const filling = fill();
    if (!ahead.length) await filling;
  }
  show(ahead.shift() ?? null);
}

/** @param {Face | null} one */
function show(one) {
  face = one;
  $("told").replaceChildren();
  if (!one) {
    const note = document.createElement("p");
    note.className = "muted";
    note.textContent = root.dataset.done;
    $("stage").replaceChildren(note);
    delete root.dataset.shown;
    return;
  }
  tool.show(one, $("stage"), picture(one.uid));
  shownAt = performance.now();
  root.dataset.shown = one.uid;
}

/** Stores what the tool says of this face, then goes on; what is not stored stays on the screen. */
async function store(extra = false) {
  if (!face || saving) return;
  const said = tool.said();
  if (said === null) return;
  saving = true;
  say("saving", "info");
  try {
    const body = JSON.stringify({ revision: face.revision, said, seconds: (performance.now() - shownAt) / 1000, extra });
    const { status, body: told } = await ask(save.replace(placeholder, face.uid), { method: "PUT", body });
    if (status === 200) await stored(told);
    else if (status === 409) await stale(told.detail);
    else report(Object.values(told.errors ?? { _: told.detail ?? status }).flat().join(" "));
  } catch {
    report(root.dataset.lost);
  } finally {
    saving = false;
  }
}

async function stored(told) {
  Object.assign(face, { revision: told.revision, said: told.said });
  count += 1;
  say("saved", "good");
  $("count").textContent = String(count);
  $("live").textContent = `${root.dataset.saved} ${face.file_name}`;
  await next();
}

/** Somebody was faster: what stands is fetched, so that a second save changes just that. Only then
 * is the choice offered: a save pressed before would be taken for a second one of the first. */
async function stale(why) {
  const { status, body } = await ask(save.replace(placeholder, face.uid));
  if (status === 200) face.revision = body.revision;
  report(why, $("stale"));
}

function report(text, template = null) {
  const line = template ? template.content.cloneNode(true) : document.createElement("div");
  if (template) line.querySelector("p").textContent = text;
  else Object.assign(line, { className: "notice warn", textContent: text });
  $("told").replaceChildren(line);
  say("lost", "warn");
}

function say(key, tone) {
  const chip = $("state");
  chip.className = `badge ${tone}`;
  chip.textContent = key === "lost" ? "!" : root.dataset[key];
}

/** Back to the face before, as this coder left it. */
async function back() {
  const one = past.pop();
  if (!one) return;
  if (face) ahead.unshift(face);
  const { status, body } = await ask(save.replace(placeholder, one.uid));
  show(status === 200 ? { ...one, revision: body.revision, said: body.said } : one);
}

const deeds = {
  save: () => store(),
  insist: () => store(true),
  skip: () => next(),
  undo: () => tool.undo(),
  back,
};

root.addEventListener("click", (event) => {
  const act = event.target.closest("[data-act]")?.dataset.act;
  if (act) deeds[act]();
});

addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented) return;
  const typing = event.target.matches("input");
  if (event.key === "Enter" && !event.target.closest("a, summary, [data-act]")) {
    event.preventDefault();
    if (!event.repeat) store();
  } else if (!typing && event.key === "Backspace") {
    event.preventDefault();
    back();
  } else if (!typing && event.key.toLowerCase() === "z") {
    event.preventDefault();
    tool.undo();
  } else if (tool.key(event)) {
    event.preventDefault();
  }
});

next();
