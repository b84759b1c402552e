/* "Break a rule": the gallery of the server, a button for each trial, and what came of it. */

import { closeMeaning, counted, create, element, sectionLink, spaced } from "./words.js";

const gallery = element("gallery");
const state = element("rules-state");
const all = element("break-all");
let buttons = [];
let run = async () => {};
let show = () => {};

/* `commitTrial(trial)` resolves to the outcome, `showTrial(trial)` shows its frames in the timeline. */
export function fillGallery(groups, commitTrial, showTrial) {
  [run, show] = [commitTrial, showTrial];
  buttons = [];
  gallery.replaceChildren(...groups.map(({ group, ask, trials }, number) => {
    const cards = create("div", "cards", ...trials.map((trial) => card({ ...trial, ask })));
    const words = create("summary", "", `${group} (${trials.length})`);
    const details = create("details", "", words, cards);
    details.open = number === 0;
    return details;
  }));
  enable(true);
}

export function enable(possible) {
  for (const button of [...buttons, all]) button.disabled = !possible;
}

function card(trial) {
  const words = trial.ask === "provoke" ? "Send it to my browser" : trial.allowed ? "Try it" : "Break it";
  const button = create("button", "", words);
  button.type = "button";
  button.id = `break-${trial.name}`;
  button.ariaLabel = `${button.textContent}: ${trial.title}`;
  button.trial = trial;
  buttons.push(button);
  const result = create("div", "result");
  result.id = `result-${trial.name}`;
  button.addEventListener("click", () => commit([button]));
  return create("article", "card",
    create("h3", "", trial.title, " ", sectionLink(trial.section)),
    create("p", "", trial.why),
    create("p", "bytes", sent(trial)),
    create("p", "note", `Right answer: ${expected(trial)}.`),
    button, result);
}

function sent(trial) {
  if (trial.wire) return spaced(trial.wire, 20);
  const lines = trial.headers.map(([name, value]) => (value === null ? `no ${name}` : `${name}: ${value}`));
  return lines.join(", ") || `${trial.method} /echo HTTP/1.1`;
}

function expected(trial) {
  if (trial.ask === "provoke") return `Close ${trial.code}, or the end of TCP without one`;
  if (trial.status !== 101) return `HTTP ${trial.status}, and no WebSocket`;
  if (trial.code === null) return "none, as nobody is left to get it";
  return trial.allowed ? "it is taken, and the end is a Close with 1000" : `Close ${trial.code}`;
}

async function commit(chosen) {
  enable(false);
  let right = 0;
  for (const button of chosen) {
    const { trial } = button;
    state.textContent = `Now: ${trial.title} …`;
    const result = element(`result-${trial.name}`);
    try {
      const outcome = await run(trial);
      right += outcome.as_expected;
      result.replaceChildren(...resultWords(trial, outcome));
      state.textContent = `${trial.title}: ${outcome.as_expected ? "as expected" : "not as expected"}.`;
    } catch (error) {
      result.replaceChildren(create("p", "bad", error.message));
      state.textContent = `${trial.title}: ${error.message}`;
    }
  }
  if (chosen.length > 1) state.textContent = `${right} of ${chosen.length} were answered as the RFC asks.`;
  enable(true);
  if (chosen.length === 1) chosen[0].focus();
}

function resultWords(trial, outcome) {
  const differs = trial.ask === "provoke" ? "Your browser goes its own way: " : "Not as expected: ";
  const verdict = outcome.as_expected ? "As expected: " : differs;
  const line = create("p", outcome.as_expected ? "good" : "bad", verdict, answer(outcome));
  const look = create("button", "quiet", "Show it in the timeline");
  look.type = "button";
  look.id = `show-${trial.name}`;
  look.addEventListener("click", () => show(trial));
  return [line, look];
}

function answer(outcome) {
  if (outcome.problem) return outcome.problem;
  const echoed = outcome.messages ? `${counted(outcome.messages, "message")} echoed, then ` : "";
  if (outcome.status !== 101) return `HTTP ${outcome.status}.`;
  if (outcome.code === null) return `${echoed}no Close.`;
  const reason = outcome.reason ? `, “${outcome.reason}”` : "";
  return `${echoed}Close ${outcome.code} (${closeMeaning(outcome.code)})${reason}.`;
}

all.addEventListener("click", () => commit(buttons.filter((button) => button.trial.ask === "break")));
