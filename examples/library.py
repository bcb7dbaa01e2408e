"""sora as a library: make a film from data, and hear what happens.

python examples/library.py red green blue
"""

from __future__ import annotations

import sys
from pathlib import Path

import sora_cli
from sora_cli.events import Event, TakeKept


def hear(event: Event) -> None:
    """Tell of each take; every other event is let go."""
    if isinstance(event, TakeKept):
        print(f"{event.take}: {'was there' if event.reused else f'{event.seconds:.1f} s'}")


def main(colours: list[str]) -> int:
    """One shot a colour, each dissolving into the next."""
    shots = [
        {"prompt": f"a {colour} ball bounces on the grass, day", "duration": "1s", "transition": "dissolve 0.25s"}
        for colour in colours
    ]
    board = sora_cli.one_shot({"title": "Colours", "seed": 7, "shots": shots})
    try:
        made = sora_cli.make(board, Path("colours.mp4"), report=hear)
    except sora_cli.SoraError as error:
        print(f"{error.message}\n{error.hint}", file=sys.stderr)
        return error.exit_code
    print(f"{made.path}: {made.frames} frames, signed by {made.signer}")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["red", "blue"]))
