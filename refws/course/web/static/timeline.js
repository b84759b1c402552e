/* The timeline: what the browser reports and what was on the wire, in the order of time. */

import { create, element } from "./words.js";

const MAX_ROWS = 600;
const NEAR_THE_END = 60;
const list = element("timeline");

/* Add a row at its time, in milliseconds of performance.now(). `side` is "browser" or "wire". */
export function addRow(side, at, shown, data = {}) {
  const atEnd = list.scrollHeight - list.scrollTop - list.clientHeight < NEAR_THE_END;
  const row = create("li", side, create("span", "time", (at / 1000).toFixed(3)), shown);
  row.at = at;
  Object.assign(row.dataset, data);
  let next = null;
  let before = list.lastElementChild;
  while (before && before.at > at) [next, before] = [before, before.previousElementSibling];
  list.insertBefore(row, next);
  while (list.children.length > MAX_ROWS) list.firstElementChild.remove();
  if (!list.querySelector(".opens[tabindex='0']")) makeReachable(list.querySelector(".opens"));
  if (atEnd) list.scrollTop = list.scrollHeight;
  return row;
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
  list.replaceChildren();
}

/* The rows of the wire that belong to a connection. */
export function rowsOf(connection) {
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
  const buttons = [...list.querySelectorAll(".opens")];
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
