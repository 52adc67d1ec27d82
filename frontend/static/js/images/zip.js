// Puts files into one zip, stored and not compressed (photographs hardly shrink), as a Blob that
// refers to the files: only checksums are computed here, nothing is held in memory.

const TABLE = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k++) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
const LARGEST = 0xffffffff;

/** @param {Uint8Array} bytes */
export function crc32(bytes) {
  let crc = LARGEST;
  for (const byte of bytes) crc = TABLE[(crc ^ byte) & 0xff] ^ (crc >>> 8);
  return (crc ^ LARGEST) >>> 0;
}

/**
 * @param {File[]} files at most 65,535 of them and 4 GB together
 * @param {(share: number) => void} report
 * @returns {Promise<Blob>}
 */
export async function zipped(files, report = () => {}) {
  const total = files.reduce((sum, file) => sum + file.size + 200, 0);
  if (files.length > 0xffff || total > LARGEST) throw new Error("Too much for one go: make a zip file and choose that.");
  const parts = [];
  const directory = [];
  let offset = 0;
  for (const [i, file] of files.entries()) {
    const name = new TextEncoder().encode(file.webkitRelativePath || file.name);
    const crc = crc32(new Uint8Array(await file.arrayBuffer()));
    const local = header(0x04034b50, [20, 0x800, 0, 0, 0x21], crc, file.size, name.length, [0]);
    parts.push(local, name, file);
    directory.push(header(0x02014b50, [20, 20, 0x800, 0, 0, 0x21], crc, file.size, name.length, [0, 0, 0, 0, 0, 0], offset), name);
    offset += local.length + name.length + file.size;
    report((i + 1) / files.length);
  }
  const size = directory.reduce((sum, part) => sum + part.length, 0);
  const end = new DataView(new ArrayBuffer(22));
  end.setUint32(0, 0x06054b50, true);
  end.setUint16(8, files.length, true);
  end.setUint16(10, files.length, true);
  end.setUint32(12, size, true);
  end.setUint32(16, offset, true);
  return new Blob([...parts, ...directory, end.buffer], { type: "application/zip" });
}

/** A local or central header: signature, 16-bit fields, checksum and sizes, more 16-bit fields. */
function header(signature, fields, crc, size, nameLength, more, offset) {
  const bytes = 4 + 2 * fields.length + 12 + 2 + 2 * more.length + (offset === undefined ? 0 : 4);
  const view = new DataView(new ArrayBuffer(bytes));
  let at = 4;
  view.setUint32(0, signature, true);
  for (const field of fields) { view.setUint16(at, field, true); at += 2; }
  for (const field of [crc, size, size]) { view.setUint32(at, field, true); at += 4; }
  for (const field of [nameLength, ...more]) { view.setUint16(at, field, true); at += 2; }
  if (offset !== undefined) view.setUint32(at, offset, true);
  return new Uint8Array(view.buffer);
}
