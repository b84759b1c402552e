// Echo with npm's `ws`: `node ws_client.cjs URL`, its directory in NODE_PATH.

const WebSocket = require("ws");

const socket = new WebSocket(process.argv[2], ["chat", "superchat"], { origin: "http://localhost" });

socket.on("message", (data, isBinary) => socket.send(data, { binary: isBinary }));
socket.on("error", (error) => {
  console.log(String(error));
  process.exitCode = 1;
});
