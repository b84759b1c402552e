/* The browser's own WebSocket: connect, send, disconnect, and a row of the timeline for whatever it
   reports. */

import { browserNotes } from "./causes.js";
import {
  changed,
  currentConnection,
  isNewestSocket,
  newestSocket,
  nextSocket,
  onChange,
} from "./connections.js";
import { explainRefusal } from "./refused.js";
import { addRow } from "./timeline.js";
import { watch } from "./watch.js";
import { bytesInWords, closeMeaning, create, element, fromHex, hexOf, shortened } from "./words.js";

const SHOWN_CHARACTERS = 400;
const SHOWN_BYTES = 64;
const WIRE_TIMEOUT = 2000;

const base = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}`;
const [state, endpoint, toggle] = ["state", "endpoint", "toggle"].map(element);
const [compression, heartbeat] = ["compression", "heartbeat"].map(element);
const [composer, message, kind, send] = ["composer", "message", "kind", "send"].map(element);
const problem = element("message-problem");
const [watchState, announcer] = ["watch-state", "announcer"].map(element);

let socket = null;
let settled = Promise.resolve();
let settle = () => {};
let sent = 0;

/* The number of the connection that commands reach; null if there is none. */
export function reachable() {
  return watch.open && socket?.readyState === WebSocket.OPEN ? currentConnection() : null;
}

/* `reachable()`, once the browser has connected or has failed to. */
export async function whenReachable() {
  if (reachable() === null) reconnect();
  await settled;
  return reachable();
}

onChange(() => {
  if (reachable() !== null) settle();
});

/* Report what a script would see, at the time that is returned. */
function report(word, words, kind = "") {
  const now = performance.now();
  addRow("browser", now, () => {
    announcer.textContent = `${word} ${words}`;
    return create("span", `reported ${kind}`, create("b", "", word), " ", words);
  });
  return now;
}

function dataWords(data) {
  if (typeof data === "string") return `“${shortened(data, SHOWN_CHARACTERS)}”`;
  return `${bytesInWords(data.byteLength)}: ${hexOf(data, SHOWN_BYTES)}`;
}

function showState(name, words) {
  state.dataset.state = name;
  state.textContent = words;
  send.disabled = name !== "open";
  toggle.textContent =
    { connecting: "Cancel", open: "Disconnect", closing: "Closing …" }[name] ?? "Connect";
  changed();
}

function query(number) {
  const chosen = {
    page: watch.page,
    socket: number,
    deflate: compression.value,
    heartbeat: heartbeat.value,
  };
  return new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ""));
}

export async function connect() {
  showState("connecting", "Connecting …");
  const number = nextSocket();
  settled = new Promise((resolve) => {
    settle = resolve;
  });
  await watch.connect(base);
  if (!isNewestSocket(number)) return;
  const url = `${base}${endpoint.value}`;
  browserNotes(number, "request", report("new WebSocket", `("${url}")`));
  socket = new WebSocket(`${url}?${query(number)}`);
  socket.binaryType = "arraybuffer";
  follow(socket, url, number);
  showState("connecting", `Connecting to ${url} …`);
}

/* Report the events of a socket; `opening` may be replaced by a newer one meanwhile. */
function follow(opening, url, number) {
  let wasOpen = false;
  let received = 0;
  sent = 0;
  opening.addEventListener("open", () => {
    wasOpen = true;
    const words = opening.extensions ? `extensions: ${opening.extensions}` : "";
    browserNotes(number, "response", report("onopen", words));
    if (socket === opening) showState("open", `Connected to ${url}`);
    setTimeout(() => explainNoWire(opening), WIRE_TIMEOUT);
  });
  opening.addEventListener("message", (event) => {
    received += 1;
    browserNotes(number, `server ${received}`, report("onmessage", dataWords(event.data)));
  });
  opening.addEventListener("close", (event) => {
    const reason = event.reason ? `, reason “${event.reason}”` : "";
    const clean = event.wasClean ? "clean" : "not clean";
    const words = `code ${event.code} (${closeMeaning(event.code)})${reason}; ${clean}`;
    const at = report("onclose", words, event.wasClean ? "" : "failed");
    if (event.wasClean) browserNotes(number, "server close", at);
    if (socket !== opening) return;
    socket = null;
    settle();
    showEnd(event, wasOpen);
  });
}

function showEnd(event, wasOpen) {
  if (event.wasClean)
    showState("closed", `Disconnected, code ${event.code}: ${closeMeaning(event.code)}`);
  else if (wasOpen)
    showState("failed", "Connection lost. Is the server still running? Then press Connect.");
  else showFailure();
}

async function showFailure() {
  const number = newestSocket();
  const asking = "No connection. Is the server running? Its log says why; then press Connect.";
  showState("failed", asking);
  const refusal = await explainRefusal();
  if (refusal && isNewestSocket(number)) showState("failed", refusal);
}

function reportClose() {
  browserNotes(newestSocket(), "client close", report("close", "(1000)"));
}

function disconnect() {
  if (socket.readyState !== WebSocket.CONNECTING)
    showState("closing", "Closing: waiting for the server's Close …");
  reportClose();
  socket.close(1000);
}

function reconnect() {
  const previous = socket;
  socket = null;
  if (previous) reportClose();
  previous?.close(1000);
  connect();
}

function sendMessage() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const data = toSend();
  problem.textContent = data === null ? "Give two hex digits for each byte, such as 01 fe ff." : "";
  if (data === null) return;
  sent += 1;
  browserNotes(newestSocket(), `client ${sent}`, report("send", dataWords(data)));
  socket.send(data);
  requestAnimationFrame(() => message.select()); // which costs a layout
}

/* A string, a buffer, or null if these are no hex digits. */
function toSend() {
  if (kind.value === "text") return message.value;
  if (kind.value === "utf8") return new TextEncoder().encode(message.value).buffer;
  return fromHex(message.value)?.buffer ?? null;
}

/* Whether the wire can be watched */

export function showWatchState(open, reason) {
  watchState.dataset.state = open ? "open" : "closed";
  watchState.textContent = open
    ? "The wire view is connected, and shows only this page's connections."
    : `There is no wire view${reason ? `: ${reason}` : ". Press Connect for a new one"}.`;
  changed();
}

/* Show the wire from now on. A connection that has lost its wire view gets no other one. */
export async function renew() {
  if (!watch.open) return reconnect();
  await watch.command("renew").catch(() => null);
}

/* The wire view is open and has nothing to show. */
function explainNoWire(opening) {
  if (socket !== opening || currentConnection() !== null || !watch.open) return;
  watchState.dataset.state = "closed";
  watchState.textContent =
    "This connection is not watched. " +
    "Was the server given a trace, serve(…, trace=wire_view.choose)?";
}

toggle.addEventListener("click", () => (socket === null ? connect() : disconnect()));
for (const select of [endpoint, compression, heartbeat])
  select.addEventListener("change", reconnect);
message.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || event.shiftKey || event.isComposing) return;
  event.preventDefault();
  composer.requestSubmit();
});
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  sendMessage();
});
