/* The details: one tab for a frame, one for a handshake, one for what was refused. */

import { describeFrame } from "./frame.js";
import { showHandshake } from "./handshake.js";
import { stageFrame } from "./lecture.js";
import { element } from "./words.js";

const LOW = 0.6;
const [detail, framePanel] = ["detail", "panel-frame"].map(element);
const tabs = ["tab-frame", "tab-handshake", "tab-refused"].map(element);

export function openFrame(item, chunks) {
  choose("frame");
  framePanel.replaceChildren(...describeFrame(item, chunks));
  stageFrame(item);
  bringIntoView();
}

export function openHandshake(connection) {
  choose("handshake");
  showHandshake(connection);
  bringIntoView();
}

/* Show the panel of this name. */
export function choose(name) {
  for (const each of tabs) {
    const isChosen = each.id === `tab-${name}`;
    each.ariaSelected = String(isChosen);
    each.tabIndex = isChosen ? 0 : -1;
    panelOf(each).hidden = !isChosen;
  }
}

const nameOf = (tab) => tab.id.replace("tab-", "");
const panelOf = (tab) => element(`panel-${nameOf(tab)}`);

/* In a narrow window the details are below the timeline, and would open unseen. */
function bringIntoView() {
  detail.scrollTop = 0;
  if (detail.getBoundingClientRect().top > innerHeight * LOW)
    detail.scrollIntoView({ block: "start" });
}

for (const tab of tabs) {
  tab.addEventListener("click", () => choose(nameOf(tab)));
  tab.addEventListener("keydown", (event) => {
    const step = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    if (step === undefined) return;
    const shown = tabs.filter((each) => !each.hidden);
    const other = shown.at((shown.indexOf(tab) + step) % shown.length);
    other.click();
    other.focus();
  });
}
