/** Assignments ahead, with their faces fetched and decoded before they are shown. */

/** @typedef {{ id: number, image: string, mark?: number[] | null }} Assignment */
/**
 * `revisions` counts the votes this page has sent for a face, `isCounted` says whether it is among
 * those the page counts as labelled.
 * @typedef {Assignment & { picture: HTMLImageElement, ready: Promise<boolean>, revisions: number, isCounted: boolean }} Face
 */

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
      this.faces.push(this.fetch(this.later.shift(), this.faces.length ? "low" : "high"));
  }

  /** @param {Assignment} assignment @param {"high" | "low"} priority @returns {Face} */
  fetch(assignment, priority = "high") {
    const face = /** @type {Face} */ ({ revisions: 0, isCounted: false, ...assignment });
    face.picture = new Image();
    face.picture.alt = "";
    face.picture.decoding = "sync";
    face.picture.fetchPriority = priority;
    face.picture.src = this.address(face.image);
    face.ready = face.picture.decode().then(() => true, () => false);
    return face;
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
