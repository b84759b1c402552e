"use strict";

const LOG_ENTRIES = 500;
const SHOWN_CHARACTERS = 4000;
const SHOWN_BYTES = 256;

/* What a close code tells, as the browser reports it (RFC 6455 section 7.4). */
const CLOSE_MEANINGS = {
  1000: "normal closure: the work is done",
  1001: "going away: the server stops, or this page was left",
  1002: "protocol error: one side broke a rule of RFC 6455",
  1003: "unsupported data: a type of message that is not accepted here",
  1005: "the Close frame carried no code",
  1006: "the connection ended without a Close frame, or never opened",
  1007: "invalid data: for instance text that is not UTF-8",
  1008: "policy violation: legal, but more than the server puts up with",
  1009: "message too big for the server's limit",
  1010: "an extension that the client needs was not agreed on",
  1011: "internal error: an exception in the server's handler",
  1012: "the service restarts; try again soon",
  1013: "try again later: the server is overloaded",
  1014: "bad gateway: a proxy got a wrong answer",
  1015: "the TLS handshake failed",
};

const element = (id) => document.getElementById(id);
const [state, endpoint, toggle] = ["state", "endpoint", "toggle"].map(element);
const [composer, message, binary, send] = ["composer", "message", "binary", "send"].map(element);
const [log, clear] = ["log", "clear"].map(element);

let socket = null;

function closeMeaning(code) {
  if (code in CLOSE_MEANINGS) return CLOSE_MEANINGS[code];
  if (code >= 4000) return "a private code of the application";
  if (code >= 3000) return "a code registered for a library";
  return "a code without a meaning";
}

function timeOfDay(date) {
  const two = (number) => String(number).padStart(2, "0");
  const milliseconds = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${milliseconds}`;
}

function bytesInWords(count) {
  return count === 1 ? "1 byte" : `${count.toLocaleString("en")} bytes`;
}

function hexadecimal(buffer) {
  const bytes = Array.from(new Uint8Array(buffer, 0, Math.min(buffer.byteLength, SHOWN_BYTES)));
  const digits = bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(" ");
  return buffer.byteLength > SHOWN_BYTES ? `${digits} … (the first ${SHOWN_BYTES} bytes)` : digits;
}

function shortened(text) {
  if (text.length <= SHOWN_CHARACTERS) return text;
  return `${text.slice(0, SHOWN_CHARACTERS)} … (the first ${SHOWN_CHARACTERS.toLocaleString("en")} characters)`;
}

function cell(name, text) {
  const span = document.createElement("span");
  span.className = name;
  span.textContent = text;
  return span;
}

function addEntry(kind, direction, size, content) {
  const atEnd = log.scrollHeight - log.scrollTop - log.clientHeight < 40;
  const entry = document.createElement("li");
  entry.className = kind;
  const time = cell("time", timeOfDay(new Date()));
  entry.append(time, cell("direction", direction), cell("size", size), cell("content", content));
  log.append(entry);
  while (log.children.length > LOG_ENTRIES) log.firstElementChild.remove();
  if (atEnd) log.scrollTop = log.scrollHeight;
}

function addMessage(kind, data) {
  const isText = typeof data === "string";
  const count = isText ? new TextEncoder().encode(data).length : data.byteLength;
  addEntry(kind, kind, bytesInWords(count), isText ? shortened(data) : `binary: ${hexadecimal(data)}`);
}

function showState(name, words) {
  state.dataset.state = name;
  state.textContent = words;
  send.disabled = name !== "open";
  toggle.textContent = { connecting: "Cancel", open: "Disconnect", closing: "Closing …" }[name] ?? "Connect";
}

function connect() {
  const scheme = location.protocol === "https:" ? "wss:" : "ws:";
  const url = `${scheme}//${location.host}${endpoint.value}`;
  const opening = new WebSocket(url);
  let wasOpen = false;
  opening.binaryType = "arraybuffer";
  socket = opening;
  showState("connecting", `Connecting to ${url} …`);

  opening.addEventListener("open", () => {
    wasOpen = true;
    addEntry("state", "opened", "", url);
    if (socket === opening) showState("open", `Connected to ${url}`);
  });
  opening.addEventListener("message", (event) => addMessage("received", event.data));
  opening.addEventListener("close", (event) => {
    const reason = event.reason ? `, reason “${event.reason}”` : "";
    const clean = event.wasClean ? "clean: both sides sent Close" : "not clean: no Close from both sides";
    addEntry(event.wasClean ? "state" : "failed", "closed", "",
      `code ${event.code} (${closeMeaning(event.code)})${reason}; ${clean}`);
    if (socket !== opening) return;
    socket = null;
    if (event.wasClean) showState("closed", `Disconnected, code ${event.code}: ${closeMeaning(event.code)}`);
    else if (wasOpen) showState("failed", "Connection lost. Is the server still running? Then press Connect.");
    else showState("failed", "No connection. Is the server running? Its log says why; then press Connect.");
  });
}

function disconnect() {
  if (socket.readyState !== WebSocket.CONNECTING) showState("closing", "Closing: waiting for the server's Close …");
  socket.close(1000);
}

function switchEndpoint() {
  const previous = socket;
  socket = null;
  previous?.close(1000);
  connect();
}

function sendMessage() {
  if (socket?.readyState !== WebSocket.OPEN) return;
  const data = binary.checked ? new TextEncoder().encode(message.value).buffer : message.value;
  socket.send(data);
  addMessage("sent", data);
  message.select();
}

toggle.addEventListener("click", () => (socket === null ? connect() : disconnect()));
endpoint.addEventListener("change", switchEndpoint);
clear.addEventListener("click", () => log.replaceChildren());
composer.addEventListener("submit", (event) => {
  event.preventDefault();
  sendMessage();
});
connect();
