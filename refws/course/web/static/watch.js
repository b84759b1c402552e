/* The watch connection: events of the wire come in, commands go out and get their answers. */

import { forgetCauses } from "./causes.js";
import { clock, newClock } from "./clock.js";

const CLOCK_TRIES = 4;
const CLOCK_INTERVAL = 10_000;
const ANSWER_TIMEOUT = 45_000;

/* 128 random bits: no one else can guess them, so no one else sees this page's connections. */
function makePageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

class Watch {
  constructor() {
    this.onEvent = () => {};
    this.onState = () => {};
    this.socket = null;
    this.page = "";
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /* Resolves to whether the wire can be watched. A new watch has a new id. */
  connect(base) {
    if (this.open) return Promise.resolve(true);
    this.page = makePageId();
    newClock();
    forgetCauses();
    this.waiting = new Map();
    this.lastId = 0;
    const socket = new WebSocket(`${base}/watch?page=${this.page}`);
    this.socket = socket;
    return new Promise((resolve) => {
      socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
      socket.addEventListener("open", async () => {
        for (let tries = 0; tries < CLOCK_TRIES; tries += 1) await this.lookAtClock();
        if (socket.readyState !== WebSocket.OPEN) return; // the server has ended it at once
        const looks = setInterval(() => this.lookAtClock(), CLOCK_INTERVAL);
        socket.addEventListener("close", () => clearInterval(looks));
        this.onState(true, "");
        resolve(true);
      });
      socket.addEventListener("close", (event) => {
        for (const call of this.waiting.values()) call.reject(new Error("the wire view has ended"));
        this.waiting.clear();
        this.onState(false, event.reason);
        resolve(false);
      });
    });
  }

  take(event) {
    if (event.event === "answer" || event.event === "error") {
      const call = this.waiting.get(event.id);
      this.waiting.delete(event.id);
      if (event.event === "answer") call?.resolve(event);
      else call?.reject(new Error(event.message));
    } else {
      this.onEvent(event);
    }
  }

  /* Resolves to the answer; rejects with an Error that says what to do instead. */
  command(name, fields = {}) {
    if (!this.open)
      return Promise.reject(new Error("the wire view is not connected; press Connect"));
    const id = ++this.lastId;
    return new Promise((resolve, reject) => {
      this.waiting.set(id, { resolve, reject });
      setTimeout(
        () => this.waiting.delete(id) && reject(new Error("no answer came")),
        ANSWER_TIMEOUT,
      );
      this.socket.send(JSON.stringify({ command: name, id, ...fields }));
    });
  }

  async lookAtClock() {
    const before = performance.now();
    const answer = await this.command("clock").catch(() => null);
    if (answer) clock.look(before, answer.time * 1000, performance.now());
  }
}

export const watch = new Watch();
