/* A client for resumable upload, tus 1.0 (https://tus.io/protocols/resumable-upload).

   It asks how much the server has, sends the rest in chunks, each with its SHA-256, and after any
   break asks again and goes on from there.  A refusal that no repeating would change is thrown as
   Refused; a pause or a cancellation as Stopped. */

import { say } from "./words.js";

export const CHUNK = 8 * 2 ** 20; // bytes
const WAITS = [0.5, 1, 2, 4, 8, 15, 30]; // seconds; the last one repeats
const PATIENCE = 40; // tries without a new byte before a person must say go on: about 17 minutes
const SILENCE = 120; // seconds without progress after which a connection is given up
const AGAIN = new Set([0, 408, 409, 423, 425, 429, 460, 500, 502, 503, 504]);

export class Refused extends Error {
  constructor(status, sentence) {
    super(sentence || say("The server refused ({status}).", { status }));
    this.status = status;
  }
}

export class Stopped extends Error {}

function token() {
  return document.cookie.match(/(?:^|; )(?:__Host-)?csrftoken=([^;]+)/)?.[1] ?? "";
}

function base64(bytes) {
  let text = "";
  for (const byte of bytes) text += String.fromCharCode(byte);
  return btoa(text);
}

/** Ask once.  Status 0 stands for "no answer". */
function ask(method, url, { headers = {}, body = null, signal, onprogress } = {}) {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(new Stopped());
    const request = new XMLHttpRequest();
    request.open(method, url);
    request.setRequestHeader("Tus-Resumable", "1.0.0");
    request.setRequestHeader("X-CSRFToken", token());
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    const stop = () => request.abort();
    signal?.addEventListener("abort", stop);
    let heard = performance.now();
    const watch = setInterval(() => {
      if (performance.now() - heard > SILENCE * 1000) request.abort();
    }, 5000);
    request.upload.onprogress = (event) => {
      heard = performance.now();
      onprogress?.(event.loaded);
    };
    request.onloadend = () => {
      clearInterval(watch);
      signal?.removeEventListener("abort", stop);
      if (signal?.aborted) reject(new Stopped());
      else resolve(request);
    };
    request.send(body);
  });
}

function sentenceOf(answer) {
  const plain = answer.getResponseHeader("Content-Type")?.startsWith("text/plain");
  if (plain && answer.responseText) return answer.responseText;
  if (answer.status === 403) return say("You may not upload here any more, or the page is too old; load it again.");
  if (answer.status === 404) return say("The server does not know this upload or this case.");
  return say("The server answered {status}.", { status: answer.status });
}

/** Ask until there is an answer; wait longer each time.  `onwait(seconds)` tells the person. */
async function insist(attempt, { signal, onwait }) {
  for (let tries = 0; ; tries++) {
    const answer = await attempt();
    if (!AGAIN.has(answer.status)) return answer;
    if (tries >= PATIENCE) throw new Refused(answer.status, say("The server can't be reached. Press Resume to try again."));
    await pause(WAITS[Math.min(tries, WAITS.length - 1)], signal, onwait);
  }
}

async function pause(seconds, signal, onwait) {
  onwait?.(seconds);
  await new Promise((resolve, reject) => {
    const timer = setTimeout(resolve, seconds * 1000);
    signal?.addEventListener("abort", () => { clearTimeout(timer); reject(new Stopped()); }, { once: true });
  });
}

export async function getJson(url, { signal, onwait } = {}) {
  const answer = await insist(() => ask("GET", url, { signal }), { signal, onwait });
  if (answer.status !== 200) throw new Refused(answer.status, sentenceOf(answer));
  return JSON.parse(answer.responseText);
}

/** Announce a file and return the address of its upload. */
export async function announce(endpoint, { length, metadata, signal, onwait }) {
  const encoder = new TextEncoder();
  const pairs = Object.entries(metadata).filter(([, value]) => value)
    .map(([key, value]) => `${key} ${base64(encoder.encode(value))}`);
  const headers = { "Upload-Length": String(length), "Upload-Metadata": pairs.join(",") };
  const answer = await insist(() => ask("POST", endpoint, { headers, signal }), { signal, onwait });
  if (answer.status !== 201) throw new Refused(answer.status, sentenceOf(answer));
  return answer.getResponseHeader("Location");
}

export async function forget(url) {
  const answer = await ask("DELETE", url);
  if (answer.status >= 300 && answer.status !== 404) throw new Refused(answer.status, sentenceOf(answer));
}

async function offsetOf(url, options) {
  const answer = await insist(() => ask("HEAD", url, options), options);
  if (answer.status !== 200) throw new Refused(answer.status, sentenceOf(answer));
  return Number(answer.getResponseHeader("Upload-Offset"));
}

/** Send what the server does not have yet.  The last chunk's answer comes after the sealing. */
export async function send(file, url, { signal, onprogress, onwait }) {
  const options = { signal, onwait };
  let offset = await offsetOf(url, options);
  for (let tries = 0, ended = false; !ended; ) {
    onprogress(offset);
    // A piece of the file, not an array of bytes, is what is sent: the browser reads it from disk.
    const piece = file.slice(offset, offset + CHUNK);
    const headers = { "Content-Type": "application/offset+octet-stream", "Upload-Offset": String(offset) };
    if (globalThis.crypto?.subtle && piece.size) {
      const digest = await crypto.subtle.digest("SHA-256", await piece.arrayBuffer());
      headers["Upload-Checksum"] = `sha256 ${base64(new Uint8Array(digest))}`;
    }
    const answer = await ask("PATCH", url, {
      headers, body: piece, signal, onprogress: (sent) => onprogress(offset + sent),
    });
    if (answer.status === 204) {
      offset = Number(answer.getResponseHeader("Upload-Offset"));
      tries = 0;
      ended = offset >= file.size;
    } else if (AGAIN.has(answer.status)) {
      if (tries >= PATIENCE) throw new Refused(answer.status, say("The server can't be reached. Press Resume to try again."));
      await pause(WAITS[Math.min(tries++, WAITS.length - 1)], signal, onwait);
      const before = offset;
      offset = await offsetOf(url, options);
      if (offset > before) tries = 0;
    } else {
      throw new Refused(answer.status, sentenceOf(answer));
    }
  }
  onprogress(offset);
}
