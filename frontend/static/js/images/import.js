// Sends photographs piece by piece and starts their import. A lost connection is waited out; the
// server is asked how far it came, so nothing is sent twice.
import { zipped } from "./zip.js";

const PIECE = 4 * 1024 * 1024;
const place = document.querySelector("[data-upload]");
const told = place.querySelector("[data-told]");
const bar = place.querySelector("progress");
const chooser = place.querySelector("input[type=file]");

/** @param {string} url @param {RequestInit} options */
async function ask(url, options = {}) {
  const headers = { "X-CSRFToken": place.dataset.csrf, ...options.headers };
  const response = await fetch(url, { ...options, headers });
  const body = response.status === 204 ? {} : await response.json();
  if (!response.ok) throw Object.assign(new Error(body.detail ?? response.statusText), { status: response.status });
  return body;
}

const post = (url, body) =>
  ask(url, { method: "POST", body: JSON.stringify(body), headers: { "Content-Type": "application/json" } });

/** @param {Blob} blob @param {string} name */
async function send(blob, name) {
  const waiting = (await ask(place.dataset.upload)).find((u) => u.name === name && u.size === blob.size);
  const upload = waiting ?? (await post(place.dataset.upload, { name, size: blob.size }));
  const url = `${place.dataset.upload}${upload.id}/`;
  let { offset } = upload;
  while (offset < blob.size) {
    try {
      ({ offset } = await ask(url, {
        method: "PATCH",
        body: blob.slice(offset, offset + PIECE),
        headers: { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) },
      }));
    } catch (error) {
      if (error.status && error.status !== 409 && error.status < 500) throw error;
      told.textContent = told.dataset.waiting;
      await new Promise((resolve) => setTimeout(resolve, 2000));
      offset = await ask(url).then((u) => u.offset, () => offset);
    }
    bar.value = offset / blob.size;
    told.textContent = `${told.dataset.sending} ${Math.floor((100 * offset) / blob.size)} %`;
  }
  return upload.id;
}

/** @param {File[]} files */
async function take(files) {
  if (!files.length) return;
  chooser.disabled = true;
  bar.hidden = false;
  try {
    const isZip = files.length === 1 && /\.zip$/i.test(files[0].name);
    told.textContent = told.dataset.packing;
    const blob = isZip ? files[0] : await zipped(files, (share) => { bar.value = share; });
    const upload = await send(blob, isZip ? files[0].name : `${files.length} files.zip`);
    told.textContent = told.dataset.starting;
    const { job } = await post(place.dataset.import, { upload });
    location.assign(`${place.dataset.jobs}${job}/`);
  } catch (error) {
    told.textContent = error.message;
    bar.hidden = true;
    chooser.disabled = false;
  }
}

chooser.addEventListener("change", () => take([...chooser.files]));
place.addEventListener("dragover", (event) => { event.preventDefault(); place.dataset.over = ""; });
place.addEventListener("dragleave", () => delete place.dataset.over);
place.addEventListener("drop", (event) => {
  event.preventDefault();
  delete place.dataset.over;
  take([...event.dataTransfer.files]);
});
