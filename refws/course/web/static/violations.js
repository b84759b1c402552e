/* "Break a rule": a button for each case, and what was answered. */

import { whenReachable } from "./connecting.js";
import { findConnection, forget, newestWithRule } from "./connections.js";
import { goTo, rowsOf } from "./timeline.js";
import { watch } from "./watch.js";
import { closeMeaning, counted, create, element, sectionLink, spaced } from "./words.js";

const SHOWN_BYTES = 20;
const list = element("violations");
const state = element("rules-state");
const all = element("break-all");
let buttons = [];

export function showRules(groups) {
  buttons = [];
  list.replaceChildren(
    ...groups.map(({ title, command, cases }, number) => {
      const cards = create("div", "cards", ...cases.map((rule) => card({ ...rule, command })));
      const details = create(
        "details",
        "",
        create("summary", "", `${title} (${cases.length})`),
        cards,
      );
      details.open = number === 0;
      return details;
    }),
  );
  enableRules(true);
}

export function enableRules(possible) {
  for (const button of [...buttons, all]) button.disabled = !possible;
}

/* A case as a card */

function card(rule) {
  const words =
    rule.command === "provoke" ? "Send it to my browser" : rule.allowed ? "Try it" : "Break it";
  const button = create("button", "", words);
  button.type = "button";
  button.id = `break-${rule.name}`;
  button.ariaLabel = `${words}: ${rule.title}`;
  button.rule = rule;
  buttons.push(button);
  const result = create("div", "result");
  result.id = `result-${rule.name}`;
  button.addEventListener("click", () => tryEach([button]));
  return create(
    "article",
    "card",
    create("h3", "", rule.title, " ", sectionLink(rule.section)),
    create("p", "", rule.why),
    create("p", "bytes", sent(rule)),
    create("p", "note", `Right answer: ${expected(rule)}.`),
    ...(rule.checked ? [create("p", "note", `In refws check: ${rule.checked}`)] : []),
    button,
    result,
  );
}

function sent(rule) {
  if (rule.wire) return spaced(rule.wire, SHOWN_BYTES);
  const lines = rule.headers.map(([name, value]) =>
    value === null ? `no ${name}` : `${name}: ${value}`,
  );
  return lines.join(", ") || `${rule.method} /echo HTTP/1.1`;
}

function expected(rule) {
  if (rule.command === "provoke") return `Close ${rule.code}, or the end of TCP without one`;
  if (rule.status !== 101) return `HTTP ${rule.status}, and no WebSocket`;
  if (rule.code === null) return "none, because no one is left to get it";
  return rule.allowed ? "it is accepted, and the end is a Close with 1000" : `Close ${rule.code}`;
}

/* Trying cases, one after another */

async function tryEach(chosen) {
  enableRules(false);
  let right = 0;
  for (const { rule } of chosen) {
    state.textContent = `Now: ${rule.title} …`;
    const result = element(`result-${rule.name}`);
    try {
      const outcome = await tryOne(rule);
      right += outcome.as_expected;
      result.replaceChildren(...resultWords(rule, outcome));
      const words = outcome.as_expected ? "as expected" : "not as expected";
      state.textContent = `${rule.title}: ${words}.`;
    } catch (error) {
      result.replaceChildren(create("p", "bad", error.message));
      state.textContent = `${rule.title}: ${error.message}`;
    }
  }
  if (chosen.length > 1)
    state.textContent = `${right} of ${chosen.length} were answered as the RFC asks.`;
  enableRules(true);
  if (chosen.length === 1) chosen[0].focus();
}

/* The raw client breaks the rule; or the server does, for which this browser must be connected. */
async function tryOne(rule) {
  if (rule.command === "break") return watch.command("break", { rule: rule.name });
  const connection = await whenReachable();
  if (connection === null)
    throw new Error("the browser could not connect; press Connect, and then try again");
  findConnection(connection).rule = rule.name;
  try {
    return await watch.command("provoke", { connection, rule: rule.name });
  } finally {
    forget(connection);
  }
}

function resultWords(rule, outcome) {
  const differs =
    rule.command === "provoke" ? "Your browser does something else: " : "Not as expected: ";
  const verdict = outcome.as_expected ? "As expected: " : differs;
  const line = create("p", outcome.as_expected ? "good" : "bad", verdict, answerWords(outcome));
  const look = create("button", "quiet", "Show it in the timeline");
  look.type = "button";
  look.id = `show-${rule.name}`;
  look.ariaLabel = `Show it in the timeline: ${rule.title}`;
  look.addEventListener("click", () => showInTimeline(rule));
  return [line, look];
}

/* What a server has answered to the raw client, in words. */
export function answerWords(outcome) {
  if (outcome.problem) return outcome.problem;
  const echoed = outcome.messages ? `${counted(outcome.messages, "message")} echoed, then ` : "";
  if (outcome.status !== 101) return `HTTP ${outcome.status}.`;
  if (outcome.code === null) return `${echoed}no Close.`;
  const reason = outcome.reason ? `, “${outcome.reason}”` : "";
  return `${echoed}Close ${outcome.code} (${closeMeaning(outcome.code)})${reason}.`;
}

function showInTimeline(rule) {
  const rows = rowsOf(newestWithRule(rule.name)).filter((row) => row.querySelector(".opens"));
  const found =
    rows.find((row) => row.dataset.verdict === "Violation") ??
    rows.findLast((row) => row.dataset.sender === "client") ??
    rows.at(-1);
  if (!found) return;
  goTo(found);
  found.querySelector(".opens").click();
}

all.addEventListener("click", () =>
  tryEach(buttons.filter((button) => button.rule.command === "break")),
);
