/* A worker that digests files piece by piece, so that the page stays alive meanwhile. */

import { Sha256 } from "./sha256.js";

const PIECE = 4 * 2 ** 20; // bytes

addEventListener("message", async ({ data: file }) => {
  try {
    const digest = new Sha256();
    for (let at = 0; at < file.size; at += PIECE) {
      const piece = await file.slice(at, at + PIECE).arrayBuffer();
      digest.update(new Uint8Array(piece));
      postMessage({ done: Math.min(at + PIECE, file.size) });
    }
    postMessage({ sha256: digest.hex() });
  } catch (error) {
    postMessage({ error: `The file can't be read: ${error.message}` });
  }
});
