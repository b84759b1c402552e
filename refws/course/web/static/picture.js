/* A frame as a row of boxes, and a verdict as words. */

import { create, sectionLink, shortened, spaced } from "./words.js";

const SHOWN_TEXT = 60;
const SIDES = { client: "client to server", server: "server to client" };
const ARROWS = { client: "→", server: "←" };

export const direction = (item) => `${ARROWS[item.sender]} ${SIDES[item.sender]}`;

/* The kind of frame that colours it: what the opcode says, in one word. */
export function kindOf(item) {
  return item.name.startsWith("reserved") ? "reserved" : item.name;
}

/* The verdict in words: what colour says too. */
export function verdictWords(verdict) {
  if (verdict.type === "Violation") return `breaks ${verdict.section}`;
  return verdict.type === "CutOff" ? "not complete" : "legal";
}

function box(item, name, label, value, ...fields) {
  const blamed = fields.includes(item.verdict.field) ? "blamed" : "";
  return create(
    "span",
    `box ${name} ${blamed}`,
    create("span", "label", label),
    create("span", "value", value),
  );
}

export function content(item) {
  if (item.close) return `${item.close.code}${item.close.reason ? ` ${item.close.reason}` : ""}`;
  if (item.text !== null) return item.text;
  return spaced(item.inflated_start || item.plain_start, 16);
}

/* A frame as its row of boxes. */
export function picture(item) {
  const { header } = item;
  const row = create("span", `picture ${kindOf(item)}`);
  const rsv = [header.rsv1, header.rsv2, header.rsv3].map(Number).join("");
  const add = (...about) => row.append(box(item, ...about));
  add("bit", "FIN", String(Number(header.fin)), "FIN");
  add("bit", "RSV", rsv, "RSV1", "RSV2", "RSV3");
  add("opcode", "opcode", `${header.opcode.toString(16)} ${item.name}`, "opcode");
  if (item.header_bytes.length > 2) {
    add("bit", "MASK", String(Number(header.masked)), "MASK");
    add("length", "length", announced(item), "length", "extended length");
  }
  if (item.masking_key) add("key", "key", item.masking_key);
  if (item.payload_received)
    add("payload", "payload", shortened(content(item), SHOWN_TEXT), "payload");
  return row;
}

/* The length that the header announces; "126 or more" where only the short form of it is there. */
function announced(item) {
  const length = item.fields.find((field) => field.name === "extended length");
  if (length) return BigInt(length.value).toLocaleString("en");
  const short = item.fields.find((field) => field.name === "length").value;
  return { 126: "126 or more", 127: "65,536 or more" }[short] ?? String(short);
}

/* A verdict as a paragraph: what is wrong, and what is expected. */
export function verdict(found) {
  const shown = create("p", `verdict ${found.type}`);
  if (found.type === "Legal") shown.append("Legal: no rule is broken.");
  else if (found.type === "CutOff") shown.append(`Not complete: ${found.seen}; ${found.expected}.`);
  else {
    shown.append(
      "Breaks ",
      sectionLink(found.section),
      `: ${found.seen}; expected ${found.expected}.`,
    );
    if (found.code) shown.append(` The answer is ${found.code}.`);
  }
  if (found.hint) {
    const end = found.hint.endsWith("?") ? "" : ".";
    shown.append(create("span", "hint", `Hint: ${found.hint}${end}`));
  }
  return shown;
}
