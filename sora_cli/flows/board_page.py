"""The page of a storyboard before it is shot: what it is given, what is kept of it, its length, what it costs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from sora_cli.bounded import seen_from
from sora_cli.engines.base import Take
from sora_cli.errors import MediaError
from sora_cli.flows.pages import spread
from sora_cli.flows.preview import PlanView
from sora_cli.media.read import open_film
from sora_cli.page import pictures
from sora_cli.page.data import Page, Picture, ShotView, StretchView, TakeView
from sora_cli.plan import PlannedShot
from sora_cli.plan.continuity import Stretch
from sora_cli.store import Store
from sora_cli.storyboard.cast import kind_of

_FACTS = ("length", "frames", "size", "seed", "from", "about", "cost", "why")
"""Columns of the plan's table that stand under each take."""


def of_board(view: PlanView, store: Store, folder: Path) -> Page:
    """The page, in a folder, of a plan, with the notes that people wrote to it.

    Raises:
        StoreError: the store cannot be read.
    """
    plan, board = view.plan, view.plan.board
    drawing = _BoardPage(view, store)
    return Page(
        title=board.title,
        source=board.path.name if board.path else board.title,
        facts=(("storyboard", seen_from(board.path, folder) if board.path else ""), ("film", view.summary())),
        remarks=[str(each) for each in (*view.missing, *plan.remarks, *view.needed())],
        shots=tuple(drawing.shot(shot) for shot in plan.shots),
    )


class _BoardPage:
    """Draws the shots of one plan."""

    def __init__(self, view: PlanView, store: Store) -> None:
        self._view, self._store = view, store
        keys = [take.key for take in view.plan.takes]
        self._rows = dict(zip(keys, view.rows(_FACTS), strict=True))
        self._share = pictures.share(sum(view.kept.values()) + sum(len(_given(shot)) for shot in view.plan.shots))

    def shot(self, shot: PlannedShot) -> ShotView:
        """A shot of the plan."""
        plan = self._view.plan
        said = [f"{each.line.cast or 'narrator'}: {each.line.line}" for each in plan.lines if each.shot == shot.name]
        return ShotView(
            name=shot.name,
            scene=shot.scene,
            start=float(shot.start / plan.fps),
            seconds=float(shot.frames / plan.fps),
            lines=(*([shot.title.text] if shot.title else []), *said),
            pictures=tuple(self._picture(path) for path in _given(shot)),
            stretches=tuple(self._stretch(stretch) for stretch in shot.stretches),
            note=self._view.notes.get(shot.name, ""),
        )

    def _stretch(self, stretch: Stretch) -> StretchView:
        first = stretch.candidates[0]
        takes = tuple(map(self._take, stretch.candidates))
        return StretchView(name=stretch.name, prompt=first.prompt, avoid=first.avoid, takes=takes)

    def _take(self, take: Take) -> TakeView:
        kept = self._view.kept[take.key]
        facts = [("engine", take.engine), *zip(_FACTS, self._rows[take.key], strict=True)]
        still = self._still(take) if kept else None
        return TakeView(
            name=take.name,
            state="kept" if kept else "to shoot",
            plays=kept,
            facts=tuple((name, value) for name, value in facts if value),
            strip=still,
            gone="its clip is gone or damaged: it will be shot again" if kept and still is None else "",
        )

    def _still(self, take: Take) -> Picture | None:
        clip = self._store.find(take.key)
        if clip is None:
            return None
        return self._frame(clip.path, spread(take.skip, take.play, 1)[0], f"a frame of {take.name}")

    def _picture(self, path: Path) -> Picture:
        if kind_of(path) == "sound":
            return Picture("", 0, 0, path.name)
        try:
            return self._frame(path, 0, path.name)
        except MediaError as error:
            return Picture("", 0, 0, f"{path.name}: {error.message}")

    def _frame(self, path: Path, number: int, shows: str) -> Picture:
        with open_film(path) as film:
            return pictures.strip(list(film.pictures([number])), self._share, shows, tall=2)


def _given(shot: PlannedShot) -> list[Path]:
    """The files that the takes of a shot are given, each once."""
    return list(dict.fromkeys(path for stretch in shot.stretches for path in _files(stretch.candidates[0])))


def _files(take: Take) -> Iterator[Path]:
    yield from (each.path for each in take.carries if each.path is not None)
    yield from (each.path for each in take.references)
