// Looks closely at a preview: zoom and turn a picture, leaf through pages, step through a film by
// frames, slow it down.
// What is shown is the archive's re-encoded preview; nothing here changes it or is kept.
import { say } from "./words.js";

const NEAREST = 8;
const STEP = 1.5;
const SPEEDS = [0.1, 0.25, 0.5, 1, 1.5, 2, 4];
const USUAL_FRAME = 1 / 25; // seconds, until the film itself has told

function button(words, key, act) {
  const one = document.createElement("button");
  one.type = "button";
  one.className = "button small";
  one.textContent = words;
  one.title = `${words} (${key})`;
  one.setAttribute("aria-keyshortcuts", key);
  one.addEventListener("click", act);
  return one;
}

function tools(figure, acts) {
  const bar = document.createElement("div");
  bar.className = "tools viewer-tools noprint";
  bar.setAttribute("role", "group");
  bar.setAttribute("aria-label", say("Look closely"));
  bar.append(...acts.map(([words, key, act]) => button(words, key, act)));
  figure.querySelector("figcaption").before(bar);
  figure.addEventListener("keydown", (event) => {
    const found = acts.find(([, key]) => key === event.key);
    if (found && !event.ctrlKey && !event.metaKey && !event.altKey && !event.target.closest("select")) {
      event.preventDefault();
      found[2]();
    }
  });
  return bar;
}

/* A document's pages: one is shown, the others are not even loaded. */

const pages = [...document.querySelectorAll(".viewer figure[data-page]")];

function leaf(by) {
  const at = pages.findIndex((one) => !one.hidden);
  const to = Math.min(pages.length - 1, Math.max(0, at + by));
  if (to === at) return;
  pages[at].hidden = true;
  pages[to].hidden = false;
  pages[to].querySelector(".stage").focus({ preventScroll: true });
}

function leafing(figure) {
  if (pages.length < 2 || !pages.includes(figure)) return [];
  return [
    [say("Page back"), "PageUp", () => leaf(-1)],
    [say("Page on"), "PageDown", () => leaf(1)],
  ];
}

function bound() {
  pages.forEach((one, number) => {
    const where = document.createElement("p");
    where.className = "quiet";
    where.textContent = say("{done} of {total}", { done: number + 1, total: pages.length });
    one.querySelector("figcaption").append(where);
    one.hidden = number > 0;
  });
}

function picture(figure, image) {
  const stage = document.createElement("div");
  stage.className = "stage";
  stage.tabIndex = 0;
  stage.setAttribute("role", "group");
  stage.setAttribute("aria-label", say("Picture: + and - zoom, r turns, 0 shows it whole, arrows move"));
  image.before(stage);
  stage.append(image);
  let zoom = 1;
  let turned = 0;

  function show() {
    image.style.width = zoom === 1 ? "" : `${zoom * 100}%`;
    image.style.maxWidth = zoom === 1 ? "" : "none";
    image.style.maxHeight = zoom === 1 ? "" : "none";
    image.style.margin = "";
    image.style.transform = turned ? `rotate(${turned}deg)` : "";
    if (turned % 180) {
      // A turn moves no border: room is made so that the whole can still be scrolled to.
      const across = (image.clientHeight - image.clientWidth) / 2;
      image.style.margin = `${-across}px ${across}px`;
    }
    stage.dataset.zoom = zoom.toFixed(2);
    stage.dataset.turned = String(turned);
  }

  const zoomed = (by) => () => {
    zoom = Math.min(NEAREST, Math.max(1, zoom * by));
    show();
  };
  const turn = (by) => () => {
    turned = (turned + by + 360) % 360;
    show();
  };
  tools(figure, [
    ...leafing(figure),
    [say("Larger"), "+", zoomed(STEP)],
    [say("Smaller"), "-", zoomed(1 / STEP)],
    [say("Turn left"), "l", turn(-90)],
    [say("Turn right"), "r", turn(90)],
    [
      say("Whole"),
      "0",
      () => {
        zoom = 1;
        turned = 0;
        show();
      },
    ],
  ]);
  show();
}

function film(figure, video) {
  let frame = USUAL_FRAME;
  let last = null;
  function learn(_, told) {
    const passed = last === null ? 0 : told.mediaTime - last;
    if (passed > 0.001 && passed < 0.2 && !video.paused) {
      frame = passed;
    }
    last = told.mediaTime;
    video.requestVideoFrameCallback(learn);
  }
  if (video.requestVideoFrameCallback) {
    video.requestVideoFrameCallback(learn);
  }
  const step = (by) => () => {
    video.pause();
    video.currentTime = Math.min(video.duration || 0, Math.max(0, video.currentTime + by * frame));
  };
  const speed = document.createElement("select");
  speed.setAttribute("aria-label", say("Speed"));
  speed.append(...SPEEDS.map((one) => new Option(`${one} ×`, one, one === 1, one === 1)));
  speed.addEventListener("change", () => {
    video.playbackRate = Number(speed.value);
  });
  const faster = (by) => () => {
    speed.selectedIndex = Math.min(SPEEDS.length - 1, Math.max(0, speed.selectedIndex + by));
    video.playbackRate = Number(speed.value);
  };
  const bar = tools(figure, [
    [say("Frame back"), ",", step(-1)],
    [say("Frame on"), ".", step(1)],
    [say("Slower"), "<", faster(-1)],
    [say("Faster"), ">", faster(1)],
  ]);
  bar.append(speed);
}

for (const figure of document.querySelectorAll(".viewer figure")) {
  const image = figure.querySelector("img");
  const video = figure.querySelector("video");
  if (image) {
    picture(figure, image);
  } else if (video) {
    film(figure, video);
  }
}
if (pages.length > 1) bound();
