/** Assignments ahead, with their faces fetched and decoded before they are shown. */

/** @typedef {{ id: number, image: string }} Assignment */
/** @typedef {Assignment & { picture: HTMLImageElement, ready: Promise<boolean> }} Face */

export const DECODED_AHEAD = 24;

export class Queue {
  /** @param {(image: string) => string} address */
  constructor(address) {
    this.address = address;
    /** @type {Face[]} */
    this.faces = [];
    /** @type {Assignment[]} */
    this.later = [];
    this.known = new Set();
  }

  /** Adds assignments that are not known yet. @param {Assignment[]} drawn */
  add(drawn) {
    for (const one of drawn) {
      if (this.known.has(one.id)) continue;
      this.known.add(one.id);
      this.later.push(one);
    }
    this.fill();
  }

  fill() {
    while (this.faces.length < DECODED_AHEAD && this.later.length)
      this.faces.push(this.fetch(this.later.shift()));
  }

  /** @param {Assignment} assignment @returns {Face} */
  fetch(assignment) {
    const picture = new Image();
    picture.alt = "";
    picture.decoding = "sync";
    picture.src = this.address(assignment.image);
    const ready = picture.decode().then(() => true, () => false);
    return { ...assignment, picture, ready };
  }

  /** The next face, or undefined. @returns {Face | undefined} */
  take() {
    const face = this.faces.shift();
    this.fill();
    return face;
  }

  /** Puts a face back in front. @param {Face} face */
  putBack(face) { this.faces.unshift(face); }

  get length() { return this.faces.length + this.later.length; }
}
