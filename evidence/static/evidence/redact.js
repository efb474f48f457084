// Draws the boxes of a redaction over the preview; the form carries them in thousandths of its sides.

import { say } from "./words.js";

const mark = document.getElementById("mark");
const shown = mark.querySelector("img, video");
const film = shown instanceof HTMLVideoElement ? shown : null;
const sort = mark.dataset.sort;
const layer = mark.querySelector(".drawn");
const list = document.getElementById("boxes");
const field = document.querySelector("#redaction [name=regions]");
const add = document.getElementById("add");
let boxes = [];

try {
  boxes = JSON.parse(field.value || "[]");
} catch {
  boxes = [];
}

const clamp = (value) => Math.max(0, Math.min(1000, Math.round(value)));
const SIDES = { left: say("Left"), top: say("Top"), right: say("Right"), bottom: say("Bottom") };

function place(event) {
  const frame = layer.getBoundingClientRect();
  return {
    x: clamp(((event.clientX - frame.left) / frame.width) * 1000),
    y: clamp(((event.clientY - frame.top) / frame.height) * 1000),
  };
}

function number(words, value, change, most) {
  const label = document.createElement("label");
  const input = document.createElement("input");
  input.type = "number";
  input.min = "0";
  if (most) input.max = String(most);
  else input.step = "0.1";
  input.value = String(value);
  input.addEventListener("change", () => change(Number(input.value)));
  label.append(`${words} `, input);
  return label;
}

function rows() {
  list.replaceChildren(
    ...boxes.map((box, at) => {
      const row = document.createElement("li");
      for (const [side, words] of Object.entries(SIDES)) {
        row.append(number(words, box[side], (value) => { box[side] = clamp(value); draw(); }, 1000));
      }
      if (film) {
        row.append(number(say("From, s"), (box.from_ms ?? 0) / 1000, (value) => { box.from_ms = Math.round(value * 1000); keep(); }));
        row.append(number(say("Until, s"), (box.until_ms ?? Math.ceil((film.duration || 0) * 1000)) / 1000, (value) => { box.until_ms = Math.round(value * 1000); keep(); }));
      }
      if (sort === "document") {
        row.append(number(say("Page"), box.page ?? 1, (value) => { box.page = value; keep(); }, 10000));
      }
      const style = document.createElement("select");
      style.setAttribute("aria-label", say("How it is hidden"));
      for (const [value, words] of [["fill", say("Black")], ["blur", say("Blurred")]]) {
        style.append(new Option(words, value, false, box.style === value));
      }
      style.addEventListener("change", () => { box.style = style.value; draw(); });
      const away = document.createElement("button");
      away.type = "button";
      away.className = "button small";
      away.textContent = say("Take away");
      away.addEventListener("click", () => { boxes.splice(at, 1); draw(); });
      row.append(style, away);
      return row;
    }),
  );
}

function keep() {
  field.value = JSON.stringify(boxes);
}

function draw() {
  layer.replaceChildren(
    ...boxes.map((box) => {
      const one = document.createElement("div");
      one.className = box.style;
      one.style.left = `${box.left / 10}%`;
      one.style.top = `${box.top / 10}%`;
      one.style.width = `${(box.right - box.left) / 10}%`;
      one.style.height = `${(box.bottom - box.top) / 10}%`;
      return one;
    }),
  );
  rows();
  keep();
}

function put(box) {
  boxes.push({ style: "fill", ...(film ? { from_ms: 0 } : {}), ...(sort === "document" ? { page: 1 } : {}), ...box });
  draw();
}

// The boxes lie over the film's own controls: these take their place.
function controls() {
  const play = document.createElement("button");
  const at = document.createElement("input");
  play.type = "button";
  play.className = "button small";
  play.textContent = say("Play");
  at.type = "range";
  at.min = "0";
  at.step = "0.04";
  at.value = "0";
  at.setAttribute("aria-label", say("Moment of the film"));
  film.controls = false;
  play.addEventListener("click", () => (film.paused ? film.play() : film.pause()));
  film.addEventListener("play", () => { play.textContent = say("Pause"); });
  film.addEventListener("pause", () => { play.textContent = say("Play"); });
  film.addEventListener("loadedmetadata", () => { at.max = String(film.duration); rows(); });
  film.addEventListener("timeupdate", () => { at.value = String(film.currentTime); });
  at.addEventListener("input", () => { film.currentTime = Number(at.value); });
  if (film.duration) at.max = String(film.duration);
  document.querySelector("#add").before(play, " ", at, " ");
}

if (shown || sort === "document") {
  add.hidden = false;
  add.addEventListener("click", () => put({ left: 400, top: 400, right: 600, bottom: 600 }));
  draw();
}

if (shown) {
  if (film) controls();
  layer.hidden = false;
  let start = null;
  layer.addEventListener("pointerdown", (event) => {
    start = place(event);
    layer.setPointerCapture(event.pointerId);
    event.preventDefault();
  });
  layer.addEventListener("pointerup", (event) => {
    if (!start) return;
    const end = place(event);
    const box = {
      left: Math.min(start.x, end.x), right: Math.max(start.x, end.x),
      top: Math.min(start.y, end.y), bottom: Math.max(start.y, end.y),
    };
    start = null;
    if (box.right - box.left > 4 && box.bottom - box.top > 4) put(box);
  });
}

if (document.querySelector("#renditions[data-waiting]")) {
  setTimeout(async () => {
    // Only the list: what was drawn and written meanwhile stays.
    const again = async () => {
      const answer = await fetch(location.href);
      const page = new DOMParser().parseFromString(await answer.text(), "text/html");
      const fresh = page.getElementById("renditions");
      document.getElementById("renditions").replaceWith(fresh);
      if (fresh.hasAttribute("data-waiting")) setTimeout(again, 2000);
    };
    await again();
  }, 1500);
}
