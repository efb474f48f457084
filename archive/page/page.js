/* Shows what check() found.  Foreign text is only ever set as text. */

const $ = (id) => document.getElementById(id);
const MOST = 200; // findings of one group that are shown; the rest is counted
let chosen = null, words = WORDS.en;

/* Marks that turn or hide text could make the page show something else than is there. */
const shown = (value) => value.replace(/[\u0000-\u001f\u007f-\u009f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g, "\ufffd");

function make(name, content, attributes = {}) {
  const made = document.createElement(name);
  if (content) made.textContent = shown(content);
  for (const [key, value] of Object.entries(attributes)) made.setAttribute(key, value);
  return made;
}

function speak(language) {
  words = WORDS[language] ?? WORDS.en;
  document.documentElement.lang = language;
  document.title = words.title;
  for (const element of document.querySelectorAll("[data-word]")) element.textContent = words[element.dataset.word];
  for (const button of document.querySelectorAll("[data-language]")) button.setAttribute("aria-pressed", String(button.dataset.language === language));
  if (window.lastReport) show(window.lastReport);
}

function show(report) {
  const [first, then] = words.verdicts[report.verdict];
  const box = $("verdict");
  box.replaceChildren(make("h2", first), make("p", then));
  box.className = report.verdict;
  if (report.verdict === "untrusted" && report.facts.fingerprint) box.append(make("code", report.facts.fingerprint));
  if (report.facts.bundle) box.append(make("p", `${report.facts.bundle} · ${report.facts.log ?? ""}`, { class: "quiet" }));
  const groups = [];
  for (const outcome of ["failed", "unreadable", "untrusted", "passed", "not_checked"]) {
    const found = report.findings.filter((one) => one.outcome === outcome);
    if (!found.length) continue;
    const list = make("ul");
    for (const one of found.slice(0, MOST)) {
      const line = make("li");
      const known = words.codes[one.code];
      if (known) line.append(make("strong", known), document.createElement("br"));
      line.append(make("bdi", one.subject), document.createTextNode(one.detail ? ": " : " "), make("bdi", one.detail), document.createTextNode(" "), make("code", one.code));
      list.append(line);
    }
    if (found.length > MOST) list.append(make("li", `+ ${found.length - MOST}`));
    const group = make("section", "", { class: outcome });
    group.append(make("h3", `${words.groups[outcome]} (${found.length})`), list);
    groups.push(group);
  }
  $("findings").replaceChildren(...groups);
  box.dataset.verdict = report.verdict;
}

async function run() {
  delete $("verdict").dataset.verdict;
  $("verdict").replaceChildren();
  $("findings").replaceChildren();
  window.lastReport = null;
  if (!chosen) return;
  $("working").hidden = false;
  $("name").textContent = shown(`${chosen.name}, ${chosen.size.toLocaleString()} B`);
  let told = 0;
  const report = await check(chosen, $("key").value, (done, total) => {
    if (performance.now() - told < 100) return;
    told = performance.now();
    $("bar").max = total;
    $("bar").value = done;
  });
  $("working").hidden = true;
  $("again").hidden = false;
  window.lastReport = report;
  show(report);
}

// Choosing the same file again, after it was replaced, is choosing too.
$("file").addEventListener("click", () => { $("file").value = ""; });
$("file").addEventListener("change", () => { [chosen] = $("file").files; run(); });
$("again").addEventListener("click", run);
for (const button of document.querySelectorAll("[data-language]")) button.addEventListener("click", () => speak(button.dataset.language));
for (const kind of ["dragover", "drop"]) {
  document.addEventListener(kind, (event) => {
    event.preventDefault();
    $("drop").classList.toggle("over", kind === "dragover");
    if (kind === "drop" && event.dataTransfer.files.length) { [chosen] = event.dataTransfer.files; run(); }
  });
}
document.addEventListener("dragleave", () => $("drop").classList.remove("over"));
speak((navigator.language || "en").slice(0, 2) in WORDS ? navigator.language.slice(0, 2) : "en");
crypto.subtle?.generateKey("Ed25519", false, ["sign", "verify"]).catch(() => { $("old").hidden = false; });
if (!crypto.subtle) $("old").hidden = false;
