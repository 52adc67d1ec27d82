/** What the page says besides the face: what is saved, how far one is, what one should know. */

const LAST = 5;
const MOST_REPORTS = 3;
const $ = (id) => document.getElementById(id);
const words = $("words").dataset;
const number = new Intl.NumberFormat(document.documentElement.lang);

/** A sentence with its `{names}` filled in. @param {string} name @param {Record<string, string | number>} values */
export function sentence(name, values = {}) {
  return words[name].replace(/\{(\w+)\}/g, (_, key) => {
    const value = values[key] ?? "";
    return typeof value === "number" ? number.format(value) : value;
  });
}

/** The chip: all saved, or how many votes wait here. @param {import("./outbox.js").State} state */
export function saved(waiting, state, isKept) {
  const chip = $("saved");
  const told = waiting ? "waiting" : "saved";
  const why = !waiting || state === "ok" ? "" : ` · ${sentence(isKept ? "offline" : "unkept")}`;
  chip.textContent = (waiting ? "" : "✓ ") + sentence(told, { n: waiting }) + why;
  chip.dataset.waiting = String(waiting);
  chip.classList.toggle("warn", state !== "ok" && waiting > 0);
}

/** How far one is in one's share. */
export function progress(count, share) {
  $("count").textContent = share ? sentence("count", { n: count, of: share }) : number.format(count);
  const bar = /** @type {HTMLProgressElement} */ ($("bar"));
  bar.hidden = !share;
  bar.max = Math.max(share, 1);
  bar.value = Math.min(count, share);
}

/** A line that stays until it is put away; one of each kind. @param {"warn" | "info" | "good"} tone */
export function report(kind, text, tone = "warn") {
  const line = /** @type {HTMLElement} */ ($("report").content.firstElementChild.cloneNode(true));
  line.classList.add(tone);
  line.dataset.kind = kind;
  line.querySelector("p").textContent = text;
  $("reports").querySelector(`[data-kind="${kind}"]`)?.remove();
  $("reports").prepend(line);
  while ($("reports").children.length > MOST_REPORTS) $("reports").lastElementChild.remove();
}

/** What a screen reader says now. */
export function live(name, values) { $("live").textContent = sentence(name, values); }

/** The stage shows words in place of a face. */
export function note(name) {
  const line = document.createElement("p");
  line.id = "note";
  line.textContent = sentence(name);
  $("stage").replaceChildren(line);
  $("stage").setAttribute("aria-busy", String(name === "loading"));
}

/** The last faces with the word chosen for each. @param {{ face: any, word: string }[]} past */
export function last(past) {
  $("undo").disabled = !past.length;
  $("last").replaceChildren(...past.slice(-LAST).reverse().map(({ face, word }) => {
    const item = document.createElement("li");
    const label = document.createElement("span");
    label.textContent = word;
    item.append(face.picture.cloneNode(), label);
    return item;
  }));
}

/** The end of a sitting, or of the share. @param {import("./session.js").Session} session */
export function rest(session, isDone) {
  $("rest-title").textContent = sentence(isDone ? "done" : "rest");
  $("rest-why").textContent = sentence(isDone ? "doneWhy" : "restWhy");
  $("rest-faces").textContent = number.format(session.faces);
  $("rest-minutes").textContent = sentence("minutes", { n: session.minutes });
  $("rest-pace").textContent = session.pace === null ? "–" : sentence("seconds", { n: Math.round(session.pace * 10) / 10 });
  $("rest-on").textContent = sentence(isDone ? "again" : "resume");
}

/** @param {boolean} isResting */
export function resting(isResting) {
  $("rest").hidden = !isResting;
  for (const id of ["stage", "choices"]) $(id).hidden = isResting;
  if (isResting) $("rest-title").focus();
}
