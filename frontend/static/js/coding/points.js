/** Box and five points: proposals to accept, drag or nudge. */

import { element, magnified } from "./picture.js";

const USUAL = [[0.31, 0.4], [0.69, 0.4], [0.5, 0.6], [0.35, 0.8], [0.65, 0.8]];
const NUDGE = 0.004;
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Points {
  constructor(root) {
    this.root = root;
    this.names = [...root.querySelectorAll("[data-mark]")].map((b) => b.textContent.trim().slice(2));
    root.querySelector("#marks").addEventListener("click", (event) => {
      const button = event.target.closest("[data-mark]");
      if (button) this.choose(Number(button.dataset.mark), true);
    });
  }

  show(face, stage, url) {
    const { svg, view } = magnified(face, url);
    this.svg = svg;
    this.face = face;
    this.step = Math.max(view[2], view[3]);
    const box = face.said?.box ?? face.box ?? [view[0], view[1], view[0] + view[2], view[1] + view[3]];
    const [x, y] = box;
    const [w, h] = [box[2] - x, box[3] - y];
    const points = face.said?.landmarks ?? face.proposed ?? USUAL.map(([a, b]) => [x + a * w, y + b * h]);
    this.at = [...points, [x, y], [box[2], box[3]]].map((p) => [...p]);
    this.before = [];
    this.frame = element("path", { class: "box" });
    svg.append(this.frame);
    this.marks = this.at.map((_, i) => this.mark(i));
    svg.append(...this.marks);
    this.listen(svg);
    stage.replaceChildren(svg);
    this.chosen = 0;
    this.draw();
  }

  mark(i) {
    const size = this.step * (i < 5 ? 0.014 : 0.018);
    const made = element("g", { class: i < 5 ? "mark" : "mark corner", tabindex: 0, role: "button", "data-i": i });
    made.append(
      element("circle", { class: "reach", r: this.step * 0.035 }),
      i < 5 ? element("circle", { r: size }) : element("rect", { x: -size, y: -size, width: 2 * size, height: 2 * size }),
      element("circle", { class: "centre", r: this.step * 0.002 }),
    );
    made.addEventListener("focus", () => this.choose(i));
    return made;
  }

  listen(svg) {
    let held = -1;
    let from = null;
    svg.addEventListener("pointerdown", (event) => {
      const mark = event.target.closest("[data-i]");
      held = mark ? Number(mark.dataset.i) : -1;
      if (held < 0) return;
      event.preventDefault();
      svg.setPointerCapture(event.pointerId);
      this.choose(held);
      this.remember();
      const [x, y] = this.place(event);
      from = [this.at[held][0] - x, this.at[held][1] - y];
    });
    svg.addEventListener("pointermove", (event) => {
      if (held < 0) return;
      const [x, y] = this.place(event);
      this.move(held, x + from[0], y + from[1]);
    });
    for (const name of ["pointerup", "pointercancel"]) svg.addEventListener(name, () => { held = -1; });
  }

  place(event) {
    const point = new DOMPoint(event.clientX, event.clientY).matrixTransform(this.svg.getScreenCTM().inverse());
    return [point.x, point.y];
  }

  choose(i, focus = false) {
    this.chosen = i;
    this.draw();
    if (focus) this.marks[i].focus();
  }

  remember() {
    this.before.push(JSON.stringify(this.at));
    if (this.before.length > 100) this.before.shift();
  }

  move(i, x, y) {
    const { width, height } = this.face;
    const [right, bottom] = i < 5 ? [width - 1, height - 1] : [width, height];
    this.at[i] = [Math.min(Math.max(x, 0), right), Math.min(Math.max(y, 0), bottom)];
    this.draw();
  }

  draw() {
    this.marks.forEach((mark, i) => {
      const [x, y] = this.at[i];
      mark.setAttribute("transform", `translate(${x} ${y})`);
      mark.setAttribute("aria-label", `${this.names[i]} ${Math.round(x)}, ${Math.round(y)}`);
      mark.classList.toggle("chosen", i === this.chosen);
    });
    const [[x1, y1], [x2, y2]] = [this.at[5], this.at[6]];
    this.frame.setAttribute("d", `M${x1} ${y1}H${x2}V${y2}H${x1}Z`);
    for (const button of this.root.querySelectorAll("[data-mark]")) {
      button.classList.toggle("chosen", Number(button.dataset.mark) === this.chosen);
    }
  }

  key(event) {
    if (event.key >= "1" && event.key <= "7") {
      this.choose(Number(event.key) - 1, true);
      return true;
    }
    const arrow = ARROWS[event.key];
    if (!arrow || !this.at) return false;
    const far = this.step * NUDGE * (event.shiftKey ? 5 : 1);
    const [x, y] = this.at[this.chosen];
    this.remember();
    this.move(this.chosen, x + arrow[0] * far, y + arrow[1] * far);
    return true;
  }

  undo() {
    const before = this.before?.pop();
    if (!before) return;
    this.at = JSON.parse(before);
    this.draw();
  }

  said() {
    const rounded = this.at.map((p) => p.map((v) => Math.round(v * 100) / 100));
    return { landmarks: rounded.slice(0, 5), box: [...rounded[5], ...rounded[6]] };
  }
}
