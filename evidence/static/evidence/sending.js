// Before a form is sent, asks who is signed in: a session that has ended must not cost what was typed.
// Nothing is kept in the browser; the form stays as it is until the archive can take it.
import { say } from "./words.js";

const here = document.getElementById("sending").dataset;
let asking = false;

async function whoIsSignedIn() {
  const answer = await fetch(here.session, { headers: { Accept: "application/json" }, cache: "no-store" });
  if (answer.status === 401) return null;
  if (!answer.ok) throw new Error(String(answer.status));
  return (await answer.json()).who;
}

/** Why it can't be sent now; nothing when it can. */
async function obstacle() {
  try {
    const who = await whoIsSignedIn();
    if (who === here.who) return null;
    return who === null
      ? say("You are signed out.")
      : say("Somebody else is signed in by now.");
  } catch {
    return say("The archive does not answer.");
  }
}

function tell(form, words) {
  const note = document.createElement("p");
  note.className = "errornote unsent";
  note.setAttribute("role", "alert");
  note.append(words, " ", say("Nothing was sent. What you typed is still here: send it again when that is mended."), " ");
  const way = document.createElement("a");
  way.href = here.login;
  way.target = "_blank";
  way.rel = "noopener";
  way.textContent = say("Sign in, in another tab");
  note.append(way);
  form.prepend(note);
  note.scrollIntoView({ block: "center" });
}

// A login gives a new token, and the form has that of the session before.
function renewToken(field) {
  const token = document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1];
  if (token) field.value = token;
}

document.addEventListener(
  "submit",
  async (event) => {
    const form = event.target;
    const field = form.querySelector("[name=csrfmiddlewaretoken]");
    if (!field || form.hasAttribute("data-cleared") || form.matches("#logout-form, .languages")) return;
    event.preventDefault();
    event.stopImmediatePropagation();
    if (asking) return;
    asking = true;
    const words = await obstacle();
    asking = false;
    for (const note of form.querySelectorAll(".unsent")) note.remove();
    if (words) {
      tell(form, words);
      return;
    }
    renewToken(field);
    form.setAttribute("data-cleared", "");
    form.requestSubmit(event.submitter);
    form.removeAttribute("data-cleared");
  },
  true,
);
