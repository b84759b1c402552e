/* The details: one tab for a frame, one for a handshake. */

import { describeFrame } from "./frame.js";
import { showHandshake } from "./handshake.js";
import { element } from "./words.js";

const LOW = 0.6;
const [detail, framePanel, handshakePanel] = ["detail", "panel-frame", "panel-handshake"].map(
  element,
);
const tabs = ["tab-frame", "tab-handshake"].map(element);

export function openFrame(item, chunks) {
  choose(tabs[0]);
  framePanel.replaceChildren(...describeFrame(item, chunks));
  bringIntoView();
}

export function openHandshake(connection) {
  choose(tabs[1]);
  showHandshake(connection);
  bringIntoView();
}

function choose(tab) {
  for (const each of tabs) {
    each.ariaSelected = String(each === tab);
    each.tabIndex = each === tab ? 0 : -1;
  }
  framePanel.hidden = tab !== tabs[0];
  handshakePanel.hidden = tab !== tabs[1];
}

/* In a narrow window the details are below the timeline, and would open unseen. */
function bringIntoView() {
  detail.scrollTop = 0;
  if (detail.getBoundingClientRect().top > innerHeight * LOW)
    detail.scrollIntoView({ block: "start" });
}

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(tab));
  tab.addEventListener("keydown", (event) => {
    if (event.key !== "ArrowLeft" && event.key !== "ArrowRight") return;
    const other = tabs.find((each) => each !== tab);
    choose(other);
    other.focus();
  });
}
