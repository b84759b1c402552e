/* Elements and words that the other files share. What a peer sent becomes text, nothing else. */

/* What a close code means, as the browser reports it (RFC 6455 section 7.4). */
const CLOSE_MEANINGS = {
  1000: "normal closure: the work is done",
  1001: "going away: the server stops, or this page was left",
  1002: "protocol error: one side broke a rule of RFC 6455",
  1003: "unsupported data: a type of message that is not accepted here",
  1005: "the Close frame carried no code",
  1006: "the connection ended without a Close frame, or never opened",
  1007: "invalid data: for instance text that is not UTF-8",
  1008: "policy violation: legal, but more than the server accepts",
  1009: "message too big for the server's limit",
  1010: "an extension that the client needs was not agreed on",
  1011: "internal error: an exception in the server's handler",
  1012: "the service restarts; try again soon",
  1013: "try again later: the server is overloaded",
  1014: "bad gateway: a proxy got a wrong answer",
  1015: "the TLS handshake failed",
};

const RFC = /^(?:RFC (\d+) )?§([0-9.]*[0-9])/;

export const element = (id) => document.getElementById(id);

/* A new element with a class, and with texts and elements inside. */
export function create(tag, name, ...children) {
  const made = document.createElement(tag);
  if (name) made.className = name;
  made.append(...children);
  return made;
}

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
  const bytes = Array.from(new Uint8Array(buffer, 0, Math.min(buffer.byteLength, most)));
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return buffer.byteLength > most ? `${digits} … (the first ${most} bytes)` : digits;
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
