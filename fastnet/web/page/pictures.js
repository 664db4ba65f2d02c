// Pictures of what the server answers: pixels, weights, curves.

const SIDE = 28; // of an image, in pixels
const GAP = 3; // between two units
const BAR = 4; // the height of what a unit answers

// Bytes in base64, from 0 to 255.
export const bytes = (text) => Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));

// Bytes in base64, from -127 to 127.
export const signedBytes = (text) => new Int8Array(bytes(text).buffer);

// The red, green and blue of a colour of page.css, which differs between light and dark.
function colour(name) {
  const hex = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(hex.slice(start, start + 2), 16));
}

// Draw an image of ink: black, as opaque as its bytes are large.
export function drawInk(canvas, ink) {
  const picture = new ImageData(SIDE, SIDE);
  ink.forEach((value, pixel) => { picture.data[4 * pixel + 3] = value; });
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

// Draw signed values: one colour for those above 0, another one for those below.
export function drawSigned(canvas, values) {
  canvas.getContext("2d").putImageData(signedPicture(values, colour("--for"), colour("--against")), 0, 0);
}

function signedPicture(values, above, below) {
  const picture = new ImageData(SIDE, SIDE);
  for (let pixel = 0; pixel < values.length; pixel += 1) { // a plain loop: there are many, many times a second
    const [red, green, blue] = values[pixel] > 0 ? above : below;
    picture.data[4 * pixel] = red;
    picture.data[4 * pixel + 1] = green;
    picture.data[4 * pixel + 2] = blue;
    picture.data[4 * pixel + 3] = 2 * Math.abs(values[pixel]);
  }
  return picture;
}

// Draw each hidden unit: its weights, and below them a bar for its answer, from 0 to 1.
export function drawUnits(canvas, weights, answers) {
  const count = weights.length / SIDE ** 2;
  const isWide = canvas.parentElement.clientWidth > 600;
  const columns = Math.min(count, isWide ? (count > 51 ? 25 : 17) : (count > 50 ? 20 : 10));
  const [across, down] = [SIDE + GAP, SIDE + BAR + 2 * GAP];
  canvas.width = columns * across - GAP;
  canvas.height = Math.ceil(count / columns) * down - GAP;
  canvas.style.maxWidth = `${3 * canvas.width}px`; // a few units do not fill the page
  const context = canvas.getContext("2d");
  const [above, below, faint, text] = ["--for", "--against", "--faint", "--text"].map(colour);
  for (let unit = 0; unit < count; unit += 1) {
    const [x, y] = [(unit % columns) * across, Math.floor(unit / columns) * down];
    const own = weights.subarray(unit * SIDE ** 2, (unit + 1) * SIDE ** 2);
    context.putImageData(signedPicture(own, above, below), x, y);
    context.fillStyle = `rgb(${faint})`;
    context.fillRect(x, y + SIDE + 1, SIDE, BAR);
    context.fillStyle = `rgb(${text})`;
    context.fillRect(x, y + SIDE + 1, SIDE * (answers?.[unit] ?? 0), BAR);
  }
}

// A curve of a training. It has at most `MOST` points: when there are more, each two become their mean.
export class Curve {
  static MOST = 400;

  constructor(svg) {
    this.line = svg.querySelector("polyline");
    this.clear();
  }

  clear() {
    this.points = [];
    this.line.setAttribute("points", "");
  }

  // Add a point and draw all; `top` is the value at the upper edge.
  add(step, value, top) {
    this.points.push([step, value]);
    if (this.points.length > Curve.MOST) {
      const half = [];
      for (let i = 1; i < this.points.length; i += 2) {
        half.push([this.points[i][0], (this.points[i - 1][1] + this.points[i][1]) / 2]);
      }
      this.points = half;
    }
    const points = this.points.map(([x, y]) => `${(300 * x) / step},${120 * (1 - Math.min(y / top, 1))}`);
    this.line.setAttribute("points", points.join(" "));
  }
}
