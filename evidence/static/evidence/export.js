// Follows the writing of a bundle until it is verified or has failed.
import { say } from "./words.js";

const bundle = document.getElementById("bundle");

async function ask(wait) {
  if (!document.hidden) {
    try {
      const answer = await fetch(bundle.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const state = await answer.json();
        bundle.querySelector("progress").value = state.percent;
        bundle.querySelector(".count").textContent = `${state.percent} %`;
        bundle.querySelector(".badge").textContent = state.words;
        if (state.state === "verified" || state.state === "failed") {
          location.reload();
          return;
        }
      }
    } catch {
      bundle.querySelector(".count").textContent = say("The archive does not answer; trying again.");
    }
  }
  setTimeout(() => ask(Math.min(wait * 1.2, 5000)), wait);
}

if (bundle && !["verified", "failed"].includes(bundle.dataset.state)) {
  ask(700);
}
