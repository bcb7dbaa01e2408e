"""How many made faults the review names, by kind: `python -m tests.review.table odd` prints docs/review.md's table."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Sequence

from sora_cli.review.bars import Bars
from sora_cli.review.ears import listen
from sora_cli.review.judge import ReviewRow, judge
from sora_cli.review.watch import watch
from tests.review import made
from tests.review.made import DRIFTS, FPS, Made, clean

TINTS = {"warmer": "tinted", "greener": "tinted"}

KINDS: dict[str, tuple[str, str, Callable[[Made, float], Made]]] = {
    **{
        f"colour, {kind}": ("two", f"its colour drifts: {TINTS.get(kind, kind)}",
                            lambda film, strength, kind=kind: made.drifted(film, kind, strength))
        for kind in DRIFTS
    },
    "jump": ("one/1", "the picture jumps", made.jumped),
    "stutter": ("one/1", "a frame is shown twice", lambda film, _: made.stuttered(film)),
    "reversed": ("one/1", "the motion turns back", lambda film, _: made.reversed_at(film)),
    "blur": ("two", "softer than its scene's first", made.blurred),
    "flicker": ("two", "the light flickers", made.flickering),
    "frozen head": ("two", "its head stands still", made.frozen),
    "cut": ("film", "cuts that were not planned", lambda film, _: made.cut_into(film, clean(1000 + film.number))),
    "click": ("one/1", "the sound clicks", made.clicking),
    "level": ("one/1", "the sound gets louder at once", made.louder),
}  # fmt: skip
"""The faults: the row that must name it, the words that must be among its verdict, and how it is made."""


def reviewed(film: Made) -> list[ReviewRow]:
    """The rows of a made film, as a film file of it would get them."""
    seen = watch(film.pictures, film.parts)
    return judge(film.parts, seen, listen([film.sound]), FPS, Bars())


def named(film: Made, row: str, words: str) -> bool:
    """Whether the review of a film names a fault."""
    return any(words in each.said for each in reviewed(film) if each.name == row)


def alarms(film: Made) -> list[str]:
    """What a review finds wrong with a film."""
    return [f"{row.name}: {row.said}" for row in reviewed(film) if not row.ok]


def counted(kind: str, films: Sequence[Made], strength: float = 2) -> int:
    """How many of these films with a fault are named as having it."""
    row, words, spoil = KINDS[kind]
    return sum(named(spoil(film, strength), row, words) for film in films)


def lines(numbers: Iterable[int]) -> Iterable[str]:
    """The table: how many of the clean films raise no alarm, and how many faults of each strength are named."""
    films = [clean(number) for number in numbers]
    yield f"clean, no alarm: {sum(not alarms(film) for film in films)} of {len(films)}"
    for kind in KINDS:
        weak, middle, strong = (counted(kind, films, strength) for strength in (1, 2, 3))
        yield f"| {kind} | {weak} | {middle} | {strong} | {len(films)} |"


if __name__ == "__main__":
    for line in lines(range(1 if sys.argv[1] == "odd" else 0, 30, 2)):
        sys.stdout.write(f"{line}\n")
