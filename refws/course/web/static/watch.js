/* The watch connection: events of the wire come in, asks go out and get their answers. */

const CLOCK_LOOKS = 4;
const ANSWER_PATIENCE = 45_000;

/* 128 random bits: nobody else can guess them, so nobody else sees this page's connections. */
function makePageId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
}

export class Watch {
  constructor(onEvent, onState) {
    this.onEvent = onEvent;
    this.onState = onState;
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
    this.asks = new Map();
    this.lastAsk = 0;
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
        for (const ask of this.asks.values()) ask.reject(new Error("the wire view has ended"));
        this.asks.clear();
        this.onState(false, event.reason);
        resolve(false);
      });
    });
  }

  take(event) {
    if (event.event === "answer" || event.event === "error") {
      const ask = this.asks.get(event.id);
      this.asks.delete(event.id);
      if (event.event === "answer") ask?.resolve(event);
      else ask?.reject(new Error(event.message));
    } else {
      if ("time" in event) event.at = event.time * 1000 + this.offset;
      this.onEvent(event);
    }
  }

  /* Resolves to the answer; rejects with an Error that says what to do instead. */
  ask(name, fields = {}) {
    if (!this.open) return Promise.reject(new Error("the wire view is not connected; press Connect"));
    const id = ++this.lastAsk;
    return new Promise((resolve, reject) => {
      this.asks.set(id, { resolve, reject });
      setTimeout(() => this.asks.delete(id) && reject(new Error("no answer came")), ANSWER_PATIENCE);
      this.socket.send(JSON.stringify({ ask: name, id, ...fields }));
    });
  }

  /* The difference between the server's clock and performance.now(), by the look that took the shortest time. */
  async setClock() {
    let shortest = Infinity;
    for (let look = 0; look < CLOCK_LOOKS; look += 1) {
      const before = performance.now();
      const { time } = await this.ask("clock").catch(() => ({ time: NaN }));
      const after = performance.now();
      if (after - before < shortest && !Number.isNaN(time)) {
        shortest = after - before;
        this.offset = (before + after) / 2 - time * 1000;
      }
    }
  }
}
