/* Checks a bundle (docs/formats/bundle.md) in the browser: what verify.pyz checks, with the same codes.

   Reads a ZIP file by slices, extracts nothing, asks no server.  Digests and signatures are the
   browser's own (Web Crypto).  Whatever the bytes, check() returns a report. */

const PASSED = "passed", FAILED = "failed", UNREADABLE = "unreadable", UNTRUSTED = "untrusted";
const NOT_CHECKED = "not_checked";
const LONGEST = { file: 2 ** 30, manifest: 2 ** 29, text: 2 ** 26, record: 2 ** 24, note: 2 ** 16 };
const MOST_MEMBERS = 1_000_000;
const ALGORITHMS = { sha256: ["SHA-256", 64], sha512: ["SHA-512", 128] };
const SIGNED = "tagmanifest-sha512.txt";
const SIGNATURE = `signatures/${SIGNED}.ed25519.sig`, SSH_SIGNATURE = `signatures/${SIGNED}.sshsig`;
const TOKEN = `signatures/${SIGNED}.tsr`, STAMP_ROOTS = "signatures/tsa.pem", STAMPS = "signatures/timestamp-sha512.txt";
const PUBLIC_KEY = "signatures/archive-ed25519.pub.pem", ALLOWED = "signatures/allowed_signers";
const CUSTODY = "data/custody/", EVIDENCE = "data/evidence/";

class Malformed extends Error {}

const hex = (bytes) => Array.from(new Uint8Array(bytes), (b) => b.toString(16).padStart(2, "0")).join("");
const same = (one, other) => one.length === other.length && one.every((b, at) => b === other[at]);
const utf8 = new TextEncoder();
const joined = (...parts) => {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) { whole.set(part, at); at += part.length; }
  return whole;
};
const number = (value, length) => Uint8Array.from({ length }, (_, place) => Math.floor(value / 256 ** place) % 256);
const sha = async (name, bytes) => new Uint8Array(await crypto.subtle.digest(name, bytes));
const base64 = (text) => {
  if (!/^[A-Za-z0-9+/]*={0,2}$/.test(text) || text.length % 4) throw new Malformed("not in base64");
  return Uint8Array.from(atob(text), (c) => c.charCodeAt(0));
};
const asText = (bytes) => {
  try {
    return new TextDecoder("utf-8", { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Malformed("not text in UTF-8");
  }
};
const asJson = (text) => {
  try {
    return JSON.parse(text);
  } catch {
    throw new Malformed("not JSON");
  }
};

const CRC = Uint32Array.from({ length: 256 }, (_, n) => {
  for (let k = 0; k < 8; k += 1) n = n & 1 ? 0xedb88320 ^ (n >>> 1) : n >>> 1;
  return n >>> 0;
});
const crc32 = (bytes) => {
  let crc = 0xffffffff;
  for (let at = 0; at < bytes.length; at += 1) crc = CRC[(crc ^ bytes[at]) & 0xff] ^ (crc >>> 8);
  return (crc ^ 0xffffffff) >>> 0;
};

const DEVICE = /(?:^|\/)(?:con|prn|aux|nul|conin\$|conout\$|com[0-9]|lpt[0-9])(?:\.[^/]*)?(?:\/|$)/i;
function unsafe(path) {
  const parts = path.split("/");
  if (!path || path.startsWith("/") || path.endsWith("/") || path.includes("//")) return "is not a relative path";
  if (path.length > 1024) return "is too long";
  if (parts.includes("..") || parts.includes(".")) return "leads out of the bundle";
  // eslint-disable-next-line no-control-regex
  if (/[\x00-\x1f\x7f\\:*?"<>|%]/.test(path)) return "holds a character that is not allowed in names";
  if (DEVICE.test(path)) return "is the name of a device on Windows";
  if (parts.some((part) => /[. ]$|^ /.test(part))) return "begins or ends with a space, or ends with a dot";
  if (parts.some((part) => utf8.encode(part).length > 255)) return "is too long";
  return path.normalize("NFC") === path ? null : "is not in Unicode normalisation form C";
}

/* A ZIP file: its members by path inside the one top folder, and the faults of its form. */
class Zip {
  constructor(file) {
    this.file = file;
    this.members = new Map();
    this.faults = [];
  }

  async slice(from, to) {
    return new Uint8Array(await this.file.slice(from, to).arrayBuffer());
  }

  async open() {
    const size = this.file.size;
    const tailFrom = Math.max(0, size - 22 - 65535 - 76);
    const tail = await this.slice(tailFrom, size);
    const view = new DataView(tail.buffer);
    let end = tail.length - 22;
    while (end >= 0 && view.getUint32(end, true) !== 0x06054b50) end -= 1;
    if (end < 0) throw new Malformed("not a ZIP file");
    if (view.getUint16(end + 20, true) || end + 22 !== tail.length) {
      this.fault("zip-hidden-bytes", this.file.name, "bytes after the end");
    }
    let [count, length, start] = [view.getUint16(end + 10, true), view.getUint32(end + 12, true), view.getUint32(end + 16, true)];
    let after = tailFrom + end;
    if (end >= 20 && view.getUint32(end - 20, true) === 0x07064b50) {
      const at = Number(view.getBigUint64(end - 12, true));
      const wide = new DataView((await this.slice(at, at + 56)).buffer);
      if (wide.byteLength < 56 || wide.getUint32(0, true) !== 0x06064b50) throw new Malformed("the ZIP file's end is damaged");
      [count, length, start] = [32, 40, 48].map((place) => Number(wide.getBigUint64(place, true)));
      after = at;
    }
    if (count > MOST_MEMBERS || length > LONGEST.manifest) throw new Malformed("more files than are read");
    if (start + length !== after) throw new Malformed("the ZIP file's directory is not where it says");
    await this.#directory(await this.slice(start, after), count, start);
  }

  /* Name what is not byte for byte as the archive writes it (archive/proof/zip_form.py). */
  async oddity() {
    const parts = [];
    let at = 0;
    for (const one of this.listed) {
      const long = one.size >= 0xffffffff, size = Math.min(one.size, 0xffffffff);
      const extra = long ? joined(number(1, 2), number(16, 2), number(one.size, 8), number(one.size, 8)) : new Uint8Array();
      const header = joined(number(0x04034b50, 4), number(long ? 45 : 20, 2), number(0, 6), number(0x21, 2), number(one.crc, 4), number(size, 4), number(size, 4), number(one.raw.length, 2), number(extra.length, 2), one.raw, extra);
      if (one.offset !== at || !same(await this.slice(at, at + header.length), header)) return one.name;
      const far = [...(long ? [one.size, one.size] : []), ...(at >= 0xffffffff ? [at] : [])];
      const more = far.length ? joined(number(1, 2), number(8 * far.length, 2), ...far.map((value) => number(value, 8))) : new Uint8Array();
      const version = far.length ? 45 : 20;
      parts.push(joined(number(0x02014b50, 4), number(0x300 | version, 2), number(version, 2), number(0, 6), number(0x21, 2), number(one.crc, 4), number(size, 4), number(size, 4), number(one.raw.length, 2), number(more.length, 2), number(0, 6), number(0o100444 * 65536, 4), number(Math.min(at, 0xffffffff), 4), one.raw, more));
      at += header.length + one.size;
    }
    const listing = joined(...parts), count = this.listed.length;
    const end = joined(number(0x06054b50, 4), number(0, 4), number(Math.min(count, 0xffff), 2), number(Math.min(count, 0xffff), 2), number(Math.min(listing.length, 0xffffffff), 4), number(Math.min(at, 0xffffffff), 4), number(0, 2));
    const big = count >= 0xffff || listing.length >= 0xffffffff || at >= 0xffffffff;
    const wide = big ? joined(number(0x06064b50, 4), number(44, 8), number(0x300 | 45, 2), number(45, 2), number(0, 8), number(count, 8), number(count, 8), number(listing.length, 8), number(at, 8), number(0x07064b50, 4), number(0, 4), number(at + listing.length, 8), number(1, 4)) : new Uint8Array();
    return same(await this.slice(at, this.file.size), joined(listing, wide, end)) ? null : `${this.file.name}, its directory`;
  }

  fault(code, subject, detail) {
    this.faults.push({ code, outcome: FAILED, subject, detail });
  }

  async #directory(bytes, count, start) {
    const view = new DataView(bytes.buffer);
    const listed = [];
    let at = 0;
    for (let number = 0; number < count; number += 1) {
      if (at + 46 > bytes.length || view.getUint32(at, true) !== 0x02014b50) throw new Malformed("the ZIP file's directory is damaged");
      const [flags, method] = [view.getUint16(at + 8, true), view.getUint16(at + 10, true)];
      const crc = view.getUint32(at + 16, true);
      let [packed, size, offset] = [20, 24, 42].map((place) => view.getUint32(at + place, true));
      const [names, extras, comments] = [28, 30, 32].map((place) => view.getUint16(at + place, true));
      const outer = view.getUint32(at + 38, true) >>> 16;
      const raw = bytes.slice(at + 46, at + 46 + names);
      const extra = bytes.slice(at + 46 + names, at + 46 + names + extras);
      [size, packed, offset] = wide(extra, [size, packed, offset]);
      at += 46 + names + extras + comments;
      let name;
      try {
        name = asText(raw);
      } catch {
        this.fault("name-unsafe", String.fromCharCode(...raw), "the name is not text");
        continue;
      }
      listed.push({ name, raw, flags, crc, size, offset });
      if (flags & 0x2041) this.fault("zip-encrypted", name, "the member is encrypted");
      else if (method) this.fault("zip-compressed", name, "the member is compressed");
      else if (packed !== size) this.fault("zip-size", name, "the member states two sizes");
      else if (![0, 0o100000].includes(outer & 0o170000)) this.fault("not-a-regular-file", name, "not a regular file");
    }
    if (at !== bytes.length) throw new Malformed("the ZIP file's directory is not as long as it says");
    this.listed = [...listed];
    await this.#place(listed, start);
  }

  async #place(listed, end) {
    const refused = new Set(this.faults.map((one) => one.subject));
    listed.sort((one, other) => one.offset - other.offset);
    if (listed.length && listed[0].offset) this.fault("zip-hidden-bytes", this.file.name, "bytes before the first member");
    const tops = new Set(), folded = new Map();
    for (const [number, one] of listed.entries()) {
      one.end = number + 1 < listed.length ? listed[number + 1].offset : end;
      const [top, ...rest] = one.name.split("/");
      tops.add(top);
      if (refused.has(one.name)) continue;
      if (one.offset + 30 + one.raw.length + one.size > one.end) {
        this.fault("zip-overlap", one.name, "the member runs into the next one");
        continue;
      }
      const path = rest.join("/");
      const why = unsafe(top) ?? (path ? unsafe(path) : "has no folder at its top");
      if (why) {
        this.fault("name-unsafe", one.name, `the name ${why}`);
        continue;
      }
      if (this.members.has(path)) {
        this.fault("name-duplicate", path, "two files have this name");
        continue;
      }
      const low = path.toLowerCase().normalize("NFC");
      if (folded.has(low)) this.fault("name-collision", path, `the name differs from ${folded.get(low)} only in case`);
      folded.set(low, path);
      this.members.set(path, one);
    }
    if (tops.size > 1) this.fault("zip-top-folder", [...tops].sort().slice(0, 5).join(", "), "a bundle has one folder at its top");
  }

  /* Give a member's bytes; its own header must say what the directory says. */
  async content(path, limit = LONGEST.file) {
    const one = this.members.get(path);
    if (!one) throw new Malformed("the file is missing");
    if (one.size > limit) throw new Malformed(`${one.size} bytes; ${limit} is the most`);
    const bytes = await this.slice(one.offset, one.end);
    const view = new DataView(bytes.buffer);
    if (bytes.length < 30 || view.getUint32(0, true) !== 0x04034b50) throw new Malformed("the member's own header is damaged");
    const [flags, method, names, extras] = [6, 8, 26, 28].map((place) => view.getUint16(place, true));
    const begin = 30 + names + extras;
    const [size, packed] = wide(bytes.slice(30 + names, begin), [view.getUint32(22, true), view.getUint32(18, true), 0]);
    const fits = flags === one.flags && !method && same(bytes.slice(30, 30 + names), one.raw)
      && view.getUint32(14, true) === one.crc && size === one.size && packed === one.size;
    if (!fits) throw new Malformed("the member's own header is not what the directory says");
    if (begin + one.size !== bytes.length) throw new Malformed("hidden bytes beside the member");
    const content = bytes.slice(begin);
    if (crc32(content) !== one.crc) throw new Malformed("the content does not have the CRC-32 that the ZIP file states");
    return content;
  }

  async text(path, limit = LONGEST.text) {
    const text = asText(await this.content(path, limit));
    if (text.startsWith("\ufeff")) throw new Malformed("begins with a byte order mark");
    return text;
  }
}

/* Read a member's true sizes and place from its ZIP64 field (APPNOTE 4.5.3). */
function wide(extra, values) {
  const view = new DataView(extra.buffer, extra.byteOffset, extra.length);
  for (let at = 0; at + 4 <= extra.length;) {
    const [tag, length] = [view.getUint16(at, true), view.getUint16(at + 2, true)];
    at += 4;
    if (at + length > extra.length) throw new Malformed("a member's extra field is damaged");
    if (tag === 1) {
      let place = at;
      return values.map((value) => {
        if (value !== 0xffffffff) return value;
        if (place + 8 > at + length) throw new Malformed("a member's extra field is damaged");
        place += 8;
        return Number(view.getBigUint64(place - 8, true));
      });
    }
    at += length;
  }
  return values;
}

const DER = Uint8Array.from([0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00]);
const holds = async (key, signature, message) => {
  const imported = await crypto.subtle.importKey("raw", key, "Ed25519", false, ["verify"]);
  return crypto.subtle.verify("Ed25519", imported, signature, message);
};
const fingerprint = async (key) => hex(await sha("SHA-256", joined(DER, key)));
const fromPem = (text) => {
  const found = /^-----BEGIN PUBLIC KEY-----\n([A-Za-z0-9+/=\n]+)-----END PUBLIC KEY-----\n?$/.exec(text.trim() + "\n");
  const der = found && base64(found[1].replaceAll("\n", ""));
  if (!der || der.length !== 44 || !same(der.slice(0, 12), DER)) throw new Malformed("not an Ed25519 key in PEM");
  return der.slice(12);
};
const keyId = async (name, key) => (await sha("SHA-256", joined(utf8.encode(`${name}\n`), [1], key))).slice(0, 4);

/* Read what the reader typed: a verifier key, a key in PEM, or a fingerprint.  Null: nothing. */
async function trusted(text) {
  const given = text.trim();
  if (!given) return null;
  if (given.startsWith("-----")) return { key: fromPem(given), print: await fingerprint(fromPem(given)) };
  const print = given.replace(/[\s:]/g, "").toLowerCase();
  if (/^[0-9a-f]{64}$/.test(print)) return { key: null, print };
  const [name, id, material] = [given.split("+", 2)[0], given.split("+", 2)[1], given.split("+").slice(2).join("+")];
  const bytes = material ? base64(material) : new Uint8Array();
  if (bytes.length !== 33 || bytes[0] !== 1 || hex(await keyId(name, bytes.slice(1))) !== id) {
    throw new Malformed("not a key: give name+12345678+AbCd…, a key in PEM, or a fingerprint of 64 digits");
  }
  return { key: bytes.slice(1), print: await fingerprint(bytes.slice(1)) };
}

/* Write a value as the ledger does (RFC 8785 on its profile: names are ASCII, numbers whole). */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value === null || typeof value !== "object") return JSON.stringify(value);
  return `{${Object.keys(value).sort().map((name) => `${JSON.stringify(name)}:${canonical(value[name])}`).join(",")}}`;
}

/* Read an entry; null for what is none, or is spelt in another way than the one there is. */
function decoded(line) {
  try {
    const entry = asJson(line);
    const whole = Number.isSafeInteger(entry.seq) && [entry.log, entry.kind, entry.time].every((part) => typeof part === "string");
    return whole && typeof entry.data === "object" && entry.data && canonical(entry) === line ? entry : null;
  } catch {
    return null;
  }
}

function isDisclosure(line) {
  try {
    const text = line.replaceAll("-", "+").replaceAll("_", "/");
    const parts = asJson(asText(base64(text + "=".repeat((4 - (text.length % 4)) % 4))));
    return /^[A-Za-z0-9_-]+$/.test(line) && Array.isArray(parts) && parts.length === 3;
  } catch {
    return false;
  }
}

class Check {
  constructor(zip, key, progress) {
    Object.assign(this, { zip, key, progress, findings: [], facts: {} });
    this.manifests = { "": {}, tag: {} };
    this.digests = new Map(); // path -> {sha256, sha512}
    this.entries = new Map();
    this.withheld = new Map();
    this.registered = new Map();
  }

  say(outcome, code, subject, detail = "") {
    this.findings.push({ outcome, code, subject: String(subject), detail: String(detail) });
  }

  failed(code, subject, detail) {
    this.say(FAILED, code, subject, detail instanceof Error ? detail.message : detail);
  }

  /* Do one check; what is not as it must be is a finding, whatever its kind. */
  async step(code, subject, act) {
    try {
      await act();
    } catch (error) {
      this.failed(code, subject, error instanceof Malformed ? error : `not in its form (${error.message})`);
    }
  }

  async all() {
    this.findings.push(...this.zip.faults);
    await this.step("bagit-txt", "bagit.txt", async () => {
      const said = await this.zip.text("bagit.txt", LONGEST.note);
      if (said !== "BagIt-Version: 1.0\nTag-File-Character-Encoding: UTF-8\n") throw new Malformed("not the declaration of BagIt 1.0 in UTF-8");
    });
    if (this.zip.members.has("fetch.txt")) this.failed("fetch-txt", "fetch.txt", "a bundle is complete; nothing is ever fetched");
    await this.#readManifests();
    await this.step("bag-info", "bag-info.txt", () => this.#bagInfo());
    this.#listed();
    await this.#measure();
    await this.step("signature-missing", SIGNATURE, () => this.#signature());
    await this.#ssh();
    await this.step("stamp-malformed", TOKEN, () => this.#stamp());
    await this.step("checkpoint-malformed", `${CUSTODY}checkpoint`, () => this.#checkpoint());
    if (this.root) {
      await this.step("entries-malformed", `${CUSTODY}entries.ndjson`, () => this.#entries());
      this.#chains();
      await this.step("disclosure-malformed", `${CUSTODY}disclosures.txt`, () => this.#disclosures());
      await this.#originals();
    }
    await this.#metadata();
    this.#open();
  }

  async #readManifests() {
    for (const path of this.zip.members.keys()) {
      const found = /^(tag)?manifest-([^/]*)\.txt$/.exec(path);
      if (found && !ALGORITHMS[found[2]]) this.failed("manifest-algorithm", path, "only SHA-256 and SHA-512 are used");
    }
    for (const kind of ["", "tag"]) {
      for (const [algorithm, [, digits]] of Object.entries(ALGORITHMS)) {
        const path = `${kind}manifest-${algorithm}.txt`;
        const into = new Map();
        this.manifests[kind][algorithm] = into;
        if (!this.zip.members.has(path)) {
          this.failed("manifest-missing", path, "the file is missing");
          continue;
        }
        await this.step("manifest-malformed", path, async () => {
          const lines = (await this.zip.text(path, LONGEST.manifest)).split("\n");
          if (lines.pop() !== "") throw new Malformed("the last line has no end");
          const form = new RegExp(`^([0-9a-f]{${digits}})  ([^\\r\\n%]+)$`);
          for (const [number, line] of lines.entries()) {
            const found = form.exec(line), where = `${path} line ${number + 1}`;
            if (!found) this.failed("manifest-line", where, "not a digest and a name");
            else if (unsafe(found[2]) && !this.zip.members.has(found[2])) this.failed("manifest-path", where, `${found[2]}: ${unsafe(found[2])}`);
            else if (found[2].startsWith("data/") !== (kind === "")) this.failed("manifest-path", where, `${found[2]} does not belong here`);
            else if (into.has(found[2])) this.failed("manifest-duplicate", where, `${found[2]} is listed twice`);
            else into.set(found[2], found[1]);
          }
        });
      }
    }
  }

  async #bagInfo() {
    const labels = new Map();
    for (const line of (await this.zip.text("bag-info.txt", LONGEST.record)).split("\n")) {
      const colon = line.indexOf(":");
      if (colon > 0 && !/^[ \t]/.test(line)) labels.set(line.slice(0, colon), line.slice(colon + 1).trim());
    }
    this.bundle = (labels.get("External-Identifier") ?? "").split(":").pop().toLowerCase();
    const sizes = [...this.zip.members].filter(([path]) => path.startsWith("data/")).map(([, one]) => one.size);
    const found = `${sizes.reduce((sum, size) => sum + size, 0)}.${sizes.length}`;
    const stated = labels.get("Payload-Oxum");
    this.facts.files = this.zip.members.size;
    this.facts.bundle = this.bundle;
    if (stated !== found) this.failed("payload-oxum", "bag-info.txt", stated ? `states ${stated}, found ${found}` : "states no Payload-Oxum");
    else this.say(PASSED, "payload-oxum", "bag-info.txt", `${found} as stated`);
    if (labels.get("Zip-Form") !== "1") return;
    const odd = await this.zip.oddity();
    if (odd) this.failed("zip-header", odd, "not as the archive writes it; its files may be whole: unpack them, check the folder");
    else this.say(PASSED, "zip-as-written", this.zip.file.name, "every byte around its files, too");
  }

  #listed() {
    const paths = [...this.zip.members.keys()];
    const payload = new Set(paths.filter((path) => path.startsWith("data/")));
    const tags = new Set(paths.filter((path) => !/^(?:data|signatures)\/|^tagmanifest-[^/]*\.txt$|^fetch\.txt$/.test(path)));
    let complete = true;
    for (const [kind, there] of [["", payload], ["tag", tags]]) {
      for (const [algorithm, listed] of Object.entries(this.manifests[kind])) {
        const name = `${kind}manifest-${algorithm}.txt`;
        for (const path of there) if (!listed.has(path)) { complete = false; this.failed("file-unexpected", path, `not listed in ${name}`); }
        for (const path of listed.keys()) {
          if (there.has(path)) continue;
          complete = false;
          if (this.zip.members.has(path)) this.failed("manifest-path", path, `has no place in ${name}`);
          else this.failed("file-missing", path, `listed in ${name}`);
        }
      }
    }
    const known = /^signatures\/(?:tagmanifest-sha512\.txt\.(?:ed25519\.sig|sshsig|tsr)|timestamp-sha512\.txt(?:\.ed25519\.sig)?|archive-ed25519\.pub\.pem|allowed_signers|tsa\.pem)$/;
    for (const path of paths) if (path.startsWith("signatures/") && !known.test(path)) { complete = false; this.failed("file-unexpected", path, "not a signature that a bundle has"); }
    if (complete) this.say(PASSED, "files-listed", `${paths.length} files`, "no file is missing, none is extra");
  }

  async #measure() {
    const stated = new Map();
    for (const kind of ["", "tag"]) {
      for (const algorithm of Object.keys(ALGORITHMS)) {
        for (const [path, digest] of this.manifests[kind][algorithm]) stated.set(path, { ...stated.get(path), [algorithm]: digest });
      }
    }
    const total = [...this.zip.members.values()].reduce((sum, one) => sum + one.size, 0);
    let done = 0, unaltered = 0;
    for (const [path, one] of this.zip.members) {
      done += one.size;
      if (!stated.has(path)) continue;
      if (one.size > LONGEST.file) {
        this.say(UNREADABLE, "file-unreadable", path, "too large for a browser; use verify.pyz");
        continue;
      }
      await this.step("file-malformed", path, async () => {
        const content = await this.zip.content(path);
        const measured = { size: content.length };
        const wrong = [];
        for (const [algorithm, [name]] of Object.entries(ALGORITHMS)) {
          measured[algorithm] = hex(await sha(name, content));
          if (stated.get(path)[algorithm] && stated.get(path)[algorithm] !== measured[algorithm]) wrong.push(name);
        }
        this.digests.set(path, measured);
        if (wrong.length) this.failed("file-altered", path, `the ${wrong.join(" and the ")} differs`);
        else unaltered += 1;
      });
      this.progress(done, total);
    }
    if (unaltered) this.say(PASSED, "files-unaltered", `${unaltered} files`, "have the digests in the manifests");
  }

  async #signature() {
    const [signature, signed] = [await this.zip.content(SIGNATURE, 4096), await this.zip.content(SIGNED, LONGEST.manifest)];
    let own;
    try {
      const pem = await this.zip.text(PUBLIC_KEY, 4096);
      own = fromPem(pem);
      // No manifest lists it: only its one spelling is let in.
      if (pem !== `-----BEGIN PUBLIC KEY-----\n${btoa(String.fromCharCode(...DER, ...own))}\n-----END PUBLIC KEY-----\n`) throw new Malformed("not as a bundle has it");
    } catch (error) {
      this.failed("key-malformed", PUBLIC_KEY, error);
      return;
    }
    const named = this.key?.key;
    if (named && !same(named, own) && signature.length === 64 && (await holds(named, signature, signed))) {
      this.failed("key-foreign", PUBLIC_KEY, "not the key that signed the bundle");
      own = named;
    } else if (signature.length !== 64 || !(await holds(own, signature, signed))) {
      this.failed("signature-wrong", SIGNATURE, `does not belong to ${SIGNED}, or the key in ${PUBLIC_KEY} is not the one that made it`);
      return;
    }
    this.own = own;
    this.facts.fingerprint = await fingerprint(own);
    if (this.key && this.key.print === this.facts.fingerprint) this.say(PASSED, "signer-trusted", SIGNED, "signed with the key that you named");
    else this.say(UNTRUSTED, "signer-unknown", SIGNED, `signed with the key ${this.facts.fingerprint}; ${this.key ? "you named another" : "compare it with one that you got by another way"}`);
  }

  async #ssh() {
    if (!this.zip.members.has(SSH_SIGNATURE) && !this.zip.members.has(ALLOWED)) return;
    await this.step("ssh-signature-malformed", SSH_SIGNATURE, async () => {
      const string = (bytes) => joined(Uint8Array.from([0, 0, 0, bytes.length]), bytes);
      const file = [utf8.encode("file"), new Uint8Array(), utf8.encode("sha512")].map(string);
      const key = joined(string(utf8.encode("ssh-ed25519")), string(this.own ?? new Uint8Array(32)));
      const found = /^-----BEGIN SSH SIGNATURE-----\n((?:[A-Za-z0-9+/]{70}\n)*[A-Za-z0-9+/=]{1,70})\n-----END SSH SIGNATURE-----\n$/.exec(await this.zip.text(SSH_SIGNATURE, 4096));
      const blob = found && base64(found[1].replaceAll("\n", ""));
      const head = joined(utf8.encode("SSHSIG"), Uint8Array.from([0, 0, 0, 1]), string(key), ...file);
      const kind = joined(string(utf8.encode("ssh-ed25519")), Uint8Array.from([0, 0, 0, 64]));
      if (!blob || blob.length !== head.length + 4 + kind.length + 64) throw new Malformed("not an SSH signature of a file");
      const signature = blob.slice(-64);
      const digest = await sha("SHA-512", await this.zip.content(SIGNED, LONGEST.manifest));
      const signed = joined(utf8.encode("SSHSIG"), ...file, string(digest));
      const whole = joined(head, string(joined(kind, signature)));
      if (!this.own || !same(blob, whole) || !(await holds(this.own, signature, signed))) {
        this.failed("ssh-signature-wrong", SSH_SIGNATURE, `does not belong to ${SIGNED} and its key`);
        return;
      }
      const line = `archive namespaces="file" ssh-ed25519 ${btoa(String.fromCharCode(...key))}\n`;
      if ((await this.zip.text(ALLOWED, 4096)) !== line) this.failed("ssh-signature-wrong", ALLOWED, "names another key");
      else this.say(PASSED, "ssh-signed", SSH_SIGNATURE, "signed for OpenSSH with the same key");
    });
  }

  async #stamp() {
    const parts = [TOKEN, STAMP_ROOTS, STAMPS, `${STAMPS}.ed25519.sig`];
    const missing = parts.filter((path) => !this.zip.members.has(path));
    if (missing.length === parts.length) return;
    for (const path of missing) this.failed("stamp-incomplete", path, "the file is missing beside the time-stamp's");
    if (missing.length || !this.own) return;
    const text = await this.zip.text(STAMPS, 4096);
    if (!(await holds(this.own, await this.zip.content(parts[3], 4096), utf8.encode(text)))) {
      this.failed("stamp-seal-wrong", parts[3], `does not belong to ${STAMPS} and the key`);
      return;
    }
    const listed = new RegExp(`^([0-9a-f]{128})  ${STAMP_ROOTS.replaceAll(".", "\\.")}\n([0-9a-f]{128})  ${TOKEN.replaceAll(".", "\\.")}\n$`).exec(text);
    if (!listed) throw new Malformed(`${STAMPS} does not list ${STAMP_ROOTS} and ${TOKEN}`);
    for (const [path, digest] of [[STAMP_ROOTS, listed[1]], [TOKEN, listed[2]]]) {
      if (hex(await sha("SHA-512", await this.zip.content(path, 2 ** 20))) !== digest) { this.failed("stamp-altered", path, `not what ${STAMPS} lists`); return; }
    }
    const imprint = hex(await sha("SHA-256", await this.zip.content(SIGNED, LONGEST.manifest)));
    if (!hex(await this.zip.content(TOKEN, 2 ** 16)).includes(imprint)) this.failed("stamp-wrong", TOKEN, `is about something else than ${SIGNED}`);
    else this.say(NOT_CHECKED, "stamp-not-checked", TOKEN, "a third party's time-stamp; verify.pyz or openssl checks it against roots that you trust");
  }

  async #checkpoint() {
    const path = `${CUSTODY}checkpoint`;
    if (![...this.zip.members.keys()].some((name) => name.startsWith(CUSTODY))) {
      this.failed("custody-missing", CUSTODY, "the bundle proves no custody");
      return;
    }
    this.note = await this.zip.text(path, LONGEST.note);
    const at = this.note.indexOf("\n\n");
    if (at < 0) throw new Malformed("not a signed note");
    const text = this.note.slice(0, at + 1), lines = this.note.slice(at + 2).split("\n");
    const [origin, size, root, end, ...more] = text.split("\n");
    if (end !== "" || more.length || lines.pop() !== "" || !/^(?:0|[1-9][0-9]{0,15})$/.test(size)) throw new Malformed("not a checkpoint");
    const bytes = base64(root);
    if (bytes.length !== 32) throw new Malformed("the root is not a SHA-256 digest");
    if (!this.own) return;
    const id = await keyId(origin, this.own);
    for (const line of lines) {
      const found = /^\u2014 (\S+) (\S+)$/.exec(line);
      if (!found) throw new Malformed("not a signature line");
      const signature = base64(found[2]);
      if (found[1] !== origin || !same(signature.slice(0, 4), id)) continue;
      if (signature.length !== 68 || !(await holds(this.own, signature.slice(4), utf8.encode(text)))) {
        this.failed("checkpoint-signature", path, "the signature does not belong to it");
        return;
      }
      this.signs = true;
    }
    [this.origin, this.size, this.root] = [origin, Number(size), bytes];
    Object.assign(this.facts, { log: origin, log_size: this.size });
    if (!this.signs) this.say(UNTRUSTED, "checkpoint-unknown-signer", path, "signed with another key than the bundle; use verify.pyz");
    else if (this.key && this.key.print === this.facts.fingerprint) this.say(PASSED, "checkpoint-signed", path, `${this.size} entries, signed with the key that you named`);
    else this.say(UNTRUSTED, "checkpoint-unknown-signer", path, "signed with the same key as the bundle");
  }

  /* Follow RFC 9162 section 2.1.3.2 from a leaf to the root. */
  async #proven(seq, leaf) {
    const path = `${CUSTODY}proofs/${seq}.tlog-proof`, subject = `entry ${seq}`;
    if (!this.zip.members.has(path)) {
      this.failed("proof-missing", subject, `${path} is missing`);
      return false;
    }
    const text = await this.zip.text(path, LONGEST.note);
    const at = text.indexOf("\n\n");
    const [header, index, ...steps] = text.slice(0, at).split("\n");
    const brief = text.slice(at + 2);
    if (header !== "c2sp.org/tlog-proof@v1" || index !== `index ${seq}` || seq >= this.size) {
      this.failed("proof-malformed", path, "proves something about another entry");
      return false;
    }
    if (!this.note.startsWith(brief.slice(0, brief.indexOf("\n\n") + 2)) || !brief.split("\n").every((line) => this.note.split("\n").includes(line))) {
      this.failed("proof-malformed", path, "proves something about another state");
      return false;
    }
    let [place, last, node] = [BigInt(seq), BigInt(this.size) - 1n, leaf];
    for (const step of steps) {
      const sibling = base64(step);
      if (!last || sibling.length !== 32) { node = null; break; }
      if (place & 1n || place === last) {
        node = await sha("SHA-256", joined([1], sibling, node));
        while (place && !(place & 1n)) { place >>= 1n; last >>= 1n; }
      } else node = await sha("SHA-256", joined([1], node, sibling));
      place >>= 1n;
      last >>= 1n;
    }
    if (!node || last || !same(node, this.root)) {
      this.failed("entry-altered", subject, "is not what the ledger holds");
      return false;
    }
    return true;
  }

  async #entries() {
    const lines = (await this.zip.text(`${CUSTODY}entries.ndjson`, LONGEST.file)).split("\n");
    if (lines.pop() !== "") throw new Malformed("the last line has no end");
    let faults = 0, before = null, number = 0;
    for (const line of lines) {
      number += 1;
      const entry = decoded(line);
      if (!entry) { faults += 1; this.failed("entry-malformed", `${CUSTODY}entries.ndjson line ${number}`, "not an entry in its one spelling"); continue; }
      const subject = `entry ${entry.seq}`;
      const leaf = await sha("SHA-256", joined([0], utf8.encode(line)));
      if (entry.log !== this.origin) { faults += 1; this.failed("entry-of-another-log", subject, `belongs to ${entry.log}`); continue; }
      if (this.entries.has(entry.seq)) { faults += 1; this.failed("entry-duplicate", subject, "stands in the bundle twice"); continue; }
      if (!(await this.#proven(entry.seq, leaf))) { faults += 1; continue; }
      if (before && before.seq > entry.seq) { faults += 1; this.failed("entries-order", subject, `stands after entry ${before.seq}`); }
      else if (before && before.time > entry.time) { faults += 1; this.failed("time-goes-back", subject, `is before entry ${before.seq}`); }
      before = { seq: entry.seq, time: entry.time };
      this.entries.set(entry.seq, { ...entry, leaf: hex(leaf) });
      if (entry.kind === "item.registered") this.registered.set(entry.item, entry.data.exhibit_number);
    }
    if (this.zip.members.has(`${CUSTODY}withheld.txt`)) {
      for (const line of (await this.zip.text(`${CUSTODY}withheld.txt`)).split("\n").slice(0, -1)) {
        const found = /^(0|[1-9][0-9]{0,15}) ([0-9a-f]{64})$/.exec(line);
        if (!found) { faults += 1; this.failed("withheld-malformed", `${CUSTODY}withheld.txt`, "not a number and a leaf hash"); continue; }
        const leaf = Uint8Array.from(found[2].match(/../g), (pair) => parseInt(pair, 16));
        if (await this.#proven(Number(found[1]), leaf)) this.withheld.set(Number(found[1]), found[2]);
        else faults += 1;
      }
    }
    for (const path of this.zip.members.keys()) {
      const found = /^data\/custody\/proofs\/(?:(\d+)\.tlog-proof|.*)$/.exec(path);
      if (found && found[1] === undefined) { faults += 1; this.failed("proof-malformed", path, "not the name of a proof"); }
      else if (found && !this.entries.has(Number(found[1])) && !this.withheld.has(Number(found[1]))) { faults += 1; this.failed("entry-missing", `entry ${found[1]}`, `has a proof, ${path}, and is not there`); }
    }
    if (!this.entries.size) this.failed("entries-missing", `${CUSTODY}entries.ndjson`, "holds no entry");
    else if (!faults) this.say(PASSED, "entries-proven", `${this.entries.size} entries`, `stand in the ledger, ${this.withheld.size} more are withheld`);
  }

  #chains() {
    const chains = new Map(), heads = [];
    let faults = 0;
    const fault = (...what) => { faults += 1; this.failed(...what); };
    for (const one of this.entries.values()) {
      if (one.item != null) {
        const chain = chains.get(one.item) ?? chains.set(one.item, new Map()).get(one.item);
        if (chain.has(one.item_seq)) fault("chain-forked", `entry ${one.seq}`, `a second entry ${one.item_seq} of item ${one.item}`);
        chain.set(one.item_seq, one);
      }
      if (one.kind === "export.created" && one.data.bundle === this.bundle) heads.push(...one.data.items);
    }
    if (!heads.length) { fault("export-missing", `bundle ${this.bundle}`, "the entry that says where its items end is not there"); return; }
    const hidden = new Set(this.withheld.values());
    for (const { item, next_item_seq: next, head } of heads) {
      const chain = chains.get(item) ?? new Map(), subject = `item ${item}`;
      const own = [...chain.values()].filter((one) => one.kind === "item.exported" && one.data.bundle === this.bundle);
      if (!own.length && !hidden.size) fault("entry-missing", subject, "its entry item.exported for this bundle is not there");
      if (chain.has(next - 1) && chain.get(next - 1).leaf !== head) fault("export-contradicts", subject, "its head is not the one that was exported");
      const last = Math.max(next - 1, ...chain.keys());
      for (let place = 0; place <= last; place += 1) {
        const [here, following] = [chain.get(place), chain.get(place + 1)];
        const named = following ? following.prev : place === next - 1 ? head : null;
        if (!here && !hidden.has(named)) { fault("entry-missing", subject, `its entry number ${place} is not in the bundle`); break; }
        if (here && following && following.prev !== here.leaf) fault("chain-broken", `entry ${following.seq}`, `does not follow entry ${here.seq}`);
      }
      chains.delete(item);
    }
    for (const item of chains.keys()) fault("item-not-exported", `item ${item}`, "this bundle's export is without it");
    this.facts.items = heads.length;
    if (!faults) this.say(PASSED, "chains-complete", `${heads.length} items`, "no entry of theirs is missing");
  }

  async #disclosures() {
    const path = `${CUSTODY}disclosures.txt`;
    if (!this.zip.members.has(path)) return;
    const known = new Map();
    for (const one of this.entries.values()) for (const digest of one.sd ?? []) known.set(digest, (known.get(digest) ?? 0) + 1);
    const shown = new Set();
    let faults = 0;
    for (const [number, line] of (await this.zip.text(path)).split("\n").slice(0, -1).entries()) {
      const digest = btoa(String.fromCharCode(...(await sha("SHA-256", utf8.encode(line))))).replaceAll("+", "-").replaceAll("/", "_").replace(/=+$/, "");
      if (!isDisclosure(line)) { faults += 1; this.failed("disclosure-malformed", `${path} line ${number + 1}`, "not a salt, a name and a value"); continue; }
      const code = shown.has(digest) ? "disclosure-duplicate" : known.get(digest) === 1 ? null : "disclosure-unknown";
      if (code) { faults += 1; this.failed(code, `${path} line ${number + 1}`, "belongs to no entry, or stands there twice"); }
      shown.add(digest);
    }
    if (shown.size && !faults) this.say(PASSED, "disclosures-proven", `${shown.size} values`, "are those that were recorded");
    if (known.size > shown.size) this.say(NOT_CHECKED, "values-withheld", `${known.size - shown.size} personal values`, "withheld or erased; nothing can be said about them");
  }

  async #originals() {
    const taken = new Map(), made = new Set(), described = new Set();
    for (const one of this.entries.values()) {
      if (one.kind === "media.ingested") taken.set(`${one.item} ${one.data.sha256}`, one);
      if (one.kind === "item.redacted") made.add(`${one.item} ${one.data.sha256}`);
    }
    const before = this.findings.filter((one) => one.outcome === FAILED).length;
    let originals = 0;
    for (const path of this.zip.members.keys()) {
      if (!/^data\/evidence\/[^/]+\/item\.json$/.test(path)) continue;
      await this.step("item-malformed", path, async () => {
        const record = asJson(await this.zip.text(path, LONGEST.record));
        if (!this.registered.has(record.item)) this.failed("item-unrecorded", path, `the bundle holds no registration of item ${record.item}`);
        else if (this.registered.get(record.item) !== record.exhibit_number) this.failed("item-contradicts", path, "the exhibit number is not the one registered");
        for (const file of record.files) {
          const name = path.slice(0, -"item.json".length) + file.path, measured = this.digests.get(name);
          if (!measured || described.has(name)) { this.failed("item-contradicts", path, `${file.path} is not a file of this item`); continue; }
          described.add(name);
          const wrong = ["size", "sha256", "sha512"].filter((what) => file[what] !== measured[what]);
          if (wrong.length) this.failed("item-contradicts", path, `${wrong.join(", ")} of ${name} differs`);
          const key = `${record.item} ${measured.sha256}`;
          if (name.includes("/derived/") && !made.has(key)) this.failed("rendition-unrecorded", name, "no entry of this item names it");
          if (!name.includes("/original/")) continue;
          originals += 1;
          const entry = taken.get(key);
          if (!entry) this.failed("original-replaced", name, "no such file was taken in for this item");
          else if (entry.data.size !== measured.size || entry.data.sha512 !== measured.sha512) this.failed("original-replaced", name, "not what was recorded when it came in");
          taken.delete(key);
        }
      });
    }
    for (const path of this.zip.members.keys()) if (path.startsWith(EVIDENCE) && /\/(?:original|derived)\//.test(path) && !described.has(path)) this.failed("original-undescribed", path, "no item.json describes it");
    await this.#withheldFiles(taken);
    for (const one of taken.values()) this.failed("original-missing", `item ${one.item}`, `the file ${one.data.file}, SHA-256 ${one.data.sha256}, was taken in and is not there`);
    if (originals && before === this.findings.filter((one) => one.outcome === FAILED).length) this.say(PASSED, "originals-as-taken-in", `${originals} originals`, "are those that came in");
  }

  async #withheldFiles(taken) {
    const path = "data/withheld.json";
    if (!this.zip.members.has(path)) return;
    await this.step("withheld-malformed", path, async () => {
      const rows = asJson(await this.zip.text(path)).withheld;
      for (const row of rows.filter((one) => one.kind === "file")) {
        const entry = this.entries.get(row.commitment.entry);
        if (!entry || entry.item !== row.item || entry.leaf !== row.commitment.leaf || entry.data.file !== row.file) this.failed("withheld-unrecorded", path, `no such entry names ${row.file}`);
        else if (entry.data.size !== row.size) this.failed("withheld-contradicts", path, `the size of ${row.file} differs`);
        else if (entry.kind === "media.ingested" && !taken.delete(`${row.item} ${entry.data.sha256}`)) this.failed("withheld-contradicts", path, `${row.file} is in the bundle all along`);
      }
      const files = rows.filter((one) => one.kind === "file").length;
      if (rows.length) this.say(NOT_CHECKED, "withheld", path, `${files} files and ${rows.length - files} facts are not in this bundle; it names each`);
    });
  }

  /* The same facts in every standard's file (RO-Crate, CASE, PREMIS, tables). */
  async #metadata() {
    const there = new Set([...this.zip.members.keys()].filter((path) => path.startsWith(EVIDENCE) && /\/(?:original|derived)\//.test(path)));
    let agreeing = 0;
    const before = this.findings.filter((one) => one.outcome === FAILED).length;
    const like = (form) => [...this.zip.members.keys()].filter((path) => form.test(path));
    const graphs = like(/^data\/case\/graph(?:-[0-9]{4})?\.jsonld$/), documents = like(/^data\/premis\/premis(?:-[0-9]{4})?\.xml$/);
    const readers = [["data/ro-crate-metadata.json", crate], ["data/tables/files.jsonl", jsonLines], ["data/tables/custody.jsonl", jsonLines], ["data/tables/files.csv", csv], ["data/tables/custody.csv", csv]];
    for (const [paths, read] of [[graphs, graph], [documents, premis], ...readers.map(([path, act]) => [[path].filter((one) => this.zip.members.has(one)), act])]) {
      if (!paths.length) continue;
      await this.step("metadata-malformed", paths[0], async () => {
        const told = { files: [], entries: [] };
        for (const path of paths) {
          read(asText(await this.zip.content(path)), told);
        }
        this.#compare(paths[0], told, paths[0].includes("custody") ? new Set() : there);
        agreeing += paths.length;
      });
    }
    if (agreeing && before === this.findings.filter((one) => one.outcome === FAILED).length) this.say(PASSED, "metadata-agrees", `${agreeing} files`, "say what manifests and ledger say");
  }

  #compare(name, told, there) {
    const seen = new Set();
    for (const file of told.files) {
      if (seen.has(file.path)) this.failed("metadata-contradicts", name, `${file.path} stands in it twice`);
      seen.add(file.path);
      const measured = this.digests.get(file.path);
      if (!there.has(file.path) || !measured) { this.failed("metadata-contradicts", name, `${file.path} is no file of evidence here`); continue; }
      for (const what of ["sha256", "sha512", "size"]) if (file[what] !== undefined && String(file[what]) !== String(measured[what])) this.failed("metadata-contradicts", name, `${what} of ${file.path} differs`);
    }
    for (const path of there) if (!seen.has(path)) this.failed("metadata-incomplete", name, `${path} does not stand in it`);
    for (const { seq, time, leaf } of told.entries) {
      const entry = this.entries.get(Number(seq));
      if (!entry) this.failed("metadata-contradicts", name, `entry ${seq} is not in this bundle`);
      else if (time !== entry.time || (leaf !== undefined && leaf !== entry.leaf)) this.failed("metadata-contradicts", name, `the time or the leaf hash of entry ${seq} differs`);
    }
  }

  #open() {
    this.say(NOT_CHECKED, "verifier-origin", "this page", "a page that came with a hostile bundle says what it likes; get it elsewhere, or use other tools (README.txt)");
    this.say(NOT_CHECKED, "not-witnessed", this.origin ?? "ledger", "witnesses, time-stamps, post-quantum signatures, earlier states and turned keys: use verify.pyz");
  }
}

const text = (element, path) => path.split("/").reduce((one, name) => [...(one?.children ?? [])].find((child) => child.localName === name), element)?.textContent;

function crate(content, told) {
  for (const one of asJson(content)["@graph"]) if ([one["@type"]].flat().includes("File")) told.files.push({ path: `data/${one["@id"]}`, sha256: one.sha256, size: one.contentSize });
}

function graph(content, told) {
  for (const node of asJson(content)["@graph"]) {
    for (const name of ["uco-action:startTime", "uco-action:endTime"]) if (node[name] && !/^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z$/.test(node[name]["@value"])) throw new Malformed("a time is none");
    const facets = Object.fromEntries((node["uco-core:hasFacet"] ?? []).map((facet) => [facet["@type"], facet]));
    const place = facets["uco-observable:FileFacet"];
    if (!place) continue;
    const data = facets["uco-observable:ContentDataFacet"];
    const digests = Object.fromEntries(data["uco-observable:hash"].map((one) => [one["uco-types:hashMethod"], one["uco-types:hashValue"]["@value"]]));
    const path = place["uco-observable:filePath"];
    if (!path.endsWith(`/${place["uco-observable:fileName"]}`)) throw new Malformed("a file's name is not its path's");
    told.files.push({ path, sha256: digests.SHA256, sha512: digests.SHA512, size: data["uco-observable:sizeInBytes"] });
  }
}

function premis(content, told) {
  if (content.includes("<!")) throw new Malformed("holds a declaration of its own");
  const page = new DOMParser().parseFromString(content, "application/xml");
  if (page.querySelector("parsererror")) throw new Malformed("not XML");
  for (const one of page.documentElement.children) {
    const path = one.localName === "object" && text(one, "storage/contentLocation/contentLocationValue");
    if (path) {
      const facts = [...one.children].find((child) => child.localName === "objectCharacteristics");
      const digests = Object.fromEntries([...facts.children].filter((child) => child.localName === "fixity").map((each) => [text(each, "messageDigestAlgorithm"), text(each, "messageDigest")]));
      told.files.push({ path, sha256: digests["SHA-256"], sha512: digests["SHA-512"], size: text(facts, "size") });
    }
    if (one.localName === "event") told.entries.push({ seq: text(one, "eventIdentifier/eventIdentifierValue").split("#").pop(), time: text(one, "eventDateTime") });
  }
}

function row(one, told) {
  if ("entry" in one) told.entries.push({ seq: one.entry, time: one.time, leaf: one.leaf });
  else told.files.push({ path: one.path, sha256: one.sha256, sha512: one.sha512, size: one.size });
}

function jsonLines(content, told) {
  for (const line of content.split("\n")) if (line) row(asJson(line), told);
}

function csv(content, told) {
  const rows = [[]];
  for (const found of content.replace(/^\ufeff/, "").matchAll(/"((?:[^"]|"")*)"(,|\r\n)?|([\s\S])/g)) {
    if (found[3] !== undefined) throw new Malformed("not a table as we write it");
    rows.at(-1).push(found[1].replaceAll('""', '"'));
    if (found[2] !== ",") rows.push([]);
  }
  const [names, ...rest] = rows.filter((cells) => cells.length);
  for (const cells of rest) row(Object.fromEntries(names.map((name, at) => [name, cells[at]])), told);
}

function verdict(findings) {
  for (const [outcome, word] of [[FAILED, "failed"], [UNREADABLE, "unreadable"], [UNTRUSTED, "untrusted"]]) if (findings.some((one) => one.outcome === outcome)) return word;
  return findings.some((one) => one.outcome === PASSED) ? "verified" : "unreadable";
}

/* Check a bundle; ``key`` is what the reader typed, ``progress`` is told bytes done and in all. */
async function check(file, key = "", progress = () => {}) {
  const zip = new Zip(file);
  let at;
  try {
    at = new Check(zip, await trusted(key), progress);
    await zip.open();
    if (!zip.members.has("bagit.txt") && ![...zip.members.keys()].some((path) => /^(?:tag)?manifest-[^/]*\.txt$/.test(path))) throw new Malformed("no manifest to check");
    await at.all();
  } catch (error) {
    const finding = { outcome: UNREADABLE, code: "bundle-unreadable", subject: file.name, detail: error.message };
    return { verdict: "unreadable", findings: [...zip.faults, finding], facts: {} };
  }
  return { verdict: verdict(at.findings), findings: at.findings, facts: at.facts };
}
