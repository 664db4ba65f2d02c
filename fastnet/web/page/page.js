// Connects the pad, the pictures and the server.

import { Pad } from "./pad.js";
import { bytes, Curve, drawInk, drawSigned, drawUnits, signedBytes } from "./pictures.js";
import { preferred, words } from "./words.js";

const UNSURE_BELOW = 0.6; // a lower probability counts as unsure
const find = (id) => document.getElementById(id);

let session = ""; // the name of this tab's network, at the server
let network = null; // what the server said of it last
let answer = null; // what it reads in the drawing: null if there is none
let chosen = null; // the digit to explain: null for the most probable one
let message = ""; // the key of what the page says
let training = null; // the training that goes on: its settings
let before = 0; // the steps of this network in trainings that have ended
let step = 0;

// --- The server -------------------------------------------------------------------------------------------------------

async function post(path, body) {
  const ask = () => fetch(path, { method: "POST", body, headers: { "Fastnet-Session": session } });
  let response = await ask();
  if (response.status === 410) { // the server has dropped the session
    await open();
    say("dropped");
    response = await ask();
  }
  if (!response.ok) throw Object.assign(new Error(await response.text()), { status: response.status });
  return response;
}

async function open() {
  const opened = await (await post("session")).json();
  session = opened.session;
  beginCurves();
  showNetwork(opened);
}

const failed = (error) => { // also when the server has ended
  training = null;
  showButtons();
  if (error.status === 409) return say("busy");
  console.error(error);
  return say("gone");
};

// Run what a user has asked for, and say so if the server does not answer.
const asked = (run) => () => run().catch(failed);

// --- Reading ----------------------------------------------------------------------------------------------------------

let reading = false;
let readAgain = false; // what is drawn has changed meanwhile

async function read() {
  readAgain = true;
  if (reading) return;
  reading = true;
  find("digits").setAttribute("aria-busy", "true");
  try {
    while (readAgain) {
      readAgain = false;
      const query = chosen === null ? "" : `?digit=${chosen}`;
      const found = await (await post(`read${query}`, pad.pixels())).json();
      answer = "probabilities" in found ? found : null;
      if (answer) answer.probabilities = answer.probabilities.map((share) => share ?? 0); // no number, if it diverged
      showAnswer();
    }
  } finally {
    reading = false;
    find("digits").setAttribute("aria-busy", "false");
  }
}

const percent = (share) =>
  (share ?? 0).toLocaleString(language(), { style: "percent", minimumFractionDigits: 1, maximumFractionDigits: 1 });

function showAnswer() {
  const say = words[language()];
  const probabilities = answer?.probabilities ?? Array(10).fill(0);
  const best = probabilities.indexOf(Math.max(...probabilities));
  const share = percent(probabilities[best]);
  const digit = document.createElement("strong");
  digit.textContent = best;
  const text = answer ? (probabilities[best] < UNSURE_BELOW ? say.unsure(share) : say.reads(share)) : say.nothing;
  if (!answer) find("spoken").textContent = ""; // so that the same answer is new next time
  find("answer").replaceChildren(...(answer ? [digit, " "] : []), text);

  [...find("digits").children].forEach((row, label) => {
    row.setAttribute("aria-pressed", String(answer !== null && label === answer.digit));
    row.querySelector(".percent").textContent = percent(probabilities[label]);
    row.querySelector(".bar span").style.setProperty("--share", `${100 * probabilities[label]}%`);
  });

  drawInk(find("seen"), answer ? bytes(answer.image) : new Uint8Array(28 * 28));
  drawSigned(find("why"), answer ? signedBytes(answer.reasons) : new Int8Array(28 * 28));
  const explained = answer?.digit ?? chosen ?? "–";
  find("for").textContent = say.speaksFor(explained, answer ? `+${(answer.for ?? 0).toFixed(1)}` : "–");
  find("against").textContent = say.speaksAgainst(explained, answer ? `−${(answer.against ?? 0).toFixed(1)}` : "–");
  showUnits();
}

// For screen readers: once for each stroke, and not at every move.
async function speak() {
  await read();
  if (answer === null) return;
  const best = Math.max(...answer.probabilities);
  find("spoken").textContent = words[language()].spoken(answer.probabilities.indexOf(best), percent(best));
}

function showUnits() {
  const fits = answer?.hidden.length === network?.hidden; // the answer may be of the network before
  if (network) drawUnits(find("hidden"), network.weights, fits ? answer.hidden : null);
}

// --- Training ---------------------------------------------------------------------------------------------------------

const lossCurve = new Curve(find("loss-curve"));
const accuracyCurve = new Curve(find("accuracy-curve"));
let lossTop = 0;

function beginCurves() {
  before = step = lossTop = 0;
  lossCurve.clear();
  accuracyCurve.clear();
  find("loss").textContent = "–";
  showSteps();
}

function showNetwork(state) {
  network = { ...state, weights: signedBytes(state.weights) };
  find("accuracy").textContent = percent(state.accuracy);
  showUnits();
}

function showFrame(frame) {
  step = before + frame.step;
  showNetwork(frame);
  find("loss").textContent = frame.loss?.toFixed(3) ?? "∞";
  if (frame.loss !== null) {
    lossTop = Math.max(lossTop, Math.ceil(frame.loss * 2) / 2);
    lossCurve.add(step, frame.loss, lossTop);
  }
  accuracyCurve.add(step, frame.accuracy, 1);
  showSteps();
}

function showSteps() {
  const say = words[language()];
  const steps = say.steps(step.toLocaleString(language()));
  document.querySelectorAll("[data-step]").forEach((place) => { place.textContent = steps; });
  find("loss-top").textContent = lossTop ? say.from0(lossTop.toFixed(1)) : "";
}

function showButtons() {
  find("stop").disabled = training === null;
  find("further").disabled = training !== null;
}

function settings() {
  const { lr, optimizer, gradient, steps_per_second } = Object.fromEntries(new FormData(find("settings")));
  return { lr: Number(lr), optimizer, gradient, steps_per_second: Number(steps_per_second) };
}

async function train() {
  const mine = settings();
  training = mine;
  before = step;
  showButtons();
  say("training");
  const response = await post("train", JSON.stringify(mine)); // the server ends the training before
  let last = null;
  for await (const frame of lines(response.body)) {
    if (training !== mine) return; // another one has begun, or this one was stopped
    last = frame;
    showFrame(frame);
    read().catch(failed);
  }
  if (training !== mine) return;
  await stop(); // fails if the training has ended with the server
  if (last?.loss === null) say("diverged");
}

async function* lines(stream) {
  let rest = "";
  for await (const text of chunks(stream.pipeThrough(new TextDecoderStream()))) {
    const all = (rest + text).split("\n");
    rest = all.pop();
    for (const line of all) yield JSON.parse(line);
  }
}

async function* chunks(stream) {
  const reader = stream.getReader(); // not every browser can loop over a stream itself
  try {
    for (;;) {
      const { done, value } = await reader.read();
      if (done) return;
      yield value;
    }
  } finally {
    reader.cancel().catch(() => {}); // nobody reads the rest: the server ends the training
  }
}

async function takeNetwork(hidden) {
  training = null;
  showButtons();
  showNetwork(await (await post("network", JSON.stringify({ hidden }))).json());
  beginCurves();
  await read();
}

async function trainAnew() {
  await takeNetwork(Number(find("settings").elements.hidden.value));
  await train();
}

async function stop() {
  training = null;
  showButtons();
  showNetwork(await (await post("stop")).json());
  say("stopped");
  await read();
}

async function backToTheFirst() {
  await takeNetwork(null);
  say("restored");
}

async function changeSettings(event) {
  if (training === null) return;
  await (event.target.name === "hidden" ? trainAnew() : train());
}

// --- Languages --------------------------------------------------------------------------------------------------------

const language = () => document.documentElement.lang;

function say(key) {
  message = key;
  find("message").textContent = key && words[language()][key];
}

function speakLanguage(name) {
  document.documentElement.lang = name;
  find("language").value = name;
  document.querySelectorAll("[data-say]").forEach((element) => {
    element.textContent = words[name][element.dataset.say];
  });
  for (const [curve, key] of [["loss-curve", "loss"], ["accuracy-curve", "accuracy"]]) {
    find(curve).setAttribute("aria-label", words[name][key]);
  }
  say(message);
  if (network) find("accuracy").textContent = percent(network.accuracy);
  showSteps();
  showAnswer();
}

// --- The page ---------------------------------------------------------------------------------------------------------

for (let digit = 0; digit < 10; digit += 1) {
  const row = document.createElement("button");
  row.type = "button";
  row.innerHTML = `<span>${digit}</span><span class="bar"><span></span></span><span class="percent"></span>`;
  row.addEventListener("click", asked(() => {
    chosen = chosen === digit ? null : digit;
    return read();
  }));
  find("digits").append(row);
}

const pad = new Pad(find("pad"), asked(read), asked(speak));
find("clear").addEventListener("click", () => {
  chosen = null;
  pad.clear();
});
find("anew").addEventListener("click", asked(trainAnew));
find("further").addEventListener("click", asked(train));
find("stop").addEventListener("click", asked(stop));
find("first").addEventListener("click", asked(backToTheFirst));
find("settings").addEventListener("change", (event) => changeSettings(event).catch(failed));
find("settings").addEventListener("submit", (event) => event.preventDefault());
find("language").addEventListener("change", (event) => speakLanguage(event.target.value));
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", showAnswer);
addEventListener("resize", showUnits);
speakLanguage(preferred());
open().catch(failed);
