// Echo with npm's `ws`: `node ws_echo.cjs PORT`, its directory in NODE_PATH. Compression stays off, its default.

const { WebSocketServer } = require("ws");

const server = new WebSocketServer({ host: "127.0.0.1", port: Number(process.argv[2]), maxPayload: 32 * 2 ** 20 });

server.on("connection", (socket) => {
  socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
  socket.on("error", () => {}); // a broken rule of the peer: ws closes by itself, but an unheard error ends Node
});
