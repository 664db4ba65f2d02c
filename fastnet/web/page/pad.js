// The pad to draw on, with a mouse, a finger, a pen or the keys. Ink is black on nothing, so that its opacity is the
// drawing that the network reads.

const PEN = 22; // pixels: as wide as the strokes of MNIST, for a digit that nearly fills the pad
const KEY_STEP = 10; // pixels: one pixel of MNIST's 28 x 28
const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

export class Pad {
  // `onChange` is called whenever there is new ink, and `onEnd` at the end of each stroke.
  constructor(canvas, onChange, onEnd) {
    this.canvas = canvas;
    this.onChange = onChange;
    this.onEnd = onEnd;
    this.ink = new OffscreenCanvas(canvas.width, canvas.height).getContext("2d", { willReadFrequently: true });
    this.pointer = null; // the one that draws: a second finger does not
    this.last = null; // where the stroke has got to
    this.cursor = { x: canvas.width / 2, y: canvas.height / 4 }; // of the keys
    this.penIsDown = false;
    this.held = new Set(); // arrow keys: two of them go diagonally

    canvas.addEventListener("pointerdown", (event) => this.pointerDown(event));
    canvas.addEventListener("pointermove", (event) => this.pointerMove(event));
    for (const end of ["pointerup", "pointercancel"]) {
      canvas.addEventListener(end, (event) => this.pointerEnd(event));
    }
    canvas.addEventListener("keydown", (event) => this.keyDown(event));
    canvas.addEventListener("keyup", (event) => this.held.delete(event.key));
    canvas.addEventListener("focus", () => this.show());
    canvas.addEventListener("blur", () => this.leave());
  }

  // The drawing: a byte for each pixel, 0 for paper and 255 for ink.
  pixels() {
    const { width, height } = this.canvas;
    const { data } = this.ink.getImageData(0, 0, width, height);
    const opacity = new Uint8Array(width * height);
    for (let pixel = 0; pixel < opacity.length; pixel += 1) opacity[pixel] = data[4 * pixel + 3];
    return opacity;
  }

  clear() {
    this.ink.clearRect(0, 0, this.canvas.width, this.canvas.height);
    this.last = null;
    this.penIsDown = false;
    this.show();
    this.onChange();
  }

  pointerDown(event) {
    if (this.pointer !== null || event.button !== 0) return;
    this.pointer = event.pointerId;
    this.canvas.setPointerCapture(event.pointerId);
    this.penIsDown = false;
    this.last = null;
    this.lineTo(this.place(event));
  }

  pointerMove(event) {
    if (event.pointerId !== this.pointer) return;
    const events = event.getCoalescedEvents?.() ?? []; // where it was since the last frame
    for (const each of events.length ? events : [event]) this.lineTo(this.place(each));
  }

  pointerEnd(event) {
    if (event.pointerId !== this.pointer) return;
    this.pointer = null;
    this.last = null;
    this.onEnd();
  }

  place(event) {
    const box = this.canvas.getBoundingClientRect();
    return {
      x: ((event.clientX - box.left) * this.canvas.width) / box.width,
      y: ((event.clientY - box.top) * this.canvas.height) / box.height,
    };
  }

  keyDown(event) {
    if (event.ctrlKey || event.altKey || event.metaKey) return;
    if (event.key in ARROWS) {
      this.held.add(event.key);
      this.moveCursor(event.shiftKey ? KEY_STEP / 2 : KEY_STEP);
    } else if (event.key === " ") {
      if (!event.repeat) this.putPen(!this.penIsDown);
    } else if (event.key === "Escape" && this.penIsDown) {
      this.putPen(false);
    } else if (event.key === "Delete" || event.key === "Backspace") {
      this.clear();
    } else {
      return;
    }
    event.preventDefault(); // the page would scroll
  }

  moveCursor(step) {
    for (const key of this.held) {
      this.cursor.x = Math.min(Math.max(this.cursor.x + ARROWS[key][0] * step, 0), this.canvas.width);
      this.cursor.y = Math.min(Math.max(this.cursor.y + ARROWS[key][1] * step, 0), this.canvas.height);
    }
    if (this.penIsDown) this.lineTo({ ...this.cursor });
    else this.show();
  }

  putPen(down) {
    this.penIsDown = down;
    this.last = null;
    if (down) {
      this.lineTo({ ...this.cursor });
    } else {
      this.show();
      this.onEnd();
    }
  }

  leave() {
    this.held.clear();
    if (this.penIsDown) this.putPen(false);
    else this.show();
  }

  lineTo(place) {
    const from = this.last ?? place;
    this.ink.lineWidth = PEN;
    this.ink.lineCap = "round";
    this.ink.beginPath();
    this.ink.moveTo(from.x, from.y);
    this.ink.lineTo(place.x, place.y);
    this.ink.stroke();
    this.last = place;
    this.show();
    this.onChange();
  }

  // Show the ink and, if the keys draw, the pen: a ring while it is up, with a dot while it is down.
  show() {
    const context = this.canvas.getContext("2d");
    context.clearRect(0, 0, this.canvas.width, this.canvas.height);
    context.drawImage(this.ink.canvas, 0, 0);
    if (!this.canvas.matches(":focus-visible")) return;
    const ring = (radius, width, colour) => {
      context.beginPath();
      context.arc(this.cursor.x, this.cursor.y, radius, 0, 2 * Math.PI);
      context.lineWidth = width;
      context.strokeStyle = colour;
      context.stroke();
    };
    ring(PEN / 2, 5, "#fff");
    ring(PEN / 2, 2, "#000");
    if (this.penIsDown) ring(2, 4, "#fff");
  }
}
