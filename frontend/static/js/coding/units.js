/** Action units: typed as codes or switched by buttons; both show the same list. Of the unit scored
 * last, what it looks like, how strong it is and on which side. */

import { magnified } from "./picture.js";

const CODE = /^([LRTB]?)(\d+)([A-E]?)$/;
const unitOf = (code) => code.replace(/\D/g, "");

export class Units {
  constructor(root) {
    this.input = root.querySelector("#codes");
    this.buttons = [...root.querySelectorAll("[data-unit]")];
    this.card = root.querySelector("#shown");
    this.before = [];
    this.chosen = null;
    for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button.dataset.unit));
    this.input.addEventListener("input", () => { this.chosen = null; this.draw(); });
    this.card.addEventListener("click", (event) => {
      const { intensity, side } = event.target.closest("button")?.dataset ?? {};
      if (intensity || side) this.change(intensity, side);
    });
  }

  show(face, stage, url) {
    stage.replaceChildren(magnified(face, url).svg);
    this.before = [];
    this.chosen = null;
    this.write(face.said?.units ?? []);
    this.input.focus();
  }

  codes() { return this.input.value.toUpperCase().split(/[\s,+]+/).filter(Boolean); }

  write(codes) {
    this.input.value = codes.join(" ");
    this.draw();
  }

  toggle(unit) {
    const codes = this.codes();
    this.before.push(codes);
    const others = codes.filter((code) => unitOf(code) !== unit);
    const isOn = others.length === codes.length;
    this.chosen = isOn ? unit : null;
    this.write(isOn ? [...codes, unit] : others);
  }

  /** Sets the intensity or the side of the unit in the card; the same button again takes it away. */
  change(intensity, side) {
    const codes = this.codes();
    const i = codes.findLastIndex((code) => CODE.test(code) && unitOf(code) === this.shown());
    if (i < 0) return;
    this.before.push(codes);
    this.chosen = unitOf(codes[i]);
    const [, before, unit, after] = CODE.exec(codes[i]);
    const other = (now, old) => (now === old ? "" : now);
    this.write(codes.with(i, (side ? other(side, before) : before) + unit + (intensity ? other(intensity, after) : after)));
  }

  /** The unit in the card: the one switched last, else the one typed last. */
  shown() {
    const units = this.codes().filter((code) => CODE.test(code)).map(unitOf);
    return units.includes(this.chosen) ? this.chosen : units.at(-1) ?? null;
  }

  draw() {
    const codes = this.codes();
    const numbers = new Set(codes.map(unitOf));
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(numbers.has(button.dataset.unit)));
    const known = this.buttons.find((button) => button.dataset.unit === this.shown());
    this.card.hidden = !known;
    if (known) this.describe(known.dataset, CODE.exec(codes.findLast((code) => CODE.test(code) && unitOf(code) === known.dataset.unit)));
  }

  describe({ unit, name, seen, picture }, [, side, , intensity]) {
    for (const crop of this.card.querySelectorAll(".crop")) crop.hidden = !picture;
    if (picture) Object.assign(this.card.querySelector("#moved"), { src: picture, alt: name });
    this.card.querySelector("#unit-name").textContent = `${unit} ${name}`;
    this.card.querySelector("#unit-seen").textContent = seen;
    for (const button of this.card.querySelectorAll("button")) {
      const { intensity: letter, side: half } = button.dataset;
      button.setAttribute("aria-pressed", String(letter ? letter === intensity : half === side));
    }
  }

  key() { return false; }

  undo() {
    const last = this.before.pop();
    if (last) this.write(last);
  }

  said() { return { units: this.codes() }; }
}
