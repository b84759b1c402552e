/* How far performance.now() is from the server's clock, in milliseconds.

   A look at the server's clock is answered after it is asked, and what causes something comes
   before it: a send() before its frame arrives, a frame of the server before its onmessage. Each of
   these leaves fewer offsets that can be true. The one in the middle of these puts no effect above
   its cause. */

const RESOLUTION = 0.2; // browsers round performance.now()
const DRIFT = 0.00002; // two clocks of one machine, or of two

class Clock {
  constructor() {
    this.least = -Infinity;
    this.most = Infinity;
    this.known = 0;
  }

  /* What is taken: performance.now() is the server's clock and this. */
  get offset() {
    if (this.least === -Infinity) return this.most === Infinity ? 0 : this.most;
    return this.most === Infinity ? this.least : (this.least + this.most) / 2;
  }

  /* How wrong it can be, to either side. */
  get uncertainty() {
    return (this.most - this.least) / 2 + RESOLUTION;
  }

  /* What the browser did at `before` is a cause of what the server saw at `time` of its clock. */
  notBefore(before, time) {
    this.narrow(before - time, Infinity);
  }

  /* What the server did at `time` is a cause of what the browser reports at `after`. */
  notAfter(after, time) {
    this.narrow(-Infinity, after + RESOLUTION - time);
  }

  /* The server's clock was at `time` between these two. */
  look(before, time, after) {
    this.narrow(before - time, after + RESOLUTION - time);
  }

  narrow(least, most) {
    const now = performance.now();
    const drift = DRIFT * (now - this.known);
    if (least <= this.least && most >= this.most) return;
    this.known = now;
    this.least = Math.max(this.least - drift, least);
    this.most = Math.min(this.most + drift, most);
    if (this.least <= this.most) return;
    // What was known is wrong, because a machine has slept: the newest counts.
    this.least = least === -Infinity ? most : least;
    this.most = most === Infinity ? least : most;
  }
}

/* The clock of the wire view that is connected. Each wire view begins its clock at 0. */
export let clock = new Clock();

export function newClock() {
  clock = new Clock();
}
