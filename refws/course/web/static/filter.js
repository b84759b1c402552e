/* Which rows of the timeline are shown: by kind, and by words that are in them. */

import { element } from "./words.js";

const KINDS = {
  browser: ({ side }) => side === "browser",
  wire: ({ side }) => side === "wire",
  data: ({ data }) => ["text", "binary", "continuation"].includes(data.kind),
  control: ({ data }) => ["ping", "pong", "close"].includes(data.kind),
  Violation: ({ data }) => data.verdict === "Violation",
};

const [search, filter] = ["search", "filter"].map(element);

export function matches(row) {
  const isKind = KINDS[filter.value] ?? (() => true);
  const words = search.value.trim().toLowerCase();
  return isKind(row) && row.shown.textContent.toLowerCase().includes(words);
}

export function onFilter(listener) {
  for (const field of [search, filter]) field.addEventListener("input", listener);
}
