/* What was on the wire: events of the wire view -> rows of the timeline. */

import { wireEnd, wireNotes } from "./causes.js";
import { addConnection, currentConnection, findConnection, forget } from "./connections.js";
import { openFrame, openHandshake } from "./details.js";
import { addHead, showHandshake } from "./handshake.js";
import { heartbeatNote } from "./heartbeat.js";
import { takeFrame } from "./lecture.js";
import { content, direction, kindOf, picture, verdictWords } from "./picture.js";
import { addRow, opener } from "./timeline.js";
import { bytesInWords, counted, create } from "./words.js";

export function takeEvent(event) {
  if (event.event === "connection") return addConnection(event);
  const connection = findConnection(event.connection);
  if (!connection) return;
  if (event.event !== "gap") connection.gap = null;
  show[event.event]?.(event, connection);
}

const show = {
  item(event, connection) {
    const { item } = event;
    removePartial(connection, item.sender);
    if (connection.socket && item.verdict) {
      const end = wireEnd(event, connection);
      if (end) wireNotes(connection.socket, end, event.time * 1000);
    }
    if (item.type === "FrameExplanation") {
      addFrame(event, connection);
      takeFrame(item, connection.label);
    } else if (item.type === "HeadExplanation") addHandshake(event, connection);
    else
      addNote(
        event,
        connection,
        `${direction(item)}: ${bytesInWords(item.length)} not read`,
        `(${item.why})`,
      );
  },
  partial(event, connection) {
    removePartial(connection, event.item.sender);
    if (event.item.type !== "FrameExplanation") return;
    connection[event.item.sender] = addFrame(event, connection);
  },
  end(event, connection) {
    const who = event.sender === "client" ? "→ client" : "← server";
    const missing = event.bytes_left_out
      ? `(${bytesInWords(event.bytes_left_out)} were left out)`
      : "";
    const does = event.reset ? "resets TCP" : "ends its side of TCP";
    addNote(event, connection, `${who} ${does}`, missing);
  },
  closed(event, connection) {
    removePartial(connection, "client");
    removePartial(connection, "server");
    connection.closed = true;
    forget(connection.number);
  },
  /* What is not shown is counted in one row, until something is shown again. */
  gap(event, connection) {
    connection.gap?.remove();
    connection.gap = addNote(event, connection, gapWords(event), "(too many at once)");
  },
};

function gapWords({ frames, bytes }) {
  const words = [];
  if (frames) words.push(`${counted(frames, "legal frame")}, not shown`);
  if (bytes) words.push(`${bytesInWords(bytes)} not looked at`);
  return words.join("; ");
}

/* The row of an incomplete frame is replaced each time more of the frame has arrived. */
function removePartial(connection, sender) {
  connection[sender]?.remove();
  connection[sender] = null;
}

function addFrame(event, connection) {
  const { item } = event;
  const note = heartbeatNote(event, connection);
  const name = item.compressed ? `${item.name}, compressed` : item.name;
  const words = `${direction(item)}, ${name}${pieces(event)}${note}`;
  const make = () => {
    const open = () => openFrame(item, event.chunks);
    const parts = [what(connection, words), badge(item), picture(item)];
    const button = opener(`frame ${kindOf(item)}`, open, ...parts);
    const spoken = [connection.label, words, verdictWords(item.verdict), content(item)];
    button.ariaLabel = spoken.join(", ");
    return button;
  };
  return addRow("wire", event.time * 1000, make, rowData(connection, item, item.name), event);
}

function addHandshake(event, connection) {
  const { item } = event;
  addHead(connection.number, `${connection.label} ${connection.path}`, item);
  const name = item.sender === "client" ? "request" : "response";
  const words = `${direction(item)}, ${name}${pieces(event)}`;
  const first = item.lines[0]?.text ?? "";
  const make = () => {
    const open = () => openHandshake(connection.number);
    const line = create("span", "picture head", first);
    const button = opener("head", open, what(connection, words), badge(item), line);
    button.ariaLabel = `${connection.label}, ${words}, ${verdictWords(item.verdict)}, ${first}`;
    return button;
  };
  addRow("wire", event.time * 1000, make, rowData(connection, item, "head"), event);
  if (connection.number === currentConnection() && item.sender === "server")
    showHandshake(connection.number);
}

function addNote(event, connection, words, why) {
  const make = () =>
    create("span", "quietly", what(connection, words), why ? create("span", "why", ` ${why}`) : "");
  const data = { connection: connection.number, kind: "note" };
  return addRow("wire", event.time * 1000, make, data, event);
}

const what = (connection, words) =>
  create("span", "what", create("span", "who", connection.label), " ", words);

const badge = (item) => create("span", `badge ${item.verdict.type}`, verdictWords(item.verdict));

/* An item that arrived in one piece needs no word about it. */
const pieces = (event) =>
  event.chunks > 1 ? `, in ${event.chunks.toLocaleString("en")} pieces` : "";

function rowData(connection, item, kind) {
  return { connection: connection.number, kind, sender: item.sender, verdict: item.verdict.type };
}
