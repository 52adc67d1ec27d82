// Shows who would be left out by a rule while it is being chosen; nothing is sent.

const form = document.querySelector("#rule");
const effect = document.querySelector("#effect");
const about = document.querySelector("#screening").dataset;
const rows = [...document.querySelectorAll("tr[data-alpha]")];
/** @type {[number, number][]} threshold and share of images named otherwise, by the made rule */
const effects = JSON.parse(about.effects);
const MOST_NAMED = 12;

/**
 * @param {HTMLElement} row
 * @param {{threshold: number, z: number, least: number}} rule
 * @returns {boolean} whether this person would be left out; a curator's word goes before the rule
 */
function goes(row, rule) {
  const { alpha, error, votes, word } = row.dataset;
  if (word) return word === "remove";
  return Number(votes) >= rule.least && Number(alpha) + rule.z * Number(error) < rule.threshold;
}

/** @param {HTMLElement[]} those @returns {string} */
function codes(those) {
  const named = those.slice(0, MOST_NAMED).map((row) => row.dataset.code).join(", ");
  return those.length > MOST_NAMED ? `${named} …` : named;
}

/** @param {number} threshold @returns {number} the share at the nearest threshold that was tried */
function renamed(threshold) {
  const near = effects.reduce((a, b) => (Math.abs(b[0] - threshold) < Math.abs(a[0] - threshold) ? b : a));
  return near[1];
}

/** @param {string} text @param {Record<string, string | number>} values */
const filled = (text, values) => text.replace(/%\((\w+)\)s/g, (_, name) => values[name]).replace("%%", "%");

function show() {
  const level = form.confidence.selectedOptions[0];
  const rule = {
    threshold: Number(form.threshold.value),
    z: Number(level.dataset.z),
    least: Number(form.min_votes.value),
  };
  form.querySelector("#shown").textContent = rule.threshold.toFixed(2);
  const out = rows.filter((row) => goes(row, rule));
  for (const row of rows) {
    const differs = out.includes(row) === "kept" in row.dataset;
    row.querySelector(".would").hidden = !differs;
    row.toggleAttribute("data-differs", differs);
  }
  const words = effect.dataset;
  const votes = out.reduce((sum, row) => sum + Number(row.dataset.votes), 0);
  const parts = [
    out.length
      ? filled(words.some, { people: out.length, all: rows.length, votes: votes.toLocaleString(document.documentElement.lang) })
      : words.none,
  ];
  const fresh = out.filter((row) => "kept" in row.dataset);
  const back = rows.filter((row) => !out.includes(row) && !("kept" in row.dataset));
  if (fresh.length) parts.push(filled(words.new, { codes: codes(fresh) }));
  if (back.length) parts.push(filled(words.back, { codes: codes(back) }));
  const sameElse = level.value === about.confidence && String(rule.least) === about.least;
  if (effects.length && sameElse)
    parts.push(filled(words.changed, { share: (100 * renamed(rule.threshold)).toFixed(1) }));
  effect.textContent = parts.join(" ");
}

form.addEventListener("input", show);
form.querySelector("#try").hidden = true; // it is shown at once
show();
