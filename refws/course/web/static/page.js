/* The page starts here: each part has a file of its own, and this one joins them. */

import { enableBuilder } from "./builder.js";
import "./commands.js";
import { connect, renew, showWatchState } from "./connecting.js";
import { forgetHeads } from "./handshake.js";
import "./tape.js";
import { clearRows } from "./timeline.js";
import { enableRules, showRules } from "./violations.js";
import { watch } from "./watch.js";
import { takeEvent } from "./wire.js";
import { element } from "./words.js";

watch.onEvent = (event) =>
  event.event === "hello" ? showRules(event.violations) : takeEvent(event);
watch.onState = (open, reason) => {
  showWatchState(open, reason);
  enableRules(open);
  enableBuilder(open);
};
element("renew").addEventListener("click", renew);
element("clear").addEventListener("click", () => {
  clearRows();
  forgetHeads();
});
connect();
