/* "Ask the server": a button for each command, and its result. */

import { reachable } from "./connecting.js";
import { onChange } from "./connections.js";
import { watch } from "./watch.js";
import { element, milliseconds } from "./words.js";

const MAX_TEXT = 4096;
const answer = element("answer");
const number = (id) => element(id).valueAsNumber;

const buttons = {
  "command-ping": () => run("Ping", "ping"),
  "command-fragments": () =>
    run("Fragments", "fragments", {
      count: number("fragment-count"),
      text: element("message").value.slice(0, MAX_TEXT),
    }),
  "command-stop": () => run("Not answering", "stop", { seconds: number("stop-seconds") }),
  "command-read": () => run("Reading", "read", { size: number("read-size") }),
  "command-close": () =>
    run("Close", "close", { code: number("close-code"), reason: element("close-reason").value }),
  "command-cut": () => run("The end of TCP", "cut"),
};

const results = {
  ping: (answered) => `The Pong came after ${milliseconds(answered.round_trip)}.`,
  close: (answered) => `Your browser's Close said ${answered.code}.`,
  stop: () => "It answers again.",
  read: () =>
    location.protocol === "https:"
      ? "It cannot be seen here, because TLS decrypts whole records."
      : "Send something, and see in how many pieces it arrives.",
};

async function run(words, name, fields = {}) {
  answer.dataset.state = "waiting";
  answer.textContent = `${words} …`;
  try {
    const answered = await watch.command(name, { connection: reachable(), ...fields });
    answer.dataset.state = "good";
    answer.textContent = `${words}: done. ${results[name]?.(answered) ?? ""}`;
  } catch (error) {
    answer.dataset.state = "bad";
    answer.textContent = `${words}: ${error.message}.`;
  }
}

for (const [id, action] of Object.entries(buttons)) element(id).addEventListener("click", action);
onChange(() => {
  for (const id of Object.keys(buttons)) element(id).disabled = reachable() === null;
});
