/* A frame built field by field, or bytes that are pasted, for the raw client to send. */

import { newestWithRule } from "./connections.js";
import { encodeFrame } from "./encode.js";
import { goTo, rowsOf } from "./timeline.js";
import { answerWords } from "./violations.js";
import { watch } from "./watch.js";
import { bytesInWords, create, element, fromHex, spaced, toHex } from "./words.js";

const form = element("builder");
const [preview, problem, result] = ["built", "builder-problem", "builder-result"].map(element);
const buttons = ["send-built", "send-pasted"].map(element);
const field = (name) => element(`build-${name}`);

/* The parts of the frame, or null, with the problem shown. */
function build() {
  const key = fromHex(field("key").value);
  const isHex = field("kind").value === "hex";
  const text = field("payload").value;
  const payload = isHex ? fromHex(text) : new TextEncoder().encode(text);
  const announced = field("announced").value.trim();
  const [wrong] = [
    [key?.length !== 4, "The key is four bytes in hex, such as 37 fa 21 3d."],
    [payload === null, "The payload is hex: give two digits for each byte."],
    [!/^\d{0,20}$/.test(announced), "The announced length is a number, or empty."],
  ].filter(([isWrong]) => isWrong);
  problem.textContent = wrong?.[1] ?? "";
  if (wrong) return null;
  const bits = ["fin", "rsv1", "rsv2", "rsv3", "masked"].map((name) => [name, field(name).checked]);
  return encodeFrame({
    ...Object.fromEntries(bits),
    opcode: Number(field("opcode").value),
    form: field("form").value,
    announced: announced === "" ? null : BigInt(announced),
    key: [...key],
    payload,
  });
}

function show() {
  const parts = build() ?? [];
  preview.replaceChildren(
    ...parts
      .filter(([, bytes]) => bytes.length > 0)
      .map(([name, bytes]) => create("span", `part ${name}`, spaced(toHex(bytes)))),
  );
}

async function sendBytes(text) {
  result.dataset.state = "waiting";
  result.textContent = "The raw client sends it …";
  try {
    const outcome = await watch.command("bytes", { text });
    const form = outcome.read_as && `, read as ${outcome.read_as}`;
    const size = bytesInWords(outcome.size);
    result.textContent = `Sent ${size}${form}. The answer: ${answerWords(outcome)}`;
    result.dataset.state = "good";
    const row = rowsOf(newestWithRule("own")).findLast((each) => each.dataset.sender === "client");
    if (row) goTo(row);
  } catch (error) {
    result.textContent = `${error.message}.`;
    result.dataset.state = "bad";
  }
}

export function enableBuilder(possible) {
  for (const button of buttons) button.disabled = !possible;
}

form.addEventListener("input", show);
form.addEventListener("submit", (event) => {
  event.preventDefault();
  const parts = build();
  if (parts) sendBytes(toHex(parts.flatMap(([, bytes]) => bytes)));
});
element("send-pasted").addEventListener("click", () => sendBytes(element("pasted").value));
show();
