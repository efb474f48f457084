"""Ed25519 signatures, verified and never made (RFC 8032 section 5.1), in plain integers.

For readers who have nothing but Python; a signature takes a few milliseconds.  There are no secrets
here, so time need not be constant.  The equation is checked without the cofactor, as OpenSSL does.
Keys and points R in other than their one canonical spelling are refused, and so are keys of low
order, with which a signature can hold for any message.
"""

from __future__ import annotations

import hashlib
from typing import Optional

KEY_LENGTH = 32  # bytes
SIGNATURE_LENGTH = 64  # bytes

Point = tuple[int, int, int, int]  # X, Y, Z, T: extended homogeneous coordinates

P = 2**255 - 19
ORDER = 2**252 + 27742317777372353535851937790883648493
D = -121665 * pow(121666, P - 2, P) % P
SQRT_OF_MINUS_1 = pow(2, (P - 1) // 4, P)


def _add(p: Point, q: Point) -> Point:
    a = (p[1] - p[0]) * (q[1] - q[0]) % P
    b = (p[1] + p[0]) * (q[1] + q[0]) % P
    c = 2 * p[3] * q[3] * D % P
    d = 2 * p[2] * q[2] % P
    e, f, g, h = b - a, d - c, d + c, b + a
    return e * f % P, g * h % P, f * g % P, e * h % P


def _double(p: Point) -> Point:
    a, b, c = p[0] * p[0] % P, p[1] * p[1] % P, 2 * p[2] * p[2] % P
    h = a + b
    e, g = h - (p[0] + p[1]) ** 2 % P, a - b
    f = c + g
    return e * f % P, g * h % P, f * g % P, e * h % P


def _decode(data: bytes) -> Optional[Point]:
    """Read a point (section 5.1.3), None if these 32 bytes are not its only spelling."""
    y = int.from_bytes(data, "little")
    sign, y = y >> 255, y & ((1 << 255) - 1)
    if y >= P:
        return None
    x2 = (y * y - 1) * pow(D * y * y + 1, P - 2, P) % P
    x = pow(x2, (P + 3) // 8, P)
    if (x * x - x2) % P:
        x = x * SQRT_OF_MINUS_1 % P
    if (x * x - x2) % P or (x == 0 and sign):
        return None
    if x & 1 != sign:
        x = P - x
    return x, y, 1, x * y % P


def _is_neutral(p: Point) -> bool:
    return p[0] % P == 0 and (p[1] - p[2]) % P == 0


def _base() -> Point:
    point = _decode((4 * pow(5, P - 2, P) % P).to_bytes(32, "little"))
    if point is None:
        raise RuntimeError("the base point of RFC 8032 is a point")
    return point


BASE = _base()
NEUTRAL: Point = (0, 1, 1, 0)


def is_key(public: bytes) -> bool:
    """Tell whether these bytes can be trusted as a key: a canonical point, not of low order."""
    point = _decode(public) if len(public) == KEY_LENGTH else None
    if point is None:
        return False
    return not _is_neutral(_double(_double(_double(point))))  # eight times: the cofactor


def verify(public: bytes, signature: bytes, message: bytes) -> bool:
    """Tell whether ``signature`` over ``message`` was made by the holder of ``public``."""
    if len(signature) != SIGNATURE_LENGTH or not is_key(public):
        return False
    key, commitment = _decode(public), _decode(signature[:32])
    s = int.from_bytes(signature[32:], "little")
    if key is None or commitment is None or s >= ORDER:
        return False
    challenge = hashlib.sha512(signature[:32] + public + message).digest()
    k = int.from_bytes(challenge, "little") % ORDER
    minus_key: Point = (P - key[0], key[1], key[2], P - key[3])
    picks = (NEUTRAL, BASE, minus_key, _add(BASE, minus_key))
    point = NEUTRAL  # s * BASE - k * key, both products in one walk over their bits
    for bit in range(max(s.bit_length(), k.bit_length()) - 1, -1, -1):
        point = _double(point)
        pick = (s >> bit & 1) | (k >> bit & 1) << 1
        if pick:
            point = _add(point, picks[pick])
    return (point[0] * commitment[2] - commitment[0] * point[2]) % P == 0 and (
        point[1] * commitment[2] - commitment[1] * point[2]
    ) % P == 0
