/** Gender, age, race: one key each; the last one saves. */

import { magnified } from "./picture.js";

export class Attributes {
  constructor(root, { complete }) {
    this.complete = complete;
    this.groups = [...root.querySelectorAll("[data-attribute]")];
    this.buttons = [...root.querySelectorAll("[data-key]")];
    this.answers = {};
    for (const button of this.buttons) button.addEventListener("click", () => this.choose(button));
  }

  show(face, stage, url) {
    stage.replaceChildren(magnified(face, url).svg);
    this.answers = { ...face.said };
    this.order = [];
    this.draw();
  }

  choose(button) {
    const name = button.closest("[data-attribute]").dataset.attribute;
    this.order.push([name, this.answers[name]]);
    this.answers[name] = Number(button.dataset.value);
    this.draw();
    if (this.said()) this.complete();
  }

  draw() {
    for (const button of this.buttons) {
      const name = button.closest("[data-attribute]").dataset.attribute;
      button.setAttribute("aria-pressed", String(this.answers[name] === Number(button.dataset.value)));
    }
  }

  key(event) {
    const button = this.buttons.find((one) => one.dataset.key === event.key.toLowerCase());
    if (!button || event.repeat) return false;
    this.choose(button);
    return true;
  }

  undo() {
    const last = this.order?.pop();
    if (!last) return;
    this.answers[last[0]] = last[1];
    this.draw();
  }

  said() {
    const names = this.groups.map((group) => group.dataset.attribute);
    if (names.some((name) => this.answers[name] === undefined)) return null;
    return Object.fromEntries(names.map((name) => [name, this.answers[name]]));
  }
}
