/* The wire rows of the timeline -> a tape, which `python3 -m refws replay` explains again. */

import { keptRows } from "./timeline.js";
import { counted, create, element, spaced, toHex } from "./words.js";

/* What is not whole on the page, or was not shown, is a comment. */
function lineOf({ seconds, event }) {
  const time = seconds.toFixed(6);
  const number = event.connection;
  if (event.event === "end") return `${time} ${number} ${event.sender} end`;
  if (event.event === "gap") return `# left out here: ${event.frames} frames, ${event.bytes} bytes`;
  if (event.event !== "item") return "";
  const { item } = event;
  const hex = item.type === "HeadExplanation" ? headHex(item) : frameHex(item);
  if (hex === null) return `# left out here: ${item.name ?? "bytes"} of ${item.sender}, not whole`;
  return `${time} ${number} ${item.sender} ${spaced(hex)}`;
}

/* Without secrets, which the server has replaced before the page saw them. */
function headHex({ lines }) {
  const text = [...lines.map((line) => line.text), "", ""].join("\r\n");
  return toHex(new TextEncoder().encode(text));
}

function frameHex(item) {
  const isWhole =
    item.type === "FrameExplanation" &&
    item.payload_start.length === 2 * item.payload_received &&
    item.verdict.type !== "CutOff";
  return isWhole ? item.header_bytes + item.masking_key + item.payload_start : null;
}

export function tape() {
  const first = `refws tape 1, recorded ${new Date().toISOString()}, from the page`;
  return [first, ...keptRows().map(lineOf), ""].filter((line, place) => line || place).join("\n");
}

element("save").addEventListener("click", () => {
  const text = tape();
  const link = create("a", "");
  link.href = URL.createObjectURL(new Blob([text], { type: "text/plain" }));
  link.download = "tape.txt";
  link.click();
  URL.revokeObjectURL(link.href);
  const count = counted(text.match(/^\d.*/gm)?.length ?? 0, "line");
  element("saved").textContent = `Saved ${count} as tape.txt; python3 -m refws replay explains it.`;
});
