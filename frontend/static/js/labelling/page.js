/** The labelling page: a queue of faces, an outbox of votes, and one table of deeds. */

import { Letters } from "./letters.js";
import { Outbox } from "./outbox.js";
import { Queue } from "./queue.js";
import { Session } from "./session.js";
import * as told from "./told.js";

const UNDO_DEPTH = 10;
const TOO_FAST_MS = 250;
const SIGNED_OUT = [401, 403];
const $ = (id) => document.getElementById(id);
const root = $("labelling");
const { csrf, assignments, vote, flag, face, placeholder, outbox: name } = root.dataset;
const word = Object.fromEntries([...root.querySelectorAll("[data-expression]")].map((b) => [b.dataset.expression, b.dataset.word]));

/** @typedef {import("./queue.js").Face} Face */
const queue = new Queue((image) => face.replace(placeholder, image));
const session = new Session(name, sessionStorage);
/** @type {{ face: Face, word: string, kind: "vote" | "flag" }[]} */
const past = [];
/** @type {Face | null} */
let current = null;
let shownAt = 0;
let wasAway = false;
let isRefilling = false;
let isResting = false;
let isFast = false;
let count = 0;
let share = 0;
let late = 0;

const send = (letter) => fetch((letter.kind === "vote" ? vote : flag).replace("/0/", `/${letter.assignment}/`), {
  method: "PUT",
  keepalive: true,
  headers: { "content-type": "application/json", "x-csrftoken": csrf },
  body: JSON.stringify(letter.body),
});

const tell = {
  stored(letter, answer) {
    queue.add(answer.next ?? []);
    if (queue.length) next();
    if (answer.feedback) feedback(answer.feedback, letter.body.expression);
  },
  refused(letter, status, answer) {
    if (status === 410) told.report("late", told.sentence("late", { n: ++late }));
    else if (status === 409 && !answer.step) told.report("twice", told.sentence("twice"));
    else told.report("refused", told.sentence("refused", { why: answer.detail ?? status }));
  },
  changed(waiting, state) {
    told.saved(waiting, state, outbox.letters.isKept);
    if (state === "signin") told.report("signin", told.sentence("signin"));
    if (!waiting) next();
  },
};

const letters = await Letters.open(name);
const outbox = new Outbox(name, letters, send, tell);

/** Resolves when what was changed is on the screen. @returns {Promise<number>} */
const painted = () => new Promise((resolve) => {
  requestAnimationFrame(() => {
    const after = new MessageChannel(); // its message comes right after the frame
    after.port1.onmessage = () => resolve(performance.now());
    after.port2.postMessage(0);
  });
});

/** Goes on to the next face; asks for more where there is none. Where a face is shown, it stays. */
function next() {
  if (current || isResting) return;
  const one = queue.take();
  if (one) show(one);
  else refill();
}

/** Shows a face that is decoded already; the time of a vote runs from its paint. @param {Face} one */
async function show(one) {
  current = one;
  if (!await one.ready) return current === one && pictureLost(one);
  if (current !== one) return;
  $("stage").replaceChildren(one.picture, ...marked(one));
  $("stage").setAttribute("aria-busy", "false");
  const now = await painted();
  if (current !== one) return;
  shownAt = now;
  wasAway = document.hidden;
  root.dataset.painted = String(one.id);
}

/** A frame around the face that is meant, where the photograph holds several. @param {Face} one */
function marked({ picture, mark }) {
  const { naturalWidth: width, naturalHeight: height } = picture;
  Object.assign(picture.style, { maxInlineSize: `${3 * width}px`, maxBlockSize: `${3 * height}px` });
  if (!mark) return [];
  const frame = $("mark").content.firstElementChild.cloneNode(true);
  frame.setAttribute("viewBox", `0 0 ${width} ${height}`);
  Object.assign(frame.style, { maxInlineSize: `${3 * width}px`, maxBlockSize: `${3 * height}px` });
  const [x, y, w, h] = mark;
  for (const line of frame.children) {
    const place = { x: x * width, y: y * height, width: w * width, height: h * height };
    for (const [key, value] of Object.entries(place)) line.setAttribute(key, String(value));
  }
  return [frame];
}

/** A picture that does not come is asked for again; only one that is broken itself is flagged. @param {Face} one */
async function pictureLost(one) {
  const answer = await fetch(one.picture.src, { cache: "reload" }).catch(() => null);
  if (current !== one) return;
  if (answer?.status === 404) { // taken down meanwhile
    current = null;
    return next();
  }
  const again = queue.fetch(one);
  if (answer?.ok && !await again.ready) return reply("flag", { reason: "broken", note: "did not load" });
  if (current !== one) return;
  if (SIGNED_OUT.includes(answer?.status)) told.report("signin", told.sentence("signin"));
  if (answer?.ok) return show(again);
  current = again;
  setTimeout(() => current === again && pictureLost(again), 3000);
}

async function refill() {
  if (isRefilling) return;
  isRefilling = true;
  let what = "failed";
  told.note("loading");
  try {
    const waiting = await outbox.all(); // before the site is asked: it may store them meanwhile
    const response = await fetch(assignments); // the first is under way since the head of the page
    if (SIGNED_OUT.includes(response.status)) what = "signin";
    else what = take(await response.json(), waiting);
  } catch {
    what = "failed";
  } finally {
    isRefilling = false;
  }
  if (current || isResting || what === "step") return;
  if (queue.length) return next();
  if (what === "done") return rest(true);
  told.note(what);
  setTimeout(next, what === "loading" ? 300 : 3000);
}

/** Takes what the site answered. @param {any} body @param {any[]} waiting */
function take(body, waiting) {
  if (body.step) {
    location.assign(body.url); // consent, tutorial or qualification first
    return "step";
  }
  const firsts = waiting.filter(({ body: one }) => one.revision === 1).length;
  count = Math.max(count, body.n_answered + (share ? 0 : firsts));
  share = body.share;
  told.progress(count, share);
  const sent = new Set(waiting.map((letter) => letter.assignment));
  queue.add(body.results.filter((one) => !sent.has(one.id)));
  return sent.size ? "loading" : "done"; // votes that were on their way may bring more
}

/** Writes the answer down, then shows the next face. @param {"vote" | "flag"} kind */
function reply(kind, body, said = "") {
  const one = current;
  if (!one) return;
  if (kind === "vote") one.revisions += 1;
  outbox.put({ kind, assignment: one.id, body: kind === "vote" ? { ...body, revision: one.revisions } : body });
  if (said) past.push({ face: one, word: said, kind });
  if (past.length > UNDO_DEPTH) past.shift();
  count += Number(kind === "vote") - Number(one.isCounted);
  one.isCounted = kind === "vote";
  if (kind === "vote") session.answered(body.response_ms ?? null);
  current = null;
  next();
  painted().then(() => {
    told.progress(count, share);
    told.last(past);
    told.live("chosen", { word: said, n: count + 1, of: share });
    if (session.breakIsDue()) told.report("break", told.sentence("break"), "info");
  });
}

/** After a face whose expression is known, where the project says so. */
function feedback({ is_right: isRight, expected, why }, said) {
  const values = { expected: word[expected], said: word[said], why };
  told.report("known", told.sentence(isRight ? "right" : "wrong", values), isRight ? "good" : "info");
}

/** The face that is shown waits in front while one rests. */
function rest(isDone = false) {
  if (current) queue.putBack(current);
  current = null;
  isResting = true;
  delete root.dataset.painted;
  told.rest(session, isDone);
  told.resting(true);
}

function resume() {
  isResting = false;
  told.resting(false);
  next();
}

const isPainted = () => current !== null && root.dataset.painted === String(current.id);

/** Every deed once: key, button and screen reader run the same function. */
const deeds = {
  vote(button, device) {
    if (!isPainted()) return;
    const ms = Math.max(0, Math.round(performance.now() - shownAt));
    if (ms < TOO_FAST_MS && !isFast) told.report("fast", told.sentence("fast"), "info");
    isFast ||= ms < TOO_FAST_MS;
    const body = { expression: button.dataset.expression, device, position: Number(button.dataset.key) - 1 };
    reply("vote", wasAway ? body : { ...body, response_ms: ms }, button.dataset.word);
    button.classList.add("pressed");
    setTimeout(() => button.classList.remove("pressed"), 120);
  },
  pass(button) {
    if (isPainted()) reply("flag", { reason: "cant_tell" }, button.dataset.word);
  },
  flag() {
    const one = current;
    if (!one) return;
    const dialog = /** @type {HTMLDialogElement} */ ($("flag"));
    dialog.returnValue = "";
    dialog.querySelector("form").reset();
    dialog.onclose = () => {
      const chosen = dialog.querySelector(`[value="${dialog.returnValue}"][data-word]`);
      if (chosen && current === one) reply("flag", { reason: dialog.returnValue, note: $("flag-note").value.trim() }, chosen.dataset.word);
    };
    dialog.showModal();
  },
  undo() {
    const last = past.pop();
    if (!last) return;
    if (isResting) told.resting(false);
    isResting = false;
    if (current) queue.putBack(current);
    if (last.kind === "vote") session.takenBack();
    show(last.face);
    told.last(past);
    told.live("undone");
  },
  help() {
    const help = $("help");
    help.hidden = !help.hidden;
    root.querySelector("[data-act=help]").setAttribute("aria-expanded", String(!help.hidden));
    root.classList.toggle("helped", !help.hidden);
    localStorage.setItem("labelling-help", help.hidden ? "" : "open");
  },
  rest() { if (!isResting) rest(); },
  resume,
};

const digit = (event) => event.code.match(/^(?:Digit|Numpad)([0-7])$/)?.[1] ?? event.key.match(/^[0-7]$/)?.[0];
const LETTERS = { backspace: "undo", h: "help", f: "flag", p: "rest" };

document.addEventListener("keydown", (event) => {
  if (event.repeat || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.target.closest("input, textarea, select, .menu")) return;
  const scope = $("flag").open ? $("flag") : root;
  const key = digit(event);
  const button = key && scope.querySelector(`[data-key="${key}"]`);
  if (scope === $("flag")) {
    if (!button) return;
    button.click();
  } else if (button) deeds[button.dataset.act](button, "keyboard");
  else if (LETTERS[event.key.toLowerCase()]) deeds[LETTERS[event.key.toLowerCase()]]();
  else return;
  event.preventDefault();
});

$("flag-note").addEventListener("keydown", (event) => { if (event.key === "Enter") event.preventDefault(); });

let pointer = "mouse";
root.addEventListener("pointerdown", (event) => { pointer = event.pointerType || "mouse"; });
root.addEventListener("click", (event) => {
  const button = event.target.closest("[data-act]");
  if (button && !button.disabled) deeds[button.dataset.act](button, event.detail ? pointer : "keyboard");
});
document.addEventListener("visibilitychange", () => { wasAway ||= document.hidden; });

if (localStorage.getItem("labelling-help")) deeds.help();
next();
outbox.flush();
