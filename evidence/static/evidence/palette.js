// Ctrl+K or "/" opens one box that leads to every place and finds items; what can be copied gets a button.
import { say } from "./words.js";

const opener = document.getElementById("palette-open");
const dialog = document.getElementById("palette");

if (opener && dialog) {
  const box = dialog.querySelector("input");
  const list = dialog.querySelector("[role=listbox]");
  const said = dialog.querySelector("[role=status]");
  let chosen = -1;
  let asked = 0;

  const places = () =>
    [...document.querySelectorAll("nav.places a, #user-tools a, .breadcrumbs a")]
      .map((link) => ({ name: link.textContent.trim(), about: say("Place"), address: link.href }))
      .filter((one, at, all) => one.name && all.findIndex((other) => other.address === one.address) === at);

  const options = () => [...list.children];

  function choose(at) {
    const all = options();
    chosen = all.length ? (at + all.length) % all.length : -1;
    all.forEach((one, number) => one.setAttribute("aria-selected", String(number === chosen)));
    if (chosen >= 0) {
      box.setAttribute("aria-activedescendant", all[chosen].id);
      all[chosen].scrollIntoView({ block: "nearest" });
    } else {
      box.removeAttribute("aria-activedescendant");
    }
  }

  function show(found, words) {
    list.replaceChildren(
      ...found.map((one, number) => {
        const row = document.createElement("li");
        row.id = `palette-${number}`;
        row.setAttribute("role", "option");
        row.dataset.address = one.address;
        const name = document.createElement("bdi");
        name.textContent = one.name;
        const about = document.createElement("span");
        about.className = "quiet";
        about.textContent = one.about;
        row.append(name, " ", about);
        return row;
      }),
    );
    said.textContent = words;
    choose(0);
  }

  // Places answer at once, so that whoever types fast and presses Enter goes where they meant to.
  function near() {
    const text = box.value.trim().toLowerCase();
    return places().filter((one) => one.name.toLowerCase().includes(text));
  }

  async function look(mine) {
    try {
      const answer = await fetch(`${dialog.dataset.find}?q=${encodeURIComponent(box.value.trim())}`, {
        headers: { Accept: "application/json" },
      });
      if (!answer.ok) {
        throw new Error(String(answer.status));
      }
      const { found } = await answer.json();
      if (mine === asked) {
        const all = [...near(), ...found];
        show(all, all.length ? say("Found: {number}", { number: all.length }) : say("Nothing of that name that you may see"));
      }
    } catch {
      if (mine === asked) {
        show(near(), say("The search did not answer. Try again, or use the list of items."));
      }
    }
  }

  let wait = 0;
  function typed() {
    const mine = (asked += 1);
    const long = box.value.trim().length > 1;
    clearTimeout(wait);
    show(near(), long ? say("Searching…") : "");
    if (long) {
      wait = setTimeout(look, 150, mine);
    }
  }

  function open() {
    if (!dialog.open) {
      box.value = "";
      dialog.showModal();
      typed();
    }
  }

  box.addEventListener("input", typed);
  box.addEventListener("keydown", (event) => {
    if (event.key === "ArrowDown" || event.key === "ArrowUp") {
      event.preventDefault();
      choose(chosen + (event.key === "ArrowDown" ? 1 : -1));
    } else if (event.key === "Enter") {
      event.preventDefault();
      const one = options()[chosen];
      if (one) {
        location.assign(one.dataset.address);
      }
    }
  });
  list.addEventListener("click", (event) => {
    const one = event.target.closest("[role=option]");
    if (one) {
      location.assign(one.dataset.address);
    }
  });
  dialog.addEventListener("click", (event) => {
    if (event.target === dialog) {
      dialog.close();
    }
  });
  opener.addEventListener("click", open);
  document.addEventListener("keydown", (event) => {
    const types = event.target.closest("input, textarea, select, [contenteditable]");
    if ((event.key === "k" && (event.ctrlKey || event.metaKey)) || (event.key === "/" && !types)) {
      event.preventDefault();
      open();
    }
  });
}

// Digests and references are long: nobody should have to mark them by hand.
for (const one of document.querySelectorAll("dd > code, .digest code, .item-head [data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "button small copy noprint";
  button.textContent = say("Copy");
  button.setAttribute("aria-label", say("Copy {what}", { what: one.textContent.trim().slice(0, 12) }));
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(one.dataset.copy || one.textContent.trim());
      button.textContent = say("Copied");
    } catch {
      getSelection().selectAllChildren(one); // no clipboard without HTTPS: marked, for the keyboard
      button.textContent = say("Marked: Ctrl+C");
    }
    setTimeout(() => {
      button.textContent = say("Copy");
    }, 2000);
  });
  one.after(" ", button);
}
