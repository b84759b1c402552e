/* The handshake tab: request and response line by line, and how the Accept is made. */

import { livingConnections } from "./connections.js";
import { create, element, sectionLink, spaced } from "./words.js";
import { direction, verdict } from "./picture.js";

const MAX_CONNECTIONS = 100;
const chooser = element("handshake-connection");
const heads = new Map();

export function addHead(connection, label, item) {
  if (!heads.has(connection)) {
    heads.set(connection, []);
    const option = create("option", "", label);
    option.value = String(connection);
    chooser.append(option);
    if (chooser.options.length > MAX_CONNECTIONS) {
      heads.delete(Number(chooser.options[0].value));
      chooser.remove(0);
    }
  }
  heads.get(connection).push(item);
  if (chooser.value === String(connection)) show();
}

export function showHandshake(connection) {
  chooser.value = String(connection);
  show();
}

/* Forget the handshakes of connections that are closed. */
export function forgetHeads() {
  const living = livingConnections();
  for (const option of [...chooser.options]) {
    if (living.includes(Number(option.value))) continue;
    heads.delete(Number(option.value));
    option.remove();
  }
  show();
}

function show() {
  const found = heads.get(Number(chooser.value)) ?? [];
  const parts = found.flatMap((item) => [
    create("h3", "", `${item.sender === "client" ? "Request" : "Response"}, ${direction(item)}`),
    verdict(item.verdict),
    lines(item),
    ...(item.accept ? accept(item.accept) : []),
  ]);
  element("handshake").replaceChildren(
    ...(parts.length ? parts : [create("p", "note", "No handshake was seen yet.")]),
  );
}

function lines(item) {
  const list = create("ol", "lines");
  for (const line of item.lines) {
    const entry = create("li", line.faults.length ? "blamed" : "", create("code", "", line.text));
    const meaning = create("span", "meaning");
    if (line.section) meaning.append(sectionLink(line.section), " ");
    meaning.append(line.meaning);
    entry.append(meaning);
    for (const fault of line.faults) entry.append(faultWords(fault));
    list.append(entry);
  }
  const inLines = item.lines.flatMap((line) =>
    line.faults.map((fault) => fault.section + fault.seen),
  );
  for (const fault of item.faults.filter(
    (fault) => !inLines.includes(fault.section + fault.seen),
  )) {
    list.append(create("li", "blamed", faultWords(fault)));
  }
  return list;
}

function faultWords(fault) {
  return create(
    "span",
    "fault",
    "Breaks ",
    sectionLink(fault.section),
    `: ${fault.seen}; expected ${fault.expected}.`,
  );
}

/* §4.2.2 item 5.4 */
function accept(steps) {
  const list = create("ol", "accept");
  const step = (words, value) => list.append(create("li", "", words, create("code", "", value)));
  step("The key of the request, as text, not decoded", steps.key);
  step("followed by the GUID of the RFC, the same for every key", steps.concatenated);
  step("SHA-1 of that, 20 bytes", spaced(steps.digest));
  step("these bytes in base64: the Accept", steps.accept);
  return [create("h4", "", "How the Accept is made, ", sectionLink("§4.2.2 item 5.4")), list];
}

chooser.addEventListener("change", show);
