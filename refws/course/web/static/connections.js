/* The page's connections as the wire view numbers them, and which one is the browser's own now. */

const MAX_SEEN = 200;
const seen = new Map();
const listeners = [];
let sockets = 0;
let current = null;

/* Call `listener` whenever commands may reach another connection than before, or none. */
export function onChange(listener) {
  listeners.push(listener);
}

export function changed() {
  for (const listener of listeners) listener();
}

/* The number of the browser's next socket, which its URL names. Until the wire view reports that
   socket, there is no current connection. */
export function nextSocket() {
  current = null;
  sockets += 1;
  return sockets;
}

export const newestSocket = () => sockets;

export const isNewestSocket = (number) => number === sockets;

/* The wire view's number of the browser's own connection, or null. */
export const currentConnection = () => current;

/* The numbers of the connections that are open. */
export const livingConnections = () =>
  [...seen.values()].filter(({ closed }) => !closed).map(({ number }) => number);

export function forget(number) {
  if (number === current) current = null;
  changed();
}

/* A connection that the wire view reports. */
export function addConnection(event) {
  const target = new URL(event.target, location.href);
  const rule = target.searchParams.get("rule");
  const label = event.label ?? `#${event.connection} ${rule ? "raw client" : "browser"}`;
  seen.set(event.connection, {
    number: event.connection,
    socket: Number(target.searchParams.get("socket")),
    rule,
    label,
    path: target.pathname,
    pings: new Map(),
  });
  if (seen.size > MAX_SEEN) seen.delete(seen.keys().next().value);
  if (target.searchParams.get("socket") === String(sockets)) current = event.connection;
  changed();
}

export const findConnection = (number) => seen.get(number);

/* The number of the newest connection on which this rule was broken. */
export function newestWithRule(rule) {
  return [...seen.values()].findLast((connection) => connection.rule === rule)?.number;
}
