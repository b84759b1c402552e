/* The timeline: what the browser reports and what was on the wire, in the order of time.

   Rows are put in once for each frame of the screen, however many have come. So a flood costs one
   layout a frame, and no row is made that would be dropped again at once. */

import { clock } from "./clock.js";
import { matches, onFilter } from "./filter.js";
import { create, element } from "./words.js";

const MAX_ROWS = 1000; // of each side
const NEAR_THE_END = 150;
const HIDDEN_DELAY = 200;
const list = element("timeline");
const counter = element("not-shown");
const uncertainty = element("uncertainty");

let rows = [];
let waiting = [];
let scheduled = null;
let dropped = 0;
let lastOrder = 0;
let lastOffset = 0;

/* Add a row; `make` makes what it shows. `time` is that of its clock, in milliseconds: for
   "browser" performance.now(), for "wire" the server's, whose `event` it is. The result can be
   removed again. */
export function addRow(side, time, make, data = {}, event = null) {
  lastOrder += 1;
  const row = { side, time, clock, make, data, event, order: lastOrder, shown: null };
  row.removed = false;
  row.remove = () => {
    row.removed = true;
    row.shown?.remove();
  };
  waiting.push(row);
  schedule();
  return row;
}

/* With the next frame of the screen; a page that is hidden has none. */
function schedule() {
  if (scheduled !== null) return;
  const frame = requestAnimationFrame(putIn);
  const timer = setTimeout(putIn, HIDDEN_DELAY);
  scheduled = () => {
    cancelAnimationFrame(frame);
    clearTimeout(timer);
  };
}

const timeOf = (row) => (row.side === "wire" ? row.time + row.clock.offset : row.time);
const compare = (one, other) => timeOf(one) - timeOf(other) || one.order - other.order;

/* Put the rows that wait into the list, and drop the oldest ones above the most that it keeps. */
function putIn() {
  scheduled?.();
  scheduled = null;
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
  rows = newest([...rows, ...waiting].filter((row) => !row.removed).sort(compare));
  waiting = [];
  showRows();
  if (clock.offset !== lastOffset) writeTimes();
  if (!list.querySelector(".opens[tabindex='0']")) makeReachable(list.querySelector(".opens"));
  if (atEnd) goToEnd();
}

/* Again when the rows there have been drawn, and have their heights. */
function goToEnd() {
  const go = () => {
    list.scrollTop = list.scrollHeight;
  };
  go();
  requestAnimationFrame(go);
}

/* All rows but the oldest ones of each side that are too many. */
function newest(all) {
  const left = { browser: MAX_ROWS, wire: MAX_ROWS };
  const old = new Set(all.toReversed().filter((row) => (left[row.side] -= 1) < 0));
  for (const row of old) row.shown?.remove();
  dropped += old.size;
  counter.hidden = dropped === 0;
  counter.textContent = `Older rows that are not kept: ${dropped.toLocaleString("en")}`;
  return all.filter((row) => !old.has(row));
}

/* Make the rows that are not in the list yet, and move those that are in another place. */
function showRows() {
  let next = null;
  for (const row of rows.toReversed()) {
    const place = row.shown?.nextElementSibling;
    row.shown ??= makeRow(row);
    if (place !== next) list.insertBefore(row.shown, next);
    next = row.shown;
  }
}

function makeRow(row) {
  const shown = create("li", row.side, create("span", "time", clockTime(row)), row.make());
  Object.assign(shown.dataset, row.data);
  row.shown = shown;
  shown.hidden = !matches(row);
  return shown;
}

onFilter(() => {
  for (const row of rows) row.shown.hidden = !matches(row);
  goToEnd();
});

const clockTime = (row) => (timeOf(row) / 1000).toFixed(3);

/* The page has learned more about the server's clock: all rows of the wire have other times. */
function writeTimes() {
  lastOffset = clock.offset;
  for (const row of rows)
    if (row.side === "wire") row.shown.firstElementChild.textContent = clockTime(row);
  uncertainty.textContent = `± ${clock.uncertainty.toFixed(1)} ms`;
}

/* A row of the wire that opens something. */
export function opener(name, onOpen, ...children) {
  const button = create("button", `opens ${name}`, ...children);
  button.type = "button";
  button.tabIndex = -1;
  button.addEventListener("click", () => {
    list.querySelector(".opens.chosen")?.classList.remove("chosen");
    button.classList.add("chosen");
    makeReachable(button);
    onOpen();
  });
  return button;
}

export function clearRows() {
  rows = waiting = [];
  list.replaceChildren();
  dropped = 0;
  counter.hidden = true;
}

/* The events of the wire that the timeline has, each with its time in seconds, in their order. */
export function keptRows() {
  putIn();
  const kept = rows.filter((row) => row.event !== null);
  return kept.map((row) => ({ seconds: timeOf(row) / 1000, event: row.event }));
}

/* The rows of the wire that belong to a connection. */
export function rowsOf(connection) {
  putIn(); // what waits for the next frame of the screen, too
  return [...list.querySelectorAll(`li.wire[data-connection="${connection}"]`)];
}

/* Show a row, and give its button the focus. */
export function goTo(row) {
  row.scrollIntoView({ block: "center" });
  row.querySelector(".opens")?.focus();
}

/* One button of the list is reached with Tab, the arrow keys go from it to the others. */
function makeReachable(button) {
  if (!button) return;
  const reachable = list.querySelector(".opens[tabindex='0']");
  if (reachable) reachable.tabIndex = -1;
  button.tabIndex = 0;
}

list.addEventListener("keydown", (event) => {
  const buttons = [...list.querySelectorAll("li:not([hidden]) .opens")];
  const here = buttons.indexOf(document.activeElement);
  const there = { ArrowDown: here + 1, ArrowUp: here - 1, Home: 0, End: buttons.length - 1 }[
    event.key
  ];
  if (here < 0 || there === undefined || !buttons[there]) return;
  event.preventDefault();
  makeReachable(buttons[there]);
  buttons[there].focus();
  buttons[there].scrollIntoView({ block: "nearest" });
});
