/* What a file's first bytes say it is.  A first guess for the person; the archive looks for itself. */

export const LOOKED_AT = 4096; // bytes

const at = (offset, text) => ({ offset, bytes: Array.from(text, (letter) => letter.charCodeAt(0)) });
const SIGNATURES = [
  ["image/jpeg", at(0, "\xff\xd8\xff")],
  ["image/png", at(0, "\x89PNG\r\n\x1a\n")],
  ["image/gif", at(0, "GIF8")],
  ["image/webp", at(0, "RIFF"), at(8, "WEBP")],
  ["image/tiff", at(0, "II*\x00")],
  ["image/tiff", at(0, "MM\x00*")],
  ["image/bmp", at(0, "BM"), at(6, "\x00\x00\x00\x00")],
  ["image/heic", at(4, "ftyphei")],
  ["image/heic", at(4, "ftypmif1")],
  ["image/avif", at(4, "ftypavif")],
  ["video/quicktime", at(4, "ftypqt")],
  ["audio/mp4", at(4, "ftypM4A")],
  ["video/3gpp", at(4, "ftyp3gp")],
  ["video/mp4", at(4, "ftyp")],
  ["video/quicktime", at(4, "moov")],
  ["video/quicktime", at(4, "mdat")],
  ["video/quicktime", at(4, "wide")],
  ["video/x-matroska", at(0, "\x1aE\xdf\xa3")],
  ["video/x-msvideo", at(0, "RIFF"), at(8, "AVI ")],
  ["video/mpeg", at(0, "\x00\x00\x01\xba")],
  ["audio/wav", at(0, "RIFF"), at(8, "WAVE")],
  ["audio/mpeg", at(0, "ID3")],
  ["audio/mpeg", at(0, "\xff\xfb")],
  ["audio/mpeg", at(0, "\xff\xf3")],
  ["audio/flac", at(0, "fLaC")],
  ["audio/ogg", at(0, "OggS")],
  ["audio/amr", at(0, "#!AMR")],
  ["application/pdf", at(0, "%PDF-")],
  ["application/x-7z-compressed", at(0, "7z\xbc\xaf\x27\x1c")],
  ["application/vnd.rar", at(0, "Rar!\x1a\x07")],
  ["application/gzip", at(0, "\x1f\x8b")],
  ["application/zip", at(0, "PK\x03\x04")],
  ["application/x-ole-storage", at(0, "\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1")],
  ["application/vnd.sqlite3", at(0, "SQLite format 3\x00")],
];

const fits = (bytes, { offset, bytes: wanted }) => wanted.every((byte, i) => bytes[offset + i] === byte);

function textual(bytes, whole) {
  let text;
  try {
    // A letter of several bytes may be cut at the end of what was looked at.
    text = new TextDecoder("utf-8", { fatal: true }).decode(bytes, { stream: !whole });
  } catch {
    return "";
  }
  if (/[\x00-\x08\x0e-\x1f]/.test(text)) return "";
  const start = text.trimStart().slice(0, 200).toLowerCase();
  if (/^<!doctype html|^<html/.test(start)) return "text/html";
  if (/^<\?xml|^<svg/.test(start)) return start.includes("<svg") ? "image/svg+xml" : "application/xml";
  if (/^[[{]/.test(start)) return "application/json";
  return "text/plain";
}

export async function typeOf(file) {
  const bytes = new Uint8Array(await file.slice(0, LOOKED_AT).arrayBuffer());
  const found = SIGNATURES.find(([, ...parts]) => parts.every((part) => fits(bytes, part)));
  if (found) return found[0];
  return textual(bytes, file.size <= LOOKED_AT) || "application/octet-stream";
}

export function kindOf(type) {
  const major = type.split("/", 1)[0];
  return ["video", "image", "audio"].includes(major) ? major : "document";
}
