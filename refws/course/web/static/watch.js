/* The watch connection: events of the wire come in, commands go out and get their answers. */

const CLOCK_TRIES = 4;
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
    this.offset = 0;
  }

  get open() {
    return this.socket?.readyState === WebSocket.OPEN;
  }

  /* Resolves to whether the wire can be watched. A new watch has a new id. */
  connect(base) {
    if (this.open) return Promise.resolve(true);
    this.page = makePageId();
    this.waiting = new Map();
    this.lastId = 0;
    const socket = new WebSocket(`${base}/watch?page=${this.page}`);
    this.socket = socket;
    return new Promise((resolve) => {
      socket.addEventListener("message", (event) => this.take(JSON.parse(event.data)));
      socket.addEventListener("open", async () => {
        await this.setClock();
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
      if ("time" in event) event.at = event.time * 1000 + this.offset;
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

  /* How far performance.now() is from the server's clock, by the fastest of a few tries. */
  async setClock() {
    let shortest = Infinity;
    for (let tries = 0; tries < CLOCK_TRIES; tries += 1) {
      const before = performance.now();
      const { time } = await this.command("clock").catch(() => ({ time: NaN }));
      const after = performance.now();
      if (after - before < shortest && !Number.isNaN(time)) {
        shortest = after - before;
        this.offset = (before + after) / 2 - time * 1000;
      }
    }
  }
}

export const watch = new Watch();
