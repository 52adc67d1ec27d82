/** Where votes wait until the site has stored them: the browser's own database. */

/** @typedef {{ id?: number, kind: "vote" | "flag", assignment: number, body: object }} Letter */

/** @param {string} name @returns {Promise<IDBDatabase>} */
function open(name) {
  return new Promise((resolve, reject) => {
    const asked = indexedDB.open(name, 1);
    asked.onupgradeneeded = () => asked.result.createObjectStore("letters", { keyPath: "id", autoIncrement: true });
    asked.onsuccess = () => resolve(asked.result);
    asked.onerror = () => reject(asked.error);
  });
}

export class Letters {
  /** @param {IDBDatabase} base */
  constructor(base) { this.base = base; }

  /** @param {string} name @returns {Promise<Letters | Memory>} */
  static async open(name) {
    try {
      return new Letters(await open(name));
    } catch {
      return new Memory(); // some private windows have no database
    }
  }

  get isKept() { return true; }

  /** @returns {Promise<Letter[]>} in the order they were written */
  all() { return this.within("readonly", (store) => store.getAll()); }

  /** Resolves when the letter is on the disk: a dead battery must not take it. @param {Letter} letter */
  add(letter) { return this.within("readwrite", (store) => store.add(letter), { durability: "strict" }); }

  /** @param {number} id */
  remove(id) { return this.within("readwrite", (store) => store.delete(id)); }

  /** @param {IDBTransactionMode} mode @param {(store: IDBObjectStore) => IDBRequest} act */
  within(mode, act, options = {}) {
    return new Promise((resolve, reject) => {
      const deed = this.base.transaction("letters", mode, options);
      const request = act(deed.objectStore("letters"));
      deed.oncomplete = () => resolve(request.result);
      deed.onabort = () => reject(deed.error);
    });
  }
}

/** The same for as long as the page is open. */
export class Memory {
  constructor() {
    /** @type {Map<number, Letter>} */
    this.letters = new Map();
    this.last = 0;
  }

  get isKept() { return false; }

  async all() { return [...this.letters.values()]; }

  async add(letter) { this.letters.set(++this.last, { ...letter, id: this.last }); }

  async remove(id) { this.letters.delete(id); }
}
