/* The page of watch starts here: what passes comes in as events, and nothing goes out. */

import { forgetHeads } from "./handshake.js";
import "./tape.js";
import { clearRows } from "./timeline.js";
import { takeEvent } from "./wire.js";
import { counted, create, element, sectionLink } from "./words.js";

const MAX_VERDICTS = 100;
const SECTION = /((?:RFC \d+ )?§[0-9.]*[0-9])/;
const verdicts = element("verdicts");
const state = element("watch-state");

function showState(name, words) {
  state.dataset.state = name;
  state.textContent = words;
}

function take(event) {
  if (event.event === "connection")
    showState("open", `${counted(event.connection, "connection")} until now.`);
  if (event.event === "verdict") showVerdict(`#${event.connection}`, event.lines);
  else takeEvent(event);
  if (event.why) showVerdict(event.label, [["not passed on", event.why]]);
}

/* Each section as a link to its text. */
const withLinks = (text) =>
  text.split(SECTION).map((part) => (SECTION.test(part) ? sectionLink(part) : part));

/* The newest one is the first. */
function showVerdict(name, lines) {
  const texts = lines.flatMap(([label, text]) => [
    create("dt", "", label),
    create("dd", label === "broken first" ? "bad" : "", ...withLinks(text)),
  ]);
  verdicts.prepend(create("article", "", create("h3", "", name), create("dl", "", ...texts)));
  while (verdicts.children.length > MAX_VERDICTS) verdicts.lastElementChild.remove();
}

function connect() {
  const base = `${location.protocol === "https:" ? "wss" : "ws"}://${location.host}`;
  const socket = new WebSocket(`${base}/.refws/watch${location.search}`);
  socket.addEventListener("open", () =>
    showState("open", "Connections that begin from now on are shown."),
  );
  socket.addEventListener("message", (event) => take(JSON.parse(event.data)));
  socket.addEventListener("close", (event) =>
    showState("closed", event.reason || "watch has ended, or this page is too slow; reload it."),
  );
}

element("renew").hidden = true; // what waits too long is left out here without being asked for
element("clear").addEventListener("click", () => {
  clearRows();
  forgetHeads();
  verdicts.replaceChildren();
});
for (const id of ["renew", "tab-refused"]) element(id).hidden = true;
connect();
