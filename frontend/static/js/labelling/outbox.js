/** Votes on their way: kept in the browser until the site has stored them, sent in order. */

/** @typedef {{ id?: number, kind: "vote" | "flag", assignment: number, body: object }} Letter */

const PAUSES_MS = [300, 1000, 2000, 5000, 10000];

/** @param {string} name @returns {Promise<IDBDatabase>} */
function open(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("letters", { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

/** @template T @param {IDBRequest<T>} request @returns {Promise<T>} */
const done = (request) => new Promise((resolve, reject) => {
  request.onsuccess = () => resolve(request.result);
  request.onerror = () => reject(request.error);
});

export class Outbox {
  /**
   * @param {IDBDatabase} base
   * @param {(letter: Letter) => Promise<Response>} send
   * @param {{ stored(letter: Letter, answer: any): void, refused(letter: Letter, why: string): void,
   *   changed(waiting: number, state: "ok" | "offline" | "signin"): void }} tell
   */
  constructor(base, send, tell) {
    this.base = base;
    this.send = send;
    this.tell = tell;
    this.busy = false;
    this.failures = 0;
    addEventListener("online", () => { this.failures = 0; this.flush(); });
  }

  static async open(name, send, tell) { return new Outbox(await open(name), send, tell); }

  store(mode) { return this.base.transaction("letters", mode).objectStore("letters"); }

  /** @returns {Promise<Letter[]>} */
  all() { return done(this.store("readonly").getAll()); }

  /** Keeps a letter, then sends what waits. @param {Letter} letter */
  async put(letter) {
    await done(this.store("readwrite").add(letter));
    if (this.busy) this.tell.changed((await this.all()).length, this.failures ? "offline" : "ok");
    else this.flush();
  }

  /** Sends every letter in order; one sender at a time, in one tab at a time. */
  async flush() {
    if (this.busy) return;
    this.busy = true;
    try {
      if (navigator.locks) await navigator.locks.request(this.base.name, () => this.sendAll());
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
      this.tell.changed(letters.length, "ok");
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
    await done(this.store("readwrite").delete(letter.id));
    this.failures = 0;
    if (response.ok) this.tell.stored(letter, answer);
    else this.tell.refused(letter, answer.detail ?? `${response.status}`);
    return true;
  }

  async later(state) {
    this.failures += 1;
    this.tell.changed((await this.all()).length, state);
    return false;
  }
}
