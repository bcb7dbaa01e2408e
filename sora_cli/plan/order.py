"""The order in which shots are planned and takes are shot: each after those it needs."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from typing import TypeVar

from sora_cli.engines.base import Take
from sora_cli.plan.place import ShotPlace, with_scenes
from sora_cli.plan.plan import PlannedShot
from sora_cli.plan.takes import TakeMaker
from sora_cli.storyboard.model import Shot, Storyboard

Node = TypeVar("Node", bound=Hashable)


def plan_beats(board: Storyboard, maker: TakeMaker, places: Sequence[ShotPlace]) -> None:
    """Plan the beats of all shots, each shot after those that its `from` and `to` name."""
    placed = with_scenes(board)
    scenes, shots = [scene for scene, _ in placed], [shot for _, shot in placed]
    number = {shot.name: index for index, shot in enumerate(shots)}
    labels = _labels(shots)

    def needs(index: int) -> Iterator[int]:
        for beat in shots[index].beats:
            if beat.edit is not None and beat.edit.shot in number:
                yield number[beat.edit.shot]
            for link in (beat.start, beat.end):
                if link is not None and link.kind == "shot" and link.name in number:
                    yield number[link.name]
                elif link is not None and link.kind == "previous" and index:
                    yield index - 1

    for index in after_needs(range(len(shots)), needs):
        beats = bool(shots[index].beats)
        maker.shot(scenes[index], shots[index], labels[index], places[index].lengths if beats else ())


def _labels(shots: Iterable[Shot]) -> list[str]:
    """What each shot's seeds depend on: its name, or its words, so that new shots before it change nothing."""
    seen: dict[str, int] = {}
    labels = []
    for shot in shots:
        label = shot.name if shot.named else " / ".join(beat.prompt for beat in shot.beats)
        seen[label] = seen.get(label, 0) + 1
        labels.append(label if seen[label] == 1 else f"{label} ({seen[label]})")
    return labels


def needed_takes(maker: TakeMaker, shots: Iterable[PlannedShot]) -> list[Take]:
    """The takes of these shots and of all that they carry on from, each after those it needs."""
    stretches = [stretch for beats in maker.planned.values() for beat in beats for stretch in beat.stretches]
    stretches += maker.drafts.values()
    stretches += [still.stretch for stills in maker.stills.values() for still in stills]
    every = {take.key: take for stretch in stretches for take in stretch.candidates}
    played = (key for shot in shots for stretch in shot.stretches for key in stretch.keys)
    return [every[key] for key in after_needs(played, lambda key: every[key].needs)]


def after_needs(nodes: Iterable[Node], needs: Callable[[Node], Iterable[Node]]) -> list[Node]:
    """The nodes and all they need, in the given order as far as each may come after what it needs.

    Not by `graphlib`, which gives another order: what is planned first is shot first. Not by recursion: ten thousand
    shots may depend on each other in one chain. A need that waits for its own node is left out: the loader reports
    such circles.
    """
    order: dict[Node, None] = {}
    for node in nodes:
        path = {node: None}
        while path:
            last = next(reversed(path))
            missing = [need for need in needs(last) if need not in order and need not in path]
            if missing:
                path[missing[0]] = None
            else:
                del path[last]
                order.setdefault(last)
    return list(order)
