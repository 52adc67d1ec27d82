/** Action units: typed as codes or switched by buttons; both show the same list. */

import { magnified } from "./picture.js";

export class Units {
  constructor(root) {
    this.input = root.querySelector("#codes");
    this.buttons = [...root.querySelectorAll("[data-unit]")];
    this.before = [];
    for (const button of this.buttons) button.addEventListener("click", () => this.toggle(button.dataset.unit));
    this.input.addEventListener("focus", () => { this.kept = this.input.value; });
    this.input.addEventListener("input", () => this.draw());
  }

  show(face, stage, url) {
    stage.replaceChildren(magnified(face, url).svg);
    this.before = [];
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
    const others = codes.filter((code) => code.replace(/\D/g, "") !== unit);
    this.write(others.length < codes.length ? others : [...codes, unit]);
  }

  draw() {
    const numbers = new Set(this.codes().map((code) => code.replace(/\D/g, "")));
    for (const button of this.buttons) button.setAttribute("aria-pressed", String(numbers.has(button.dataset.unit)));
  }

  key() { return false; }

  undo() {
    const last = this.before.pop();
    if (last) this.write(last);
  }

  said() { return { units: this.codes() }; }
}
