/* What the browser did or reported, and what was on the wire for it: pairs of a cause and an
   effect, from which the clock learns. */

import { clock } from "./clock.js";

const MAX_HALVES = 20_000;
let halves = new Map();

/* The two ends of one event: `socket` is the page's number of the socket, `what` one of
   "request", "response", "client 1", "server 1" (the messages of each side), "client close" and
   "server close". */
export function browserNotes(socket, what, time) {
  note(socket, what, { browser: time });
}

export function wireNotes(socket, what, time) {
  note(socket, what, { wire: time });
}

/* Another wire view has another clock. */
export function forgetCauses() {
  halves = new Map();
}

function note(socket, what, half) {
  const name = `${socket} ${what}`;
  const { browser, wire } = { ...halves.get(name), ...half };
  if (browser === undefined || wire === undefined) {
    halves.set(name, half);
    if (halves.size > MAX_HALVES) halves.delete(halves.keys().next().value);
    return;
  }
  halves.delete(name);
  if (what === "request" || what.startsWith("client")) clock.notBefore(browser, wire);
  else clock.notAfter(browser, wire);
}

/* What a frame or head on the wire is an end of; null for most. A Close of the client is caused by
   close() only if the server has not sent one before. */
export function wireEnd(event, connection) {
  const { item, message } = event;
  if (item.type === "HeadExplanation") return item.sender === "client" ? "request" : "response";
  if (item.name === "close") {
    const isAnswer = connection.closedBy !== undefined && connection.closedBy !== item.sender;
    connection.closedBy ??= item.sender;
    return item.sender === "client" && isAnswer ? null : `${item.sender} close`;
  }
  const isEnd = item.sender === "client" ? item.name !== "continuation" : item.header.fin;
  return message && isEnd ? `${item.sender} ${message}` : null;
}
