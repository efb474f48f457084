/* The upload page: files in, digests worked out here, bytes sent in pieces, receipts shown.

   A file is hashed before it is sent, so that the archive's digest can be held against one that was
   made before the bytes left.  An upload that a reload cut off goes on when a file with the very
   same SHA-256 is chosen again, whatever its name.  Each row's changes are drawn once a frame. */

import { digestOf } from "./sha256.js";
import { read } from "./pasting.js";
import { announce, forget, getJson, Refused, send, Stopped } from "./tus.js";
import { kindOf, typeOf } from "./types.js";
import { say } from "./words.js";

const AT_ONCE = { looks: 6, hashes: 2, transfers: 3 };
const IN_MEMORY = 64 * 2 ** 20; // bytes; larger files are hashed by pieces in a worker
const ASKED_AT_ONCE = 40; // digests in one question, as the server allows
const SUMMARY_EVERY = 500; // milliseconds; a screen reader would never finish a sentence otherwise

const WORDS = {
  offline: say("Unfinished"), hashing: say("Hashing"), ready: say("Ready"), waiting: say("Waiting"),
  sending: say("Sending"), sealing: say("Being sealed"), received: say("Received"), failed: say("Failed"),
  paused: say("Paused"),
};
const BADGE = { received: "good", failed: "bad", sending: "new", sealing: "new", offline: "marker" };
const ACTS = { sending: say("Pause"), waiting: say("Pause"), paused: say("Resume"), failed: say("Retry") };
const GOING = new Set(["waiting", "sending"]);

const root = document.getElementById("upload");
const find = (id) => document.getElementById(id);

function sizeOf(bytes) {
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let unit = 0;
  for (; bytes >= 1024 && unit < 4; unit++) bytes /= 1024;
  return `${unit ? bytes.toFixed(bytes < 10 ? 1 : 0) : bytes} ${units[unit]}`;
}

/** Show a name with what would reorder or hide its letters spelt out: "‹U+202E›gpj.exe". */
function shown(name) {
  return name.replace(/[\u0000-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2069\ufeff]/g,
    (letter) => `‹U+${letter.charCodeAt(0).toString(16).toUpperCase().padStart(4, "0")}›`);
}

/** Runs at most `lanes` tasks at a time, first come first served. */
class Queue {
  #waiting = [];
  #running = 0;
  constructor(lanes) { this.lanes = lanes; }
  add(task) { this.#waiting.push(task); this.#next(); }
  #next() {
    while (this.#running < this.lanes && this.#waiting.length) {
      this.#running += 1;
      const task = this.#waiting.shift();
      task().finally(() => { this.#running -= 1; this.#next(); });
    }
  }
}
const looks = new Queue(AT_ONCE.looks);
const hashes = new Queue(AT_ONCE.hashes);
const transfers = new Queue(AT_ONCE.transfers);

const rows = new Set();
const chosen = new Map(); // path, size and time of change → row
const unfinished = new Map(); // SHA-256 → rows that the server has a part of
const tally = { files: 0, bytes: 0, sent: 0, going: 0, paused: 0, received: 0, failed: 0 };
const changed = new Set();
let frame = 0;

function draw() {
  frame = 0;
  for (const row of changed) row.draw();
  changed.clear();
}

class Row {
  constructor({ file = null, name, size }) {
    Object.assign(this, {
      file, name, size, state: "", words: "", type: "", hashed: 0, sent: 0, sha256: "", url: "",
      wanted: false, own: {}, held: null, answer: null, controller: null, worker: null, drawn: {},
    });
    this.element = find("row").content.firstElementChild.cloneNode(true);
    this.parts = Object.fromEntries(
      ["name", "facts-line", "state", "edit", "title", "kind", "bars", "hashed", "sent", "own", "words",
        "held", "receipt", "act", "remove"].map((part) => [part, this.element.querySelector(`.${part}`)]));
    this.parts.name.textContent = shown(name);
    this.parts.title.placeholder = shown(name.split("/").pop());
    this.parts.act.addEventListener("click", () => this.act());
    this.parts.remove.addEventListener("click", () => this.remove());
    tally.files += 1;
    tally.bytes += size;
    rows.add(this);
  }

  set(changes) {
    const before = this.state;
    const sent = this.sent;
    Object.assign(this, changes);
    tally.sent += this.sent - sent;
    if (before !== this.state) { this.#count(before, -1); this.#count(this.state, 1); }
    this.redraw();
    summarise();
  }

  #count(state, by) {
    if (GOING.has(state) || state === "sealing") tally.going += by;
    else if (state in tally) tally[state] += by;
  }

  /** Take over what a spreadsheet says of this file alone. */
  fill({ title, kind, ...own }, words) {
    if (title) this.parts.title.value = title;
    if (kind) this.parts.kind.value = kind;
    this.own = own;
    this.parts.own.textContent = Object.entries(own).map(words).join(" · ");
    this.parts.own.hidden = !Object.keys(own).length;
  }

  redraw() {
    changed.add(this);
    frame ||= requestAnimationFrame(draw);
  }

  draw() {
    const { parts, state } = this;
    parts.hashed.value = this.size ? this.hashed / this.size : 0;
    parts.sent.value = this.size ? this.sent / this.size : 0;
    parts.words.textContent = this.words;
    parts["facts-line"].textContent = [sizeOf(this.size), this.type].filter(Boolean).join(" · ");
    if (this.drawn.state !== state) {
      this.element.className = `row ${state}`;
      parts.state.textContent = WORDS[state] ?? state;
      parts.state.className = `state badge ${BADGE[state] ?? ""}`;
      parts.edit.hidden = !["hashing", "ready"].includes(state) || Boolean(this.url);
      parts.bars.hidden = state === "received" || (state === "failed" && !this.sent);
      parts.act.hidden = !(state in ACTS);
      parts.act.textContent = ACTS[state] ?? "";
      parts.act.setAttribute("aria-label", `${ACTS[state]} ${this.name}`);
      parts.remove.hidden = state === "received" || state === "sealing";
      this.drawn.state = state;
    }
    const removal = this.url ? say("Cancel") : say("Remove");
    if (this.drawn.removal !== removal) {
      parts.remove.textContent = removal;
      parts.remove.setAttribute("aria-label", `${removal} ${this.name}`);
      this.drawn.removal = removal;
    }
    if (this.held?.length && !this.drawn.held) {
      this.drawn.held = true;
      parts.held.hidden = false;
      parts.held.append(say("The same bytes are already held as:"), " ");
      this.held.forEach(({ reference, url }, i) => parts.held.append(i ? ", " : "", link(reference, url)));
      parts.held.append(". ", say("Uploading makes another item with a history of its own."));
    }
    if (state === "received" && !this.drawn.receipt) this.#drawReceipt();
  }

  #drawReceipt() {
    this.drawn.receipt = true;
    const { receipt, item_url, receipt_url } = this.answer;
    const same = !this.sha256 ? say("computed by the archive")
      : this.sha256 === receipt.sha256 ? say("the same in your browser and in the archive")
      : say("DIFFERENT: your browser computed {sha256}", { sha256: this.sha256 });
    const list = this.parts.receipt;
    const add = (term, ...content) => {
      const dt = document.createElement("dt");
      const dd = document.createElement("dd");
      dt.textContent = term;
      dd.append(...content);
      list.append(dt, dd);
    };
    add(say("Reference"), link(receipt.reference, item_url), " · ", link(say("receipt"), receipt_url));
    add("SHA-256", code(receipt.sha256), ` ${same}`);
    add(say("Entry"), code(receipt.entry_hash), ` ${say("no. {number} of {log}", { number: receipt.entry_seq, log: receipt.origin })}`);
    add(say("Recorded"), receipt.time);
    list.hidden = false;
  }

  /* From choosing to receipt. */

  prepare() {
    this.set({ state: "hashing", words: say("Waiting to be hashed") });
    looks.add(async () => {
      try { this.set({ type: await typeOf(this.file) }); } catch { /* hashing tells the person */ }
    });
    hashes.add(() => this.#hash());
  }

  async #hash() {
    if (this.removed) return;
    this.set({ words: "" });
    try {
      const sha256 = this.size <= IN_MEMORY && globalThis.crypto?.subtle
        ? await digestOf(await this.file.arrayBuffer())
        : await this.#hashByPieces();
      if (this.removed) return;
      this.set({ sha256, hashed: this.size });
    } catch (error) {
      if (!this.removed) this.fail(say("The file can't be read: {why}", { why: error.message }));
      return;
    }
    this.#adopt();
    if (this.wanted) this.queue();
    else this.set({ state: "ready" });
    askHeld(this);
  }

  #hashByPieces() {
    return new Promise((resolve, reject) => {
      this.worker = new Worker(new URL("./hashing.js", import.meta.url), { type: "module" });
      const end = (settle, value) => { this.worker.terminate(); this.worker = null; settle(value); };
      this.worker.onmessage = ({ data }) => {
        if (data.done !== undefined) this.set({ hashed: data.done });
        else if (data.sha256) end(resolve, data.sha256);
        else end(reject, new Error(data.error));
      };
      this.worker.onerror = (event) => end(reject, new Error(event.message || say("the hashing worker did not start")));
      this.stopHashing = () => end(resolve, "");
      this.worker.postMessage(this.file);
    });
  }

  /** Take over an upload of these very bytes that an earlier page left unfinished. */
  #adopt() {
    const left = unfinished.get(this.sha256)?.shift();
    if (!left) return;
    left.leave();
    this.set({ url: left.url, wanted: true, sent: left.sent });
    this.drawn.state = "";
  }

  queue() {
    this.wanted = true;
    if (!this.sha256 && this.file) return this.set({ words: this.words });
    this.set({ state: "waiting", words: "" });
    const controller = (this.controller = new AbortController());
    transfers.add(() => this.#transfer(controller));
  }

  async #transfer(controller) {
    const { signal } = controller;
    if (signal.aborted) return;
    this.set({ state: "sending", words: "" });
    const onwait = (seconds) => this.set({ words: say("No answer from the server; trying again in {seconds} s", { seconds: Math.ceil(seconds) }) });
    const onprogress = (sent) => this.set({ sent, words: sent >= this.size ? say("Waiting for the receipt") : "" });
    try {
      const file = this.file ?? { size: this.size, slice: () => new Blob([]) };
      // What is begun here is not in that list then, and is shown once.
      if (!this.url) await recovered;
      if (signal.aborted) return;
      for (let fresh = !this.url; ; fresh = true) {
        if (fresh) this.url = await announce(root.dataset.endpoint, { length: this.size, metadata: this.#metadata(), signal, onwait });
        try {
          await send(file, this.url, { signal, onprogress, onwait });
          break;
        } catch (error) {
          // What an earlier page had sent is gone on the server: begin anew, once.
          if (fresh || !this.file || ![404, 410].includes(error.status)) throw error;
        }
      }
      await this.follow(signal);
    } catch (error) {
      if (error instanceof Stopped) return;
      this.fail(error instanceof Refused ? error.message : say("Something went wrong: {why}", { why: error.message }));
      if (error.status === 401) { notify(error.message); pauseAll(); }
    }
  }

  #metadata() {
    const said = { ...defaults(), ...this.own };
    const selected = said.case;
    delete said.case;
    said.title = this.parts.title.value.trim() || this.name.split("/").pop().slice(0, 300);
    said.kind = this.parts.kind.value || kindOf(this.type);
    for (const name of Object.keys(said)) if (!said[name]) delete said[name];
    return { filename: this.name, filetype: this.type, sha256: this.sha256, case: selected, fields: JSON.stringify(said) };
  }

  /** Ask what became of it until it is received or has failed. */
  async follow(signal) {
    for (let wait = 500; ; wait = Math.min(wait * 1.5, 5000)) {
      const answer = await getJson(`${this.url}state/`, { signal });
      if (answer.state === "received") {
        return this.set({ state: "received", answer, sent: this.size, hashed: this.size, words: "", controller: null });
      }
      if (answer.state === "failed") return this.fail(answer.reason);
      if (answer.state === "arriving") return this.fail(say("The archive has all bytes but has not sealed them yet. Press Retry."));
      this.set({ state: "sealing", words: say("All bytes arrived; the archive has read {read} of {size} while sealing", { read: sizeOf(answer.sealed ?? 0), size: sizeOf(this.size) }) + (answer.reason ? `. ${say("It tries again after: {why}", { why: answer.reason })}` : "") });
      await new Promise((resolve) => setTimeout(resolve, wait));
    }
  }

  fail(words) { this.set({ state: "failed", words, controller: null }); }

  pause() {
    this.controller?.abort();
    this.set({ state: "paused", words: say("Paused at {sent} of {size}", { sent: sizeOf(this.sent), size: sizeOf(this.size) }) });
  }

  act() {
    if (GOING.has(this.state)) return this.pause();
    if (this.file && !this.sha256) return this.prepare();
    this.queue();
  }

  /** Take the row off the page; what the server has stays. */
  leave() {
    this.removed = true;
    this.controller?.abort();
    this.stopHashing?.();
    tally.files -= 1;
    tally.bytes -= this.size;
    this.set({ sent: 0, state: "" });
    rows.delete(this);
    chosen.delete(this.key);
    this.element.remove();
  }

  async remove() {
    const { url } = this;
    this.controller?.abort();
    try {
      if (url) await forget(url);
    } catch (error) {
      return this.fail(error.message);
    }
    const others = unfinished.get(this.answer?.sha256);
    if (others?.includes(this)) others.splice(others.indexOf(this), 1);
    this.leave();
  }
}

function link(text, url) {
  const a = document.createElement("a");
  a.textContent = text;
  a.href = url;
  a.target = "_blank";
  return a;
}

function code(text) {
  const element = document.createElement("code");
  element.textContent = text;
  return element;
}

function notify(sentence) {
  find("notice").textContent = sentence;
  find("notice").hidden = !sentence;
}

function defaults() {
  return Object.fromEntries(new FormData(find("defaults")));
}

/* Already held?  Asked for many rows at a time; only what the person may see comes back. */

let asking = [];
let askTimer = 0;

function askHeld(row) {
  asking.push(row);
  askTimer ||= setTimeout(async () => {
    askTimer = 0;
    const now = asking;
    asking = [];
    for (let i = 0; i < now.length; i += ASKED_AT_ONCE) {
      const some = now.slice(i, i + ASKED_AT_ONCE);
      try {
        const query = some.map(({ sha256 }) => sha256).join(",");
        const { held } = await getJson(`${root.dataset.held}?sha256=${query}`);
        for (const one of some) {
          // An item that this very upload has made meanwhile is no news.
          const others = held[one.sha256]?.filter(({ reference }) => reference !== one.answer?.receipt?.reference);
          if (others?.length && one.state !== "received") one.set({ held: others });
        }
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        return; // a courtesy; sending the file tells of any trouble
      }
    }
  }, 250);
}

/* The line above the rows. */

let summaryTimer = 0;
let summarised = -SUMMARY_EVERY;

function summarise() {
  summaryTimer ||= setTimeout(drawSummary, Math.max(0, summarised + SUMMARY_EVERY - performance.now()));
}

function drawSummary() {
  clearTimeout(summaryTimer);
  summaryTimer = 0;
  summarised = performance.now();
  const { files, bytes, sent, going, paused, received, failed } = tally;
  const parts = [say(files === 1 ? "1 file, {size}" : "{number} files, {size}", { number: files, size: sizeOf(bytes) })];
  if (going) parts.push(say("{number} under way", { number: going }));
  if (received) parts.push(say("{number} received", { number: received }));
  if (paused) parts.push(say("{number} paused", { number: paused }));
  if (failed) parts.push(say("{number} failed", { number: failed }));
  write(find("summary"), parts.join(" · "));
  find("total").value = bytes ? sent / bytes : 0;
  find("bar").hidden = !files && find("notice").hidden;
  const unsent = startable().length;
  find("start").disabled = !unsent;
  write(find("start"), unsent ? say(unsent === 1 ? "Upload 1 file" : "Upload {number} files", { number: unsent }) : say("Upload"));
  find("pause").hidden = !going;
  find("resume").hidden = !(paused + failed);
  for (const id of ["print", "save-json", "save-text"]) find(id).hidden = !received;
}

function write(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

function startable() {
  return [...rows].filter((row) => row.file && !row.wanted && ["hashing", "ready"].includes(row.state));
}

function pauseAll() {
  for (const row of rows) if (GOING.has(row.state)) row.pause();
}

/* Choosing and dropping. */

function add(files) {
  const fragment = document.createDocumentFragment();
  const refused = [];
  const fresh = [];
  for (const { file, path } of files) {
    const key = `${path}\n${file.size}\n${file.lastModified}`;
    if (chosen.has(key)) continue;
    if (!file.size) { refused.push(say("{name} is empty", { name: path })); continue; }
    if (file.size > Number(root.dataset.max)) { refused.push(say("{name} is larger than {size}", { name: path, size: sizeOf(Number(root.dataset.max)) })); continue; }
    const row = new Row({ file, name: path, size: file.size });
    row.key = key;
    chosen.set(key, row);
    fragment.append(row.element);
    fresh.push(row);
  }
  find("rows").append(fragment);
  for (const row of fresh) row.prepare();
  drawSummary(); // at once: whoever has chosen files looks for the button
  if (refused.length) {
    find("bar").hidden = false;
    const more = refused.length > 5 ? say(" and {number} more", { number: refused.length - 5 }) : "";
    notify(say("Not added: {names}.", { names: refused.slice(0, 5).join("; ") + more }));
  }
}

async function walk(entry) {
  if (entry.isFile) {
    const file = await new Promise((resolve, reject) => entry.file(resolve, reject));
    return [{ file, path: entry.fullPath.replace(/^\//, "") }];
  }
  const reader = entry.createReader();
  const found = [];
  for (;;) {
    // A folder is told in portions of 100; an empty portion is the end.
    const portion = await new Promise((resolve, reject) => reader.readEntries(resolve, reject));
    if (!portion.length) return found;
    for (const one of portion) found.push(...await walk(one));
  }
}

async function dropped(event) {
  event.preventDefault();
  find("drop").classList.remove("over");
  // The list is emptied when this handler returns, so everything is taken from it at once.
  const entries = [...event.dataTransfer.items].map((item) => item.webkitGetAsEntry?.()).filter(Boolean);
  const plain = [...event.dataTransfer.files];
  if (!entries.length) return add(plain.map((file) => ({ file, path: file.name })));
  for (const entry of entries) {
    try {
      add(await walk(entry));
    } catch (error) {
      find("bar").hidden = false;
      notify(say("{name} can't be read: {why}", { name: entry.name, why: error.message }));
    }
  }
}

function remember() {
  sessionStorage.setItem("upload defaults", JSON.stringify(defaults()));
}

function recall() {
  const fields = find("defaults").elements;
  const kept = JSON.parse(sessionStorage.getItem("upload defaults") ?? "{}");
  for (const [name, value] of Object.entries(kept)) {
    const field = fields.namedItem(name);
    if (!field) continue;
    if (field.tagName === "SELECT" && ![...field.options].some((option) => option.value === value)) continue;
    field.value = value;
  }
}

/* Rows of a spreadsheet. */

const EVERY = ["title", "kind"]; // fields that each row has beside those of all files

function fieldsOf() {
  const all = [...find("defaults").elements].filter((one) => one.name && one.name !== "case");
  const row = find("row").content.firstElementChild;
  return new Map([...all.map((one) => [one.name, one]), ...EVERY.map((name) => [name, row.querySelector(`.${name}`)])]);
}

/** What a column may be called: the words on this page, or the field's name. */
function columns() {
  const words = (field) => (field.labels?.[0] ?? field.closest("label")).firstChild.textContent.trim();
  return { file: [say("file"), "file"], ...Object.fromEntries([...fieldsOf()].map(([name, field]) => [name, [words(field), name]])) };
}

function choices() {
  const lists = [...fieldsOf()].filter(([, field]) => field.tagName === "SELECT");
  return Object.fromEntries(lists.map(([name, field]) => [name, Object.fromEntries([...field.options].filter((one) => one.value).map((one) => [one.value, one.textContent.trim()]))]));
}

function fillIn() {
  const waiting = startable();
  const files = (name) => {
    const whole = waiting.filter((row) => row.name === name);
    return whole.length ? whole : waiting.filter((row) => row.name.split("/").pop() === name);
  };
  const names = columns();
  const known = choices();
  const { wrong, found } = read(find("pasted").value, { columns: names, choices: known, files });
  for (const [name, field] of fieldsOf()) {
    for (const said of found.values()) {
      if (field.maxLength > 0 && said[name]?.length > field.maxLength) wrong.push(say("“{name}” is longer than {number} characters.", { name: names[name][0], number: field.maxLength }));
    }
  }
  const said = find("pasted-said");
  said.replaceChildren();
  if (wrong.length) {
    const list = document.createElement("ul");
    list.className = "errorlist";
    for (const words of wrong.slice(0, 20)) list.append(Object.assign(document.createElement("li"), { textContent: words }));
    said.append(list);
    return;
  }
  const words = ([name, value]) => `${names[name][0]}: ${known[name]?.[value] ?? value}`;
  for (const [row, own] of found) row.fill(own, words);
  said.textContent = say("Filled in: {number}. Without a line: {rest}.", { number: found.size, rest: waiting.length - found.size });
}

/* Receipts to keep. */

const receipts = () => [...rows].filter((row) => row.state === "received").map((row) => ({
  ...row.answer.receipt, browser_sha256: row.sha256 || null,
}));

function save(name, type, text) {
  const a = document.createElement("a");
  a.href = URL.createObjectURL(new Blob([text], { type }));
  a.download = name;
  a.click();
  setTimeout(() => URL.revokeObjectURL(a.href), 10_000);
}

function asText(all) {
  return all.map((one) => [
    `Reference        ${one.reference}`,
    `File             ${one.filename}`,
    `Size             ${one.size} bytes`,
    `SHA-256          ${one.sha256}`,
    `SHA-256, browser ${one.browser_sha256 ?? "not computed"}`,
    `SHA-512          ${one.sha512}`,
    `Entry            ${one.entry_hash}`,
    `Entry number     ${one.entry_seq} of ${one.origin}`,
    `Recorded         ${one.time}`,
  ].join("\n")).join("\n\n") + "\n";
}

/* What earlier pages left. */

/** Settled when the list of what was left unfinished has come. */
let recovered = Promise.resolve();

async function recover() {
  const { uploads } = await getJson(root.dataset.endpoint);
  const fragment = document.createDocumentFragment();
  for (const one of uploads) {
    if ([...rows].some((row) => row.url === one.url)) continue; // begun here, while this was asked
    const row = new Row({ name: one.filename, size: one.length });
    row.set({ url: one.url, sent: one.offset, type: one.media_type, answer: one, wanted: true });
    fragment.append(row.element);
    const whole = one.offset === one.length;
    if (one.state === "sealing") {
      row.set({ state: "sealing", sha256: one.sha256 });
      row.follow().catch((error) => row.fail(error.message));
    } else if (whole) {
      row.set({ state: "failed", sha256: one.sha256, words: one.reason || say("All bytes arrived, but nobody waited for the receipt. Press Retry.") });
    } else {
      const percent = Math.floor(100 * one.offset / one.length);
      row.set({ state: "offline", words: say("{percent} % arrived earlier, for {place}. Choose the file again to go on from there.", { percent, place: one.case }) });
      if (one.sha256) unfinished.set(one.sha256, [...(unfinished.get(one.sha256) ?? []), row]);
    }
  }
  find("rows").prepend(fragment);
}

function begin() {
  recall();
  find("defaults").addEventListener("change", remember);
  find("defaults").addEventListener("submit", (event) => event.preventDefault());
  for (const id of ["choose-files", "choose-folder"]) {
    const take = () => {
      add([...find(id).files].map((file) => ({ file, path: file.webkitRelativePath || file.name })));
      find(id).value = "";
    };
    find(id).addEventListener("change", take);
    if (find(id).files.length) take(); // chosen before this script had come
  }
  // Anywhere on the page will do: a file dropped beside the frame must not replace the page.
  addEventListener("dragover", (event) => { event.preventDefault(); find("drop").classList.add("over"); });
  addEventListener("dragleave", (event) => { if (!event.relatedTarget) find("drop").classList.remove("over"); });
  addEventListener("drop", dropped);
  find("start").addEventListener("click", () => {
    if (!find("defaults").reportValidity()) return;
    for (const row of startable()) row.queue();
    drawSummary();
  });
  find("pause").addEventListener("click", pauseAll);
  find("fill-in").addEventListener("click", fillIn);
  find("resume").addEventListener("click", () => {
    notify("");
    for (const row of rows) if (["paused", "failed"].includes(row.state)) row.act();
  });
  find("print").addEventListener("click", () => print());
  find("save-json").addEventListener("click", () => save("receipts.json", "application/json", JSON.stringify(receipts(), null, 1)));
  find("save-text").addEventListener("click", () => save("receipts.txt", "text/plain", asText(receipts())));
  addEventListener("beforeunload", (event) => {
    if ([...rows].some((row) => GOING.has(row.state))) event.preventDefault();
  });
  recovered = recover().catch((error) => { find("bar").hidden = false; notify(say("Unfinished uploads can't be shown: {why}", { why: error.message })); });
}

if (find("rows")) begin();
