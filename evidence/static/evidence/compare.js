// Two items one beside the other, one over the other, or in turns; two films moved together.
import { say } from "./words.js";

const place = document.getElementById("compare");
const [left, right] = place.querySelectorAll(".side");
const [here, there] = [left, right].map((side) => side.querySelector("video"));
const mix = document.getElementById("mix");
const turn = document.getElementById("turn");
const together = document.getElementById("together");
const step = document.getElementById("step");
let flicker = 0;

function shows(name) {
  clearInterval(flicker);
  place.dataset.way = name;
  place.querySelector(".mix").hidden = name !== "over";
  right.style.opacity = name === "over" ? String(mix.value / 100) : "";
  right.hidden = false;
  if (name === "flicker") {
    flicker = setInterval(() => {
      right.hidden = !right.hidden;
    }, 700);
  }
}

function turned() {
  place.classList.toggle("as-compared", Boolean(turn && turn.checked));
}

function between() {
  return (Number(place.dataset.there) - Number(place.dataset.here)) / 1000 + Number(step.value || 0);
}

// The right one follows: where they agree lies the same time apart in both.
function follow() {
  const wanted = here.currentTime + between();
  if (wanted >= 0 && Math.abs(there.currentTime - wanted) > 0.15) {
    there.currentTime = wanted;
  }
}

place.querySelector(".ways").hidden = false;
for (const way of place.querySelectorAll("input[name=way]")) {
  way.addEventListener("change", () => shows(way.value));
}
mix.addEventListener("input", () => {
  right.style.opacity = String(mix.value / 100);
});
if (turn) {
  turn.addEventListener("change", turned);
}
turned();

if (here && there && place.dataset.here !== undefined && place.dataset.there !== undefined) {
  together.hidden = false;
  place.querySelector(".step").hidden = false;
  here.addEventListener("seeked", follow);
  step.addEventListener("input", follow);
  here.addEventListener("pause", () => there.pause());
  together.addEventListener("click", () => {
    here.currentTime = Number(place.dataset.here) / 1000;
    follow();
    Promise.all([here.play(), there.play()]).catch(() => {
      together.textContent = say("This browser can't play both");
    });
  });
}
