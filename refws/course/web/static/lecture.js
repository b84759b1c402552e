/* The lecture: one frame at a time, large, and its fields named one after the other.

   While it is live it shows the newest frame with all names. A pause stops at a frame; the next
   ones wait until they are asked for. */

import { bits, fieldValue } from "./frame.js";
import { content, direction, verdict } from "./picture.js";
import { create, element, sectionLink, spaced } from "./words.js";

const MAX_FRAMES = 1000;
const [stage, title, shown, told] = ["stage", "stage-title", "stage-bits", "stage-told"].map(
  element,
);
const [toggle, pause, back, next, reveal, all] = [
  "lecture",
  "stage-pause",
  "stage-back",
  "stage-next",
  "stage-reveal",
  "stage-all",
].map(element);

const frames = [];
let current = -1;
let named = Infinity;
let live = true;

/* A whole frame that was on the wire, of a connection with this label. */
export function takeFrame(item, label) {
  frames.push({ item, label });
  if (frames.length > MAX_FRAMES) {
    frames.shift();
    current = Math.max(0, current - 1);
  }
  if (live) current = frames.length - 1;
  if (!stage.hidden) show();
}

/* Show the frame that was chosen in the timeline. */
export function stageFrame(item) {
  const place = frames.findIndex((frame) => frame.item === item);
  if (stage.hidden || place < 0) return;
  goTo(place, Infinity);
}

/* The fields, and the payload if there is one: as many things as can be told. */
const steps = ({ item }) => item.fields.length + (item.payload_received ? 1 : 0);

function show() {
  const frame = frames[current];
  pause.textContent = live ? "Pause" : "Go on";
  back.disabled = current <= 0;
  next.disabled = current >= frames.length - 1;
  if (!frame) return;
  const isTold = named >= steps(frame);
  reveal.disabled = all.disabled = isTold;
  title.textContent =
    `Frame ${current + 1} of ${frames.length}: ${frame.label}, ${direction(frame.item)}` +
    (named > 4 ? `, ${frame.item.name}` : "");
  shown.replaceChildren(bits(frame.item, named));
  told.replaceChildren(...tellings(frame.item), ...(isTold ? [verdict(frame.item.verdict)] : []));
}

/* What has been told so far, the newest last. */
function tellings(item) {
  const lines = item.fields.slice(0, named).map((field) => {
    const value = field.name === "masking key" ? spaced(item.masking_key) : fieldValue(field);
    const line = create("li", "", create("b", "", `${field.name} `), create("code", "", value));
    line.append(` ${field.meaning} `, sectionLink(field.section));
    return line;
  });
  if (item.payload_received && named > item.fields.length)
    lines.push(create("li", "", create("b", "", "payload "), create("code", "", content(item))));
  return [create("ol", "tellings", ...lines)];
}

function goTo(place, count = 0) {
  if (!frames[place]) return;
  live = false;
  current = place;
  named = count;
  show();
}

function tell(count) {
  named = Math.min(named + count, steps(frames[current] ?? { item: { fields: [] } }));
  live = false;
  show();
}

const actions = {
  lecture: () => {
    stage.hidden = !stage.hidden;
    document.body.dataset.layout = stage.hidden ? "" : "lecture";
    toggle.ariaPressed = String(!stage.hidden);
    show();
  },
  "stage-pause": () => {
    live = !live;
    named = Infinity;
    if (live) current = frames.length - 1;
    show();
  },
  "stage-back": () => goTo(current - 1),
  "stage-next": () => goTo(current + 1),
  "stage-reveal": () => tell(1),
  "stage-all": () => tell(Infinity),
};
for (const [id, action] of Object.entries(actions)) element(id).addEventListener("click", action);

/* With the focus on the stage: the arrows go from frame to frame, Space names the next field. */
stage.addEventListener("keydown", (event) => {
  if (event.target !== stage) return;
  const action = { ArrowLeft: "stage-back", ArrowRight: "stage-next", " ": "stage-reveal" }[
    event.key
  ];
  if (!action) return;
  event.preventDefault();
  actions[action]();
});
