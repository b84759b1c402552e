/* What the server has refused lately to this address, and why: the browser says only 1006 of it. */

import { copyText } from "./copy.js";
import { choose } from "./details.js";
import { counted, create, element } from "./words.js";

const RECENT = 5; // seconds
const list = element("refused");
const [banner, option, copy] = ["by-name", "by-name-option", "by-name-copy"].map(element);

async function load() {
  try {
    const answer = await fetch("/refused");
    return answer.ok ? await answer.json() : [];
  } catch {
    return [];
  }
}

export async function showRefusals() {
  const refusals = await load();
  const entries = refusals.map(({ seconds, path, status, text }) =>
    create(
      "li",
      "",
      create("b", "", `${status} for ${path}`),
      `, ${counted(Math.round(seconds), "second")} ago`,
      create("p", "content", text.trim()),
    ),
  );
  list.replaceChildren(...entries);
  element("none-refused").hidden = entries.length > 0;
  return refusals;
}

/* After a connection that did not open: the refusal in words, or "" if it was none. A page that was
   loaded by a name also learns the option with which the server lets it connect. */
export async function explainRefusal() {
  const [newest] = await showRefusals();
  if (!newest || newest.seconds > RECENT) return "";
  choose("refused");
  if (newest.status === 403 && newest.text.includes(`--origin ${location.origin} `)) showOption();
  return `The server has refused the connection with ${newest.status}; the tab “Refused” says why.`;
}

function showOption() {
  banner.hidden = false;
  option.value = `--origin ${location.origin}`;
  element("by-name-host").textContent = location.host;
}

copy.addEventListener("click", () => {
  copyText(option.value);
  option.select();
  copy.textContent = "Copied";
});

element("look-again").addEventListener("click", showRefusals);
element("tab-refused").addEventListener("click", showRefusals);
