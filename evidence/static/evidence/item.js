// Asks how the work on an item goes: every second at first, then less often, not while the tab is hidden.
import { say } from "./words.js";

const work = document.getElementById("work");

function shown(one) {
  const row = document.createElement("li");
  row.className = one.state;
  const tool = document.createElement("span");
  tool.className = "tool";
  tool.textContent = one.tool;
  const words = document.createElement("span");
  words.className = "words";
  words.textContent = one.words;
  row.append(tool, " ", words);
  if (one.reason) {
    const reason = document.createElement("span");
    reason.className = "quiet";
    reason.textContent = one.reason;
    row.append(document.createElement("br"), reason);
  }
  return row;
}

async function ask(wait) {
  if (!document.hidden) {
    try {
      const answer = await fetch(work.dataset.progress, { headers: { Accept: "application/json" } });
      if (answer.ok) {
        const state = await answer.json();
        const bar = work.querySelector("progress");
        bar.max = state.total;
        bar.value = state.done;
        work.querySelector(".count").textContent = say("{done} of {total}", state);
        work.querySelector(".work").replaceChildren(...state.work.map(shown));
        if (state.finished) {
          // A tool may plan others when it ends: look once more before showing the whole page anew.
          if (work.dataset.settled === String(state.total)) {
            location.reload();
            return;
          }
          work.dataset.settled = String(state.total);
        }
      }
    } catch {
      work.querySelector(".count").textContent = say("The archive does not answer; trying again.");
    }
  }
  setTimeout(() => ask(Math.min(wait * 1.2, 5000)), wait);
}

if (work && work.dataset.finished === "no") {
  ask(1000);
}
