/** Votes on their way: kept in the browser until the site has stored them, sent in order. */

/** @typedef {import("./letters.js").Letter} Letter */
/** @typedef {"ok" | "offline" | "signin"} State */

const PAUSES_MS = [300, 1000, 2000, 5000, 10000];

export class Outbox {
  /**
   * @param {string} name
   * @param {import("./letters.js").Letters | import("./letters.js").Memory} letters
   * @param {(letter: Letter) => Promise<Response>} send
   * @param {{ stored(letter: Letter, answer: any): void, refused(letter: Letter, status: number, answer: any): void,
   *   changed(waiting: number, state: State): void }} tell
   */
  constructor(name, letters, send, tell) {
    this.name = name;
    this.letters = letters;
    this.send = send;
    this.tell = tell;
    this.busy = false;
    this.failures = 0;
    addEventListener("online", () => { this.failures = 0; this.flush(); });
  }

  all() { return this.letters.all(); }

  /** Keeps a letter, then sends what waits. @param {Letter} letter */
  async put(letter) {
    await this.letters.add(letter);
    if (this.busy) this.tell.changed((await this.all()).length, this.failures ? "offline" : "ok");
    else this.flush();
  }

  /** Sends every letter in order; one sender at a time, in one tab at a time. */
  async flush() {
    if (this.busy) return;
    this.busy = true;
    try {
      if (navigator.locks) await navigator.locks.request(this.name, () => this.sendAll());
      else await this.sendAll();
    } finally {
      this.busy = false;
    }
    if ((await this.all()).length && !this.timer) this.again();
  }

  again() {
    const pause = PAUSES_MS[Math.min(this.failures, PAUSES_MS.length - 1)];
    this.timer = setTimeout(() => { this.timer = 0; this.flush(); }, pause);
  }

  async sendAll() {
    for (let letters = await this.all(); letters.length; letters = await this.all()) {
      this.tell.changed(letters.length, this.failures ? "offline" : "ok");
      if (!await this.sendOne(letters[0])) return;
    }
    this.tell.changed(0, "ok");
  }

  /** @param {Letter} letter @returns {Promise<boolean>} whether to go on with the next */
  async sendOne(letter) {
    let response;
    try {
      response = await this.send(letter);
    } catch {
      return this.later("offline");
    }
    if (response.status === 401 || response.status === 403) return this.later("signin");
    if (response.status === 429 || response.status >= 500) return this.later("offline");
    const answer = await response.json().catch(() => ({}));
    await this.letters.remove(letter.id);
    this.failures = 0;
    if (response.ok) this.tell.stored(letter, answer);
    else this.tell.refused(letter, response.status, answer);
    return true;
  }

  /** @param {State} state */
  async later(state) {
    this.failures += 1;
    this.tell.changed((await this.all()).length, state);
    return false;
  }
}
