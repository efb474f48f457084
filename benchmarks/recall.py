"""How many changed pictures are found again, and how near unrelated ones come.

    python -m benchmarks.recall [FOLDER] [MOST]

Of the pictures in a folder (photographs are worth most; without one, pictures are made), each is
kept as the archive keeps it, changed, and asked about as the archive asks.  Targets: 95 % within 40
bits for each change, and no two unrelated pictures within 64.  Pictures of one series are related:
those within 72 bits are named, for a person to look at.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

from PIL import Image, ImageOps

from evidence.fingerprints import pdq
from evidence.fingerprints.packed import distance
from evidence.pictures import opened, upright
from tests.evidence.extractors.made import scene

FOUND, RECALL, APART, NAMED, QUALITY = 40, 0.95, 64, 72, 50

Change = Callable[[Image.Image], Image.Image]


def _encoded(quality: int) -> Change:
    def change(image: Image.Image) -> Image.Image:
        out = io.BytesIO()
        image.save(out, format="JPEG", quality=quality)
        return Image.open(io.BytesIO(out.getvalue())).convert("RGB")

    return change


def _framed(left: float, top: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        x, y = round(image.width * left), round(image.height * top)
        out = Image.new("RGB", (image.width + 2 * x, image.height + 2 * y))
        out.paste(image, (x, y))
        return out

    return change


def _cut(share: float) -> Change:
    def change(image: Image.Image) -> Image.Image:
        x, y = round(image.width * share / 2), round(image.height * share / 2)
        return image.crop((x, y, image.width - x, image.height - y))

    return change


CHANGES: dict[str, Change] = {
    "JPEG of quality 10": _encoded(10),
    "a quarter of its size": lambda image: image.resize((image.width // 4, image.height // 4)),
    "a border of 6 %": _framed(0.06, 0.06),
    "letterboxed by 15 %": _framed(0, 0.15),
    "turned by 90 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned by 180 degrees": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "mirrored": ImageOps.mirror,
    "the middle 95 %": _cut(0.05),
    "the middle 90 %": _cut(0.10),
    "the middle 85 %": _cut(0.15),
    "the middle 80 %": _cut(0.20),
}


def pictures(folder: Path | None, most: int) -> Iterator[tuple[str, Image.Image]]:
    """Return pictures with their names."""
    if folder is None:
        for seed in range(most):
            yield f"made {seed}", scene(800, 600, seed=seed)
        return
    kinds = {".jpg", ".jpeg", ".png", ".webp", ".tif", ".tiff"}
    paths = sorted(path for path in folder.rglob("*") if path.suffix.lower() in kinds)
    for path in paths[:most]:
        with path.open("rb") as file, opened(file) as image:
            yield str(path.relative_to(folder)), upright(image, side=1_600)


def _variants(image: Image.Image) -> list[tuple[str, str]]:
    out = io.BytesIO()
    image.save(out, format="PNG")
    with opened(out) as again:
        found = pdq.variants(pdq.luma(upright(again, side=pdq.SIDE)))
    return [(variant, value) for variant, value, quality in found if quality >= QUALITY]


def main(folder: str = "", most: str = "500") -> int:
    """Measure; return 1 when a target is missed."""
    kept: dict[str, list[str]] = {}
    asked: dict[str, list[str]] = {}
    found: dict[str, list[int]] = {name: [] for name in CHANGES}
    for name, image in pictures(Path(folder) if folder else None, int(most)):
        variants = _variants(image)
        upright_ones = [value for variant, value in variants if "/" not in variant]
        if not upright_ones or any(upright_ones[0] == other[0] for other in kept.values()):
            continue  # too little in it, or the same picture again
        kept[name], asked[name] = upright_ones, [value for _, value in variants]
        for change, act in CHANGES.items():
            values = [value for _, value in _variants(act(image))]
            distances = [distance(one, other) for one in values for other in upright_ones]
            found[change].append(min(distances, default=256))
    missed = 0
    for change, nearest in found.items():
        recall = sum(one <= FOUND for one in nearest) / max(1, len(nearest))
        met = recall >= RECALL
        missed += not met
        print(f"{change}: {100 * recall:.1f} % within {FOUND} bits{'' if met else ', NOT met'}")
    names = list(kept)
    near = 0
    for at, one in enumerate(names):
        for other in names[:at]:
            apart = min(distance(a, b) for a in asked[one] for b in kept[other])
            if apart <= NAMED:
                near += apart <= APART
                print(f"  {apart} bits: {one} and {other}")
    print(f"{len(names)} pictures; {near} pairs within {APART} bits")
    return 1 if missed or near or not names else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
