"""Many inclusion proofs under one checkpoint, each checked in a few steps (C2SP tlog-proof).

Neighbours in a tree share the ends of their proofs.  So a proof is followed from its leaf until it
comes to the place and the hash of one that led to the root before, with the same text still ahead.
"""

from __future__ import annotations

from archive.proof import merkle, notes
from archive.proof.errors import MalformedError

_LINE = 44  # characters of a hash in base64


class Inclusions:
    """Checks the proofs of one checkpoint; in the order of the entries, each costs about two steps.

    ``note`` is the whole signed checkpoint, whose signature is checked elsewhere; the proofs may
    carry it without its post-quantum signatures.
    """

    def __init__(self, note: str, checkpoint: notes.Checkpoint) -> None:
        self._note, self._whole, self._checkpoint = notes.brief(note), note, checkpoint
        # By level, which the last place there tells: the newest place, its hash and what followed.
        self._led: dict[int, tuple[int, bytes, str]] = {}

    def require(self, index: int, leaf: bytes, text: str) -> None:
        """Require that ``text`` proves ``leaf`` to be entry ``index`` of the checkpoint's log.

        Raises MalformedError if it is no proof of that, BrokenError if it leads elsewhere.
        """
        if self._leads_to_root(index, leaf, text):
            return
        proof = notes.parse_proof(text)  # in full, for any spelling, and to say what is wrong
        if proof.index != index or proof.checkpoint not in (self._note, self._whole):
            raise MalformedError("proves something about another state or entry")
        size, root = self._checkpoint.size, self._checkpoint.root
        merkle.verify_inclusion(index, size, leaf, proof.path, root)

    def _leads_to_root(self, index: int, leaf: bytes, text: str) -> bool:
        """Follow the steps of RFC 9162 section 2.1.3.2 as far as they are new."""
        head = f"{notes.PROOF_HEADER}\nindex {index}\n"
        if not text.startswith(head) or not 0 <= index < self._checkpoint.size:
            return False
        at, place, last, node = len(head), index, self._checkpoint.size - 1, leaf
        met = {}
        while last:
            ahead = text[at:]
            if self._led.get(last) == (place, node, ahead):
                break
            met[last] = (place, node, ahead)
            if text[at + _LINE : at + _LINE + 1] != "\n":
                return False
            try:
                sibling = notes.parse_hash(text[at : at + _LINE])
            except MalformedError:
                return False
            if place & 1 or place == last:
                node = merkle.node_hash(sibling, node)
                while place and not place & 1:
                    place >>= 1
                    last >>= 1
            else:
                node = merkle.node_hash(node, sibling)
            place >>= 1
            last >>= 1
            at += _LINE + 1
        else:
            if node != self._checkpoint.root or text[at:] != f"\n{self._note}":
                return False
        self._led.update(met)
        return True
