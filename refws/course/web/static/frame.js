/* All about one frame, for the details: its bits, fields, payload and state. */

import { copyButton } from "./copy.js";
import { direction, verdict } from "./picture.js";
import { bytesInWords, counted, create, sectionLink, spaced } from "./words.js";

const BITS_IN_A_ROW = 16;

/* The elements that show a frame, which arrived from the network in `chunks` pieces. */
export function describeFrame(item, chunks) {
  const wire = item.header_bytes.length / 2 + item.masking_key.length / 2 + item.payload_received;
  const title = create(
    "h3",
    "",
    `${item.name} frame, ${direction(item)}, ${bytesInWords(wire)} on the wire`,
  );
  return [
    title,
    verdict(item.verdict),
    ...remarks(item),
    heading("Bits"),
    bits(item),
    heading("Fields"),
    fields(item),
    ...payload(item),
    heading("State"),
    states(item),
    heading(isWhole(item) ? "Bytes" : "First bytes"),
    create("p", "bytes", spaced(bytesOf(item))),
    copies(item),
    ...(item.sender === "client" ? [heading("From the network"), received(chunks)] : []),
  ];
}

/* §5.4, §5.5.3: the message that a last fragment ends, and what is worth a note. */
function remarks(item) {
  const shown = [];
  if (item.message) {
    const { opcode, length, fragments, text, start } = item.message;
    const size = `${bytesInWords(length)}, ${counted(fragments, "frame")}`;
    const words = `message: ${opcode === 1 ? "text" : "binary"}, ${size}: `;
    shown.push(create("p", "whole", words, text ?? spaced(start)));
  }
  if (item.note) shown.push(create("p", "note", `Note: ${item.note}.`));
  return shown;
}

const bytesOf = (item) => item.header_bytes + item.masking_key + item.payload_start;

/* Whether all bytes of the frame are here, and not only the first ones of its payload. */
const isWhole = (item) => item.payload_start.length === 2 * item.payload_received;

function copies(item) {
  const deflate = item.deflate ? "--deflate " : "";
  const command = `python3 -m refws explain --from ${item.sender} ${deflate}`;
  return create(
    "div",
    "row",
    copyButton("Copy hex", () => spaced(bytesOf(item))),
    copyButton("Copy explain command", () => command + spaced(bytesOf(item))),
  );
}

/* §1.5: the server knows this only of what it has received. */
function received(chunks) {
  const why =
    "It does not matter: TCP is a stream, and only the length of a frame says where it ends, ";
  return create(
    "p",
    "pieces",
    `It arrived in ${counted(chunks, "piece")}. ${why}`,
    sectionLink("§1.5"),
    ".",
  );
}

const heading = (words) => create("h4", "", words);

/* The bits of the header and of the key under a ruler, each field in a box, cut where its row
   ends. R1 to R3 and M are short for RSV1 to RSV3 and MASK, whose boxes are narrow. Only the first
   `named` fields have their names. */
export function bits(item, named = Infinity) {
  const grid = create("div", "bits");
  for (let bit = 0; bit < BITS_IN_A_ROW; bit += 1)
    grid.append(create("span", "ruler", String(bit)));
  const digits = (item.header_bytes + item.masking_key).match(/../g) ?? [];
  const all = digits.map((byte) => parseInt(byte, 16).toString(2).padStart(8, "0")).join("");
  for (const [number, field] of item.fields.entries()) {
    const end = field.byte * 8 + field.bit + field.bits;
    let from = field.byte * 8 + field.bit;
    while (from < end) {
      const to = Math.min(end, (Math.floor(from / BITS_IN_A_ROW) + 1) * BITS_IN_A_ROW);
      const digits = all.slice(from, to);
      const isNamed = number < named;
      grid.append(
        isNamed
          ? fieldBox(item, field, digits, from % BITS_IN_A_ROW)
          : unnamedBox(digits, from % BITS_IN_A_ROW),
      );
      from = to;
    }
  }
  return grid;
}

/* Bits whose meaning is not told yet. */
function unnamedBox(digits, column) {
  const made = create("span", "field unnamed");
  made.append(create("span", "label", "?"), create("span", "value", digits));
  made.style.gridColumn = `${column + 1} / span ${digits.length}`;
  return made;
}

function fieldBox(item, field, digits, column) {
  const blamed = item.verdict.field === field.name;
  const name = { MASK: "M", RSV1: "R1", RSV2: "R2", RSV3: "R3" }[field.name] ?? field.name;
  const made = create(
    "span",
    `field ${blamed ? "blamed" : ""} ${field.name.replace(" ", "-").toLowerCase()}`,
  );
  made.append(create("span", "label", name), create("span", "value", digits));
  made.style.gridColumn = `${column + 1} / span ${digits.length}`;
  return made;
}

function fields(item) {
  const table = create("table", "fields");
  const head = create(
    "tr",
    "",
    ...["field", "value", "meaning", "section"].map((word) => create("th", "", word)),
  );
  table.append(create("thead", "", head));
  const body = create("tbody", "");
  for (const field of item.fields) {
    const blamed = item.verdict.field === field.name;
    const value = field.name === "masking key" ? spaced(item.masking_key) : fieldValue(field);
    body.append(
      create(
        "tr",
        blamed ? "blamed" : "",
        create("th", "", field.name),
        create("td", "number", value),
        create("td", "", blamed ? `${field.meaning}. This is what is wrong.` : field.meaning),
        create("td", "", sectionLink(field.section)),
      ),
    );
  }
  table.append(body);
  return table;
}

export function fieldValue(field) {
  if (field.name === "opcode") return `0x${field.value.toString(16)}`;
  return BigInt(field.value).toLocaleString("en");
}

function payload(item) {
  if (!item.payload_received) return [];
  const parts = [];
  if (item.xor.length)
    parts.push(heading("Unmasking: wire XOR key = payload, §5.3"), xorTable(item));
  if (item.inflated_length !== null) {
    const sizes = [item.payload_received, item.inflated_length].map(bytesInWords);
    const deflated = sizes.join(" inflate to ");
    const tail = item.put_back
      ? `, once ${spaced(item.put_back)} is put back at their end (RFC 7692 §7.2.2)`
      : "";
    parts.push(
      heading("Compressed"),
      create("p", "", `${deflated}${tail}.`),
      create("p", "bytes", spaced(item.plain_start)),
    );
  }
  const shown = item.text ?? item.close?.reason ?? spaced(item.inflated_start || item.plain_start);
  const words = item.close
    ? `Close code ${item.close.code}, reason`
    : item.text === null
      ? "Payload"
      : "Text";
  parts.push(heading(words), create("p", "content", shown || "(empty)"));
  return parts;
}

function xorTable(item) {
  const rows = [
    ["wire", "wire"],
    ["key", "key"],
    ["payload", "result"],
    ["character", "character"],
  ];
  const table = create("table", "xor");
  for (const [label, name] of rows) {
    const cells = item.xor.map((step) =>
      create(
        "td",
        "",
        name === "character" ? step.character : step[name].toString(16).padStart(2, "0"),
      ),
    );
    table.append(create("tr", name, create("th", "", label), ...cells));
  }
  return table;
}

function states(item) {
  const table = create("table", "states");
  table.append(
    create("tr", "", create("td", ""), create("th", "", "before"), create("th", "", "after")),
  );
  const rows = {
    connection: (state) => state.state,
    "open message": (state) => openMessage(state.message),
    "Close sent by": (state) => state.closed_by.join(", then ") || "no one",
  };
  for (const [label, words] of Object.entries(rows)) {
    const [before, after] = [words(item.before), words(item.after)];
    const changed = before === after ? "" : "changed";
    table.append(
      create(
        "tr",
        changed,
        create("th", "", label),
        create("td", "", before),
        create("td", "", after),
      ),
    );
  }
  return table;
}

function openMessage(message) {
  if (!message) return "none";
  const kind = message.opcode === 1 ? "text" : "binary";
  return (
    `${kind}${message.compressed ? ", compressed" : ""}, ` +
    `${counted(message.fragments, "fragment")}, ` +
    bytesInWords(message.length)
  );
}
