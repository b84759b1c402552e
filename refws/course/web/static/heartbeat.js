/* RFC 6455 section 5.5.2: a Ping of the server, its Pong, and the time between the two. */

import { currentConnection } from "./connections.js";
import { element, milliseconds } from "./words.js";

const pulse = element("pulse");

/* What to write beside a frame: the time since its Ping, for a Pong that answers one. */
export function heartbeatNote(event, connection) {
  const { item } = event;
  const isCurrent = connection.number === currentConnection();
  if (item.name === "ping" && item.sender === "server" && event.event === "item") {
    connection.pings.set(item.plain_start, event.time);
    if (isCurrent) pulse.textContent = "A Ping is on its way …";
  }
  if (item.name !== "pong" || item.sender !== "client" || !connection.pings.has(item.plain_start))
    return "";
  const trip = milliseconds(event.time - connection.pings.get(item.plain_start));
  dropUntil(connection.pings, item.plain_start);
  if (isCurrent) pulse.textContent = `♥ The last Ping was answered after ${trip}.`;
  return `, ${trip} after its Ping`;
}

/* A Pong answers the newest Ping that has its payload, and with it all older ones. */
function dropUntil(pings, payload) {
  for (const ping of [...pings.keys()]) {
    pings.delete(ping);
    if (ping === payload) break;
  }
}
