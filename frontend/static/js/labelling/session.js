/** One sitting: how many faces, how long, at what pace, and when a break would do good. */

const BREAK_AFTER_MS = 25 * 60_000;
const PAUSE_MS = 5 * 60_000;

/** @param {number[]} values */
const median = (values) => [...values].sort((a, b) => a - b)[Math.floor(values.length / 2)];

export class Session {
  /** It goes on when the page is loaded again soon. @param {string} name @param {Storage} storage */
  constructor(name, storage, now = Date.now()) {
    this.name = `${name}-session`;
    this.storage = storage;
    const kept = JSON.parse(storage.getItem(this.name) ?? "null");
    Object.assign(this, kept && now - kept.last < PAUSE_MS ? kept : this.fresh(now));
    addEventListener("pagehide", () => this.keep());
  }

  fresh(now) { return { began: now, rested: now, last: now, faces: 0, times: [] }; }

  /** A face was answered after so many milliseconds (null where that was not measured). */
  answered(responseMs, now = Date.now()) {
    if (now - this.last > PAUSE_MS) this.rested = now;
    this.last = now;
    this.faces += 1;
    if (responseMs !== null) this.times.push(responseMs);
  }

  takenBack() {
    this.faces -= 1;
    this.times.pop();
  }

  keep() {
    const { began, rested, last, faces, times } = this;
    this.storage.setItem(this.name, JSON.stringify({ began, rested, last, faces, times: times.slice(-2000) }));
  }

  /** Whether so much time went by without a pause that one is due; it is said once. */
  breakIsDue(now = Date.now()) {
    if (now - this.rested < BREAK_AFTER_MS) return false;
    this.rested = now;
    return true;
  }

  get minutes() { return Math.max(1, Math.round((this.last - this.began) / 60_000)); }

  /** Seconds that a face took in the middle, or null. */
  get pace() { return this.times.length ? median(this.times) / 1000 : null; }

  end() { this.storage.removeItem(this.name); Object.assign(this, this.fresh(Date.now())); }
}
