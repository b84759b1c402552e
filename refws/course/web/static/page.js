/* The page: a WebSocket of the browser, the wire it runs on, and the buttons that ask the server. */

import { addHead, forgetHeads, showHandshake } from "./handshake.js";
import { content, describeFrame, direction, kindOf, picture, verdictWords } from "./picture.js";
import { addRow, clearRows, goTo, opener } from "./timeline.js";
import { bytesInWords, closeMeaning, create, element, hexOf, milliseconds, shortened } from "./words.js";
import { enable, fillGallery } from "./gallery.js";
import { Watch } from "./watch.js";

const SHOWN_CHARACTERS = 400;
const SHOWN_BYTES = 64;
const MOST_SEEN = 200;
const WIRE_PATIENCE = 2000;

const base = `${location.protocol === "https:" ? "wss:" : "ws:"}//${location.host}`;
const [state, endpoint, toggle] = ["state", "endpoint", "toggle"].map(element);
const [compression, heartbeat] = ["compression", "heartbeat"].map(element);
const [composer, message, binary, send] = ["composer", "message", "binary", "send"].map(element);
const [watchState, answer, pulse, announcer] = ["watch-state", "answer", "pulse", "announcer"].map(element);
const [detail, framePanel, handshakePanel] = ["detail", "panel-frame", "panel-handshake"].map(element);
const tabs = ["tab-frame", "tab-handshake"].map(element);
const asks = ["ask-ping", "ask-fragments", "ask-stop", "ask-read", "ask-close", "ask-cut"].map(element);

let socket = null;
let socketCount = 0;
let currentConnection = null;
let connected = Promise.resolve();
let isConnected = () => {};
const seen = new Map();
const watch = new Watch(takeEvent, showWatchState);

/* What the browser tells */

function tell(word, words, kind = "") {
  addRow("browser", performance.now(), create("span", `told ${kind}`, create("b", "", word), " ", words));
  announcer.textContent = `${word} ${words}`;
}

function dataWords(data) {
  if (typeof data === "string") return `“${shortened(data, SHOWN_CHARACTERS)}”`;
  return `${bytesInWords(data.byteLength)}: ${hexOf(data, SHOWN_BYTES)}`;
}

function showState(name, words) {
  state.dataset.state = name;
  state.textContent = words;
  send.disabled = name !== "open";
  toggle.textContent = { connecting: "Cancel", open: "Disconnect", closing: "Closing …" }[name] ?? "Connect";
  enableAsks();
}

function enableAsks() {
  const possible = watch.open && currentConnection !== null && socket?.readyState === WebSocket.OPEN;
  for (const button of asks) button.disabled = !possible;
  if (possible) isConnected();
}

function query(number) {
  const chosen = { page: watch.page, socket: number, deflate: compression.value, heartbeat: heartbeat.value };
  return new URLSearchParams(Object.entries(chosen).filter(([, value]) => value !== ""));
}

async function connect() {
  showState("connecting", "Connecting …");
  const number = ++socketCount;
  currentConnection = null;
  connected = new Promise((resolve) => {
    isConnected = resolve;
  });
  await watch.connect(base);
  if (number !== socketCount) return;
  const url = `${base}${endpoint.value}`;
  tell("new WebSocket", `("${url}")`);
  const opening = new WebSocket(`${url}?${query(number)}`);
  let wasOpen = false;
  opening.binaryType = "arraybuffer";
  socket = opening;
  showState("connecting", `Connecting to ${url} …`);

  opening.addEventListener("open", () => {
    wasOpen = true;
    tell("onopen", opening.extensions ? `extensions: ${opening.extensions}` : "");
    if (socket === opening) showState("open", `Connected to ${url}`);
    setTimeout(() => explainNoWire(opening), WIRE_PATIENCE);
  });
  opening.addEventListener("message", (event) => tell("onmessage", dataWords(event.data)));
  opening.addEventListener("close", (event) => {
    const reason = event.reason ? `, reason “${event.reason}”` : "";
    const clean = event.wasClean ? "clean" : "not clean";
    tell("onclose", `code ${event.code} (${closeMeaning(event.code)})${reason}; ${clean}`, event.wasClean ? "" : "failed");
    if (socket !== opening) return;
    socket = null;
    isConnected();
    if (event.wasClean) showState("closed", `Disconnected, code ${event.code}: ${closeMeaning(event.code)}`);
    else if (wasOpen) showState("failed", "Connection lost. Is the server still running? Then press Connect.");
    else showState("failed", "No connection. Is the server running? Its log says why; then press Connect.");
  });
}

/* The wire view is open and has nothing to show. */
function explainNoWire(opening) {
  if (socket !== opening || currentConnection !== null || !watch.open) return;
  watchState.dataset.state = "closed";
  watchState.textContent = "This connection is not watched. Was the server given a trace, serve(…, trace=wire_view.choose)?";
}

function disconnect() {
  if (socket.readyState !== WebSocket.CONNECTING) showState("closing", "Closing: waiting for the server's Close …");
  tell("close", "(1000)");
  socket.close(1000);
}

function reconnect() {
  const previous = socket;
  socket = null;
  if (previous) tell("close", "(1000)");
  previous?.close(1000);
  connect();
}

function sendMessage() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const data = binary.checked ? new TextEncoder().encode(message.value).buffer : message.value;
  tell("send", dataWords(data));
  socket.send(data);
  message.select();
}

/* What was on the wire */

function showWatchState(open, reason) {
  watchState.dataset.state = open ? "open" : "closed";
  watchState.textContent = open
    ? "The wire view is connected, and shows only this page's connections."
    : `The wire view has ended${reason ? `: ${reason}` : ""}. Press Connect for a new one.`;
  enable(open);
  enableAsks();
}

function takeEvent(event) {
  if (event.event === "hello") return fillGallery(event.gallery, commitTrial, showTrial);
  if (event.event === "connection") return meet(event);
  const connection = seen.get(event.connection);
  if (connection) show[event.event]?.(event, connection);
}

function meet(event) {
  const target = new URL(event.target, location.href);
  const rule = target.searchParams.get("rule");
  const own = target.searchParams.get("socket");
  const label = `#${event.connection} ${rule ? "raw client" : "browser"}`;
  seen.set(event.connection, { number: event.connection, rule, label, path: target.pathname, pings: new Map() });
  if (seen.size > MOST_SEEN) seen.delete(seen.keys().next().value);
  if (own === String(socketCount)) currentConnection = event.connection;
  enableAsks();
}

const show = {
  item(event, connection) {
    const { item } = event;
    takePartial(connection, item.sender);
    if (item.type === "FrameExplanation") addFrame(event, connection);
    else if (item.type === "HeadExplanation") addHandshake(event, connection);
    else addNote(event, connection, `${direction(item)}: ${bytesInWords(item.length)} not read`, `(${item.why})`);
  },
  partial(event, connection) {
    takePartial(connection, event.item.sender);
    if (event.item.type !== "FrameExplanation") return;
    connection[event.item.sender] = addFrame(event, connection);
  },
  end(event, connection) {
    const who = event.sender === "client" ? "→ client" : "← server";
    const missing = event.bytes_left_out ? `(${bytesInWords(event.bytes_left_out)} were left out)` : "";
    addNote(event, connection, `${who} ends its side of TCP`, missing);
  },
  closed(event, connection) {
    takePartial(connection, "client");
    takePartial(connection, "server");
    if (connection.number === currentConnection) currentConnection = null;
    enableAsks();
  },
  "left out"(event, connection) {
    const why = "Too much came at once; connect again to see the wire again.";
    addNote(event, connection, "From here on bytes are left out.", why);
  },
};

function takePartial(connection, sender) {
  connection[sender]?.remove();
  connection[sender] = null;
}

const what = (connection, words) => create("span", "what", create("span", "who", connection.label), " ", words);

function addFrame(event, connection) {
  const { item } = event;
  const note = heartbeatNote(event, connection);
  const verdict = create("span", `badge ${item.verdict.type}`, verdictWords(item.verdict));
  const title = `${direction(item)}, ${item.name}${item.compressed ? ", compressed" : ""}${pieces(event)}${note}`;
  const open = () => openFrame(item, event.chunks);
  const button = opener(`frame ${kindOf(item)}`, open, what(connection, title), verdict, picture(item));
  button.ariaLabel = `${connection.label}, ${title}, ${verdictWords(item.verdict)}, ${content(item)}`;
  return addRow("wire", event.at, button, rowData(connection, item, item.name));
}

function addHandshake(event, connection) {
  const { item } = event;
  addHead(connection.number, `${connection.label} ${connection.path}`, item);
  const words = `${direction(item)}, ${item.sender === "client" ? "request" : "response"}${pieces(event)}`;
  const verdict = create("span", `badge ${item.verdict.type}`, verdictWords(item.verdict));
  const open = () => openHandshake(connection.number);
  const line = create("span", "picture head", item.lines[0]?.text ?? "");
  const button = opener("head", open, what(connection, words), verdict, line);
  button.ariaLabel = `${connection.label}, ${words}, ${verdictWords(item.verdict)}, ${item.lines[0]?.text ?? ""}`;
  const row = addRow("wire", event.at, button, rowData(connection, item, "head"));
  if (connection.number === currentConnection && item.sender === "server") showHandshake(connection.number);
  return row;
}

/* A frame that arrived in one piece needs no word about it. */
const pieces = (event) => (event.chunks > 1 ? `, in ${event.chunks.toLocaleString("en")} pieces` : "");

function addNote(event, connection, words, why) {
  const shown = create("span", "quietly", what(connection, words), why ? create("span", "why", ` ${why}`) : "");
  addRow("wire", event.at, shown, { connection: connection.number, kind: "note" });
}

function rowData(connection, item, kind) {
  return { connection: connection.number, kind, sender: item.sender, verdict: item.verdict.type };
}

/* §5.5.2: a Ping of the server and its Pong, and the time between them as the server saw it. */
function heartbeatNote(event, connection) {
  const { item } = event;
  if (item.name === "ping" && item.sender === "server" && event.event === "item") {
    connection.pings.set(item.plain_start, event.time);
    if (connection.number === currentConnection) pulse.textContent = "A Ping is on its way …";
  }
  if (item.name !== "pong" || item.sender !== "client" || !connection.pings.has(item.plain_start)) return "";
  const trip = milliseconds(event.time - connection.pings.get(item.plain_start));
  for (const ping of [...connection.pings.keys()]) {
    connection.pings.delete(ping);
    if (ping === item.plain_start) break;
  }
  if (connection.number === currentConnection) pulse.textContent = `♥ The last Ping was answered after ${trip}.`;
  return `, ${trip} after its Ping`;
}

/* Details */

function choose(tab) {
  for (const each of tabs) {
    each.ariaSelected = String(each === tab);
    each.tabIndex = each === tab ? 0 : -1;
  }
  framePanel.hidden = tab !== tabs[0];
  handshakePanel.hidden = tab !== tabs[1];
}

function openFrame(item, count) {
  choose(tabs[0]);
  framePanel.replaceChildren(...describeFrame(item, count));
  bringIntoView();
}

function openHandshake(connection) {
  choose(tabs[1]);
  showHandshake(connection);
  bringIntoView();
}

function bringIntoView() {
  detail.scrollTop = 0;
  if (detail.getBoundingClientRect().top > innerHeight * 0.6) detail.scrollIntoView({ block: "start" });
}

/* Asks */

async function ask(words, name, fields = {}) {
  answer.dataset.state = "waiting";
  answer.textContent = `${words} …`;
  try {
    const answered = await watch.ask(name, { connection: currentConnection, ...fields });
    answer.dataset.state = "good";
    answer.textContent = `${words}: done. ${results[name]?.(answered) ?? ""}`;
  } catch (error) {
    answer.dataset.state = "bad";
    answer.textContent = `${words}: ${error.message}.`;
  }
}

const results = {
  ping: (answered) => `The Pong came after ${milliseconds(answered.round_trip)}.`,
  close: (answered) => `Your browser's Close said ${answered.code}.`,
  stop: () => "It answers again.",
  read: () => (location.protocol === "https:" ? "It is not to be seen here, as TLS decrypts whole records." :
    "Send something, and see in how many pieces it comes."),
};

const number = (id) => Number(element(id).value);

const asking = {
  "ask-ping": () => ask("Ping", "ping"),
  "ask-fragments": () =>
    ask("Fragments", "fragments", { count: number("fragment-count"), text: message.value.slice(0, 4096) }),
  "ask-stop": () => ask("Not answering", "stop", { seconds: number("stop-seconds") }),
  "ask-read": () => ask("Reading", "read", { size: number("read-size") }),
  "ask-close": () =>
    ask("Close", "close", { code: number("close-code"), reason: element("close-reason").value }),
  "ask-cut": () => ask("The end of TCP", "cut"),
};

/* A trial of the raw client, or one of the server against this browser, for which it must be connected. */
async function commitTrial(trial) {
  if (trial.ask === "break") return watch.ask("break", { rule: trial.name });
  if (currentConnection === null) reconnect();
  await connected;
  const connection = currentConnection;
  if (connection === null) throw new Error("the browser could not connect; press Connect, and then try again");
  seen.get(connection).rule = trial.name;
  try {
    return await watch.ask("provoke", { connection, rule: trial.name });
  } finally {
    if (currentConnection === connection) currentConnection = null;
    enableAsks();
  }
}

function showTrial(trial) {
  const connections = [...seen.values()].filter((connection) => connection.rule === trial.name);
  const newest = connections.at(-1)?.number;
  const rows = [...document.querySelectorAll(`#timeline li.wire[data-connection="${newest}"]`)];
  const opening = rows.filter((row) => row.querySelector(".opens"));
  const found = opening.find((row) => row.dataset.verdict === "Violation") ??
    opening.findLast((row) => row.dataset.sender === "client") ?? opening.at(-1);
  if (!found) return;
  goTo(found);
  found.querySelector(".opens").click();
}

/* Buttons and keys */

for (const [id, action] of Object.entries(asking)) element(id).addEventListener("click", action);
for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs.find((each) => each !== tab);
    choose(other);
    other.focus();
  });
}
toggle.addEventListener("click", () => (socket === null ? connect() : disconnect()));
for (const select of [endpoint, compression, heartbeat]) select.addEventListener("change", reconnect);
element("clear").addEventListener("click", () => {
  clearRows();
  forgetHeads();
});
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  sendMessage();
});
connect();
