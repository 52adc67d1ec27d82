/** A face, magnified: its box with surroundings fills the stage. */

const SVG = "http://www.w3.org/2000/svg";
const AROUND = 0.35;

/** @param {string} name @param {Record<string, string | number>} attributes */
export function element(name, attributes = {}) {
  const made = document.createElementNS(SVG, name);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, String(value));
  return made;
}

/** The part of the photograph to show: `[x, y, width, height]` in its pixels. */
export function region({ width, height, box }) {
  if (!box) return [0, 0, width, height];
  const [x1, y1, x2, y2] = box;
  const margin = AROUND * Math.max(x2 - x1, y2 - y1);
  const left = Math.max(x1 - margin, 0);
  const top = Math.max(y1 - margin, 0);
  return [left, top, Math.min(x2 + margin, width) - left, Math.min(y2 + margin, height) - top];
}

/** An SVG whose user units are the photograph's pixels. */
export function magnified(face, url) {
  const view = region(face);
  const svg = element("svg", { viewBox: view.join(" "), role: "group", "aria-label": face.file_name });
  svg.append(element("image", { href: url, width: face.width, height: face.height }));
  return { svg, view };
}
