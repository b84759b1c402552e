// A WebSocket peer made of npm's `ws`, server or client as it is told: `node ws_peer.cjs`, its directory in NODE_PATH.
// Its orders and what it says are those of websockets_peer.py, which describes them.

const fs = require("fs");
const http = require("http");
const https = require("https");
const readline = require("readline");
const { performance } = require("perf_hooks");
const { WebSocket, WebSocketServer } = require("ws");

const HOST = "127.0.0.1";
const MAX_MESSAGE_SIZE = 4 * 2 ** 20;

// ws writes the parameters of permessage-deflate in its own way. Below its threshold a message would stay plain.
const PARAMETERS = {
  server_no_context_takeover: "serverNoContextTakeover",
  client_no_context_takeover: "clientNoContextTakeover",
  server_max_window_bits: "serverMaxWindowBits",
  client_max_window_bits: "clientMaxWindowBits",
};

function say(words) {
  console.log(JSON.stringify(words));
}

// What a connection does with a message

const DEEDS = {
  "/echo": (socket, data, binary) => socket.send(data, { binary }),

  // In three frames, cut without regard for characters, and a Ping between them.
  "/fragments": (socket, data, binary) => {
    const third = Math.floor(data.length / 3);
    socket.send(data.subarray(0, third), { binary, fin: false });
    socket.ping();
    socket.send(data.subarray(third, 2 * third), { binary, fin: false });
    socket.send(data.subarray(2 * third), { binary, fin: true });
  },

  // Send the message in a Ping, and whether its Pong came back.
  "/ping": (socket, data) => {
    const started = performance.now();
    socket.once("pong", (answer) => {
      socket.send(JSON.stringify([answer.equals(data), performance.now() - started > 0]));
    });
    socket.ping(data);
  },

  "/close": (socket, data) => socket.close(...JSON.parse(data)),

  "/vanish": (socket) => socket.terminate(),
};

function converse(socket, url) {
  const uri = new URL(url, "ws://host");
  const meeting = uri.search.slice(1);
  say({ meeting, opened: [socket.protocol || null, socket.extensions ? socket.extensions.split(",") : []] });
  socket.on("message", (data, binary) => DEEDS[uri.pathname](socket, data, binary));
  socket.on("close", (code, reason) => say({ meeting, closed: [code, reason.toString()] }));
  socket.on("error", () => {}); // a broken rule of ours, which "close" tells; unheard it would end Node
}

// Orders

function deflateOptions(deflate) {
  if (!deflate) return false;
  const options = Object.entries(deflate).map(([name, value]) => [PARAMETERS[name], value]);
  return { threshold: 0, ...Object.fromEntries(options) };
}

function listen(order) {
  const options = { cert: read(order.certificate), key: read(order.key) };
  const server = options.cert ? https.createServer(options) : http.createServer();
  const endpoint = new WebSocketServer({
    server,
    maxPayload: MAX_MESSAGE_SIZE,
    perMessageDeflate: deflateOptions(order.deflate),
    handleProtocols: (offered) => order.subprotocols.find((subprotocol) => offered.has(subprotocol)) ?? false,
  });
  endpoint.on("connection", (socket, request) => converse(socket, request.url));
  server.listen(0, HOST, () => say({ port: server.address().port }));
}

function read(path) {
  return path && fs.readFileSync(path);
}

function connect(order) {
  const socket = new WebSocket(order.connect, order.subprotocols, {
    ca: read(order.ca),
    maxPayload: MAX_MESSAGE_SIZE,
    perMessageDeflate: deflateOptions(order.deflate),
  });
  const failed = (error) => say({ meeting: new URL(order.connect).search.slice(1), failed: error.message });
  socket.once("error", failed);
  socket.once("open", () => {
    socket.off("error", failed);
    converse(socket, order.connect);
  });
}

const orders = readline.createInterface({ input: process.stdin });
orders.on("line", (line) => {
  const order = JSON.parse(line);
  if (order.listen) listen(order.listen);
  else connect(order);
});
orders.on("close", () => process.exit());
