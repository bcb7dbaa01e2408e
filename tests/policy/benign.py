"""Benign pictures that scikit-image ships, whole and in parts: `python -m tests.policy.benign` counts false alarms.

20 photographs and pictures of instruments, each whole, in quarters and in ninths, and 200 small pieces of photographs
(100 faces, 100 of what lies around them): 480 pictures of 220 sources. Parts of one photograph are like each other, so
the interval is narrower than strangers' pictures would make it.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image
from skimage import data

from sora_cli.media.stream import Frames
from sora_cli.policy import pictures
from sora_cli.policy.pictures import DOUBT
from tests.policy.measure import wilson

FOLDER = Path(data.__file__).parent
NAMES = (
    "astronaut.png", "camera.png", "brick.png", "cell.png", "chelsea.png", "clock_motion.png", "coffee.png",
    "coins.png", "color.png", "grass.png", "gravel.png", "horse.png", "hubble_deep_field.jpg", "ihc.png",
    "microaneurysms.png", "moon.png", "motorcycle_left.png", "retina.jpg", "rocket.jpg", "page.png",
)  # fmt: skip


FACES = {f"piece {at}" for at in range(100)}
PEOPLE = ("astronaut", "camera")


def photographs() -> Iterator[tuple[str, Frames]]:
    for name in NAMES:
        with Image.open(FOLDER / name) as picture:
            yield name, np.asarray(picture.convert("RGB"))


def shown() -> Iterator[tuple[str, Frames]]:
    """Each picture `(height, width, 3)` with a name."""
    for name, whole in photographs():
        for parts in (1, 2, 3):
            high, wide = whole.shape[0] // parts, whole.shape[1] // parts
            for at in range(parts * parts):
                top, left = at // parts * high, at % parts * wide
                yield f"{name} {at + 1} of {parts * parts}", whole[top : top + high, left : left + wide]
    for at, piece in enumerate(np.load(FOLDER / "lfw_subset.npy")):
        grey = np.asarray(Image.fromarray((piece * 255).astype(np.uint8)).resize((160, 160), Image.Resampling.BICUBIC))
        yield f"piece {at}", np.repeat(grey[..., None], 3, 2)


def main() -> None:
    seen = {name: pictures.look_at_still(np.ascontiguousarray(picture)[None]) for name, picture in shown()}
    alarms = {name: each.scores["sexual"] for name, each in seen.items() if each.categories(child=False)}
    beside_children = {name: each.scores["sexual"] for name, each in seen.items() if each.categories(child=True)}
    faces = [bool(each.faces) for name, each in seen.items() if name in FACES]
    others = {name: each.faces for name, each in seen.items() if name not in FACES and not name.startswith(PEOPLE)}
    wrong = {name: count for name, count in others.items() if count}
    print(f"faces found: {sum(faces)} of {len(faces)}")  # noqa: T201
    print(f"faces found where there is none: {len(wrong)} of {len(others)} {wrong}")  # noqa: T201
    for what, found in (("false alarms", alarms), (f"above {DOUBT}, so beside words of a child", beside_children)):
        low, high = wilson(len(found), len(seen))
        print(f"{what}: {len(found)} of {len(seen)} [{low:.1%}, {high:.1%}] {found}")  # noqa: T201


if __name__ == "__main__":
    main()
