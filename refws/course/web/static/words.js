/* Elements and words that the other files share. What a peer sent becomes text, nothing else. */

import { CLOSE_MEANINGS } from "./close_codes.js";

const RFC = /^(?:RFC (\d+) )?§([0-9.]*[0-9])/;

export const element = (id) => document.getElementById(id);

/* A new element with a class, and with texts and elements inside. */
export function create(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

/* What a close code means, as the browser reports it (RFC 6455 section 7.4). */
export function closeMeaning(code) {
  if (code in CLOSE_MEANINGS) return CLOSE_MEANINGS[code];
  if (code >= 4000) return "a private code of the application";
  if (code >= 3000) return "a code registered for a library";
  return "a code without a meaning";
}

export function counted(count, one, many = `${one}s`) {
  return count === 1 ? `1 ${one}` : `${count.toLocaleString("en")} ${many}`;
}

export const bytesInWords = (count) => counted(count, "byte");

export function milliseconds(seconds) {
  return `${(seconds * 1000).toFixed(2)} ms`;
}

export function shortened(text, most) {
  return text.length <= most
    ? text
    : `${text.slice(0, most)} … (the first ${counted(most, "character")})`;
}

export function spaced(hex, most = Infinity) {
  const bytes = hex.match(/../g) ?? [];
  return bytes.length > most ? `${bytes.slice(0, most).join(" ")} …` : bytes.join(" ");
}

export function hexOf(buffer, most) {
  const bytes = new Uint8Array(buffer, 0, Math.min(buffer.byteLength, most));
  const digits = spaced(toHex(bytes));
  return buffer.byteLength > most ? `${digits} … (the first ${most} bytes)` : digits;
}

/* Bytes as hex digits, and the other way round; null if they are no hex digits. */
export const toHex = (bytes) =>
  Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");

export function fromHex(text) {
  const digits = text.replaceAll(/[\s:,]|0x/g, "");
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return null;
  return Uint8Array.from(digits.match(/../g) ?? [], (byte) => parseInt(byte, 16));
}

/* A section as a link to the text of the RFC, or as plain text if it names no such text. */
export function sectionLink(section) {
  const found = RFC.exec(section);
  if (!found) return create("span", "section", section);
  const link = create("a", "section", section);
  link.href = `https://www.rfc-editor.org/rfc/rfc${found[1] ?? 6455}#section-${found[2]}`;
  link.target = "_blank";
  link.rel = "noopener noreferrer";
  return link;
}
