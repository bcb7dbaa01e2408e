"""Make a film again by the recipe in its sidecar or credential (or a clip by its card): do the frames agree?"""

from __future__ import annotations

import errno
import hashlib
import math
from collections.abc import Collection, Iterator, Mapping, Sequence
from itertools import zip_longest
from pathlib import Path

import numpy as np
from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli import __version__, stamp
from sora_cli.bounded import is_file, read_json
from sora_cli.cancel import Cancellation
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import RequestError, SoraError
from sora_cli.events import Report
from sora_cli.flows import film, moderation, preflight
from sora_cli.flows.lineage import lineage, made_of, memory_of, own_files, take_of
from sora_cli.lock import scratch
from sora_cli.media.deliveries import delivery
from sora_cli.media.read import open_film, require_file
from sora_cli.media.stream import Frames
from sora_cli.plain import as_data
from sora_cli.record import recipe as recipes
from sora_cli.record import sidecar
from sora_cli.record.film import CardRecord, FilmRecord, RecipeRecord
from sora_cli.record.recipe import MadeTake
from sora_cli.shoot.camera import Camera
from sora_cli.shoot.executors.local import LocalExecutor
from sora_cli.shoot.shoot import shoot
from sora_cli.shoot.studio import Studio
from sora_cli.shoot.workers import Workers
from sora_cli.store import Card, Clip, Store
from sora_cli.storyboard.files import YAML_FILES, suffix
from sora_cli.storyboard.policy import OFF, Policy


class TakeOutcome(Struct, frozen=True):
    """How one take came out: `state` is agrees, differs or failed."""

    take: str
    key: str
    state: str
    reason: str = ""
    psnr: float | None = None
    """How near differing frames are, in dB, where the first clip is still here; None where it is not."""

    @property
    def row(self) -> list[str]:
        """Its row of the table."""
        near = "" if self.psnr is None else f"{self.psnr:.1f} dB"
        return [self.take, self.state, near, self.reason.partition("\n")[0]]


COLUMNS = ("take", "frames", "nearness", "why")


class FilmOutcome(Struct, frozen=True):
    """How the finished film came out: `state` is agrees, differs or failed, `frames` how many it has.

    `pixels` is the SHA-256 of the new one's decoded frames, which are all the same where they agree; `psnr` is how near
    they are in dB where they differ.
    """

    state: str
    reason: str = ""
    frames: int = 0
    pixels: str = ""
    psnr: float | None = None

    @property
    def words(self) -> str:
        """What a person is told."""
        near = "" if self.psnr is None else f", {self.psnr:.1f} dB near"
        return {"agrees": f"all {self.frames} frames of the film agree"}.get(
            self.state, f"the film {self.state}{near}" + (f": {self.reason}" if self.reason else "")
        )


class Reproduction(Struct, frozen=True):
    """What came of making it again; `differences` is what was otherwise: what, then, now. A clip has no `film`."""

    of: Path
    takes: tuple[TakeOutcome, ...]
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)
    film: FilmOutcome | None = None

    @property
    def agrees(self) -> bool:
        """Whether every frame of every take, and of the finished film, is the same to the bit."""
        return all(made.state == "agrees" for made in (*self.takes, self.film) if made is not None)

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        changes = {what: {"then": then, "now": now} for what, (then, now) in self.differences.items()}
        takes = [as_data(take) for take in self.takes]
        finished = self.film and as_data(self.film)
        return {"of": str(self.of), "agrees": self.agrees, "film": finished, "takes": takes, "differences": changes}

    def summary(self) -> str:
        """One line: how many takes agree, and whether the film does."""
        same = sum(take.state == "agrees" for take in self.takes)
        takes = f"{same} of {len(self.takes)} takes agree frame for frame"
        return f"{takes}; {self.film.words}" if self.film else takes


class _Work(Struct, frozen=True):
    """Takes to make again, as `shoot` wants them."""

    takes: tuple[Take, ...]
    cards: Mapping[str, EngineCard]
    memory: Memory
    rules: Policy = OFF
    """A clip has no policy of its own; what no policy allows is refused all the same."""
    bars: Mapping[str, float] = field(default_factory=dict)


def reproduce(
    path: Path, store: Store, report: Report, cancel: Cancellation, files: Path | None = None
) -> Reproduction:
    """Make a film again, or one clip of the store, and compare the decoded frames.

    A film is made by the recipe in its sidecar, or in its credential. The files that it was made from are looked for in
    the folder `files`, and where they were then. Everything is made in a temporary store.

    Raises:
        RequestError: nothing says how it was made, or a file that it was made from is missing.
        EngineMissing: an engine that it was made with is missing.
        Interrupted, WorkError: asked to stop.
    """
    if files is not None and not files.is_dir():
        raise RequestError(f"--files {files}: no such folder", hint="name the folder where the film's files are now")
    facts = _facts(path)
    desk = _Desk(store, report, cancel, files)
    if "fields" in facts:
        return desk.clip(path, CardRecord.from_dict(facts, f"the card of {path.name}"))
    recipe: RecipeRecord | None = None
    known: list[Path] = []
    if facts:
        film_record = FilmRecord.from_dict(facts, f"the sidecar of {path.name}")
        recipe = film_record.recipe
        places = (path.parent / name for name in film_record.files.values())
        known = [place for place in places if is_file(place)]
    if recipe is None and path.exists() and (signed := stamp.verify(path).recipe):
        recipe = recipes.read(signed)
    if recipe is None:
        if not path.exists():
            require_file(path)  # which says so
        hint = f"its sidecar {sidecar.beside(path)[0].name} should lie beside it"
        if suffix(path.name) in YAML_FILES:
            hint = "name the film itself, which was made by sora"
        raise RequestError(f"there is no record of how {path} was made", hint=hint)
    _require_film(path)
    return desk.film(path, recipe, known)


def _facts(film: Path) -> Mapping[str, object]:
    """The record beside a film or a clip; empty if there is none, or the file is not sora's.

    Raises:
        RequestError: it is damaged, too large, or no file.
    """
    beside = sidecar.found(film)
    try:
        facts = read_json(beside)
    except (OSError, ValueError) as error:
        if getattr(error, "errno", None) in {errno.ENOENT, errno.ENAMETOOLONG}:  # no disk takes a name that long
            return {}
        what = getattr(error, "strerror", None) or str(error)
        raise RequestError(
            f"{beside} cannot be read: {what}", hint="move it away; the credential may say more"
        ) from None
    if not isinstance(facts, dict) or sidecar.is_note(facts):
        return {}
    return facts if "fields" in facts or sidecar.tells_of(facts, beside, film) else {}


def _require_film(path: Path) -> None:
    """Refuse a film that cannot be compared, before it is made again.

    Raises:
        RequestError: there is none.
        MediaError: it cannot be read.
    """
    if not path.exists():
        raise RequestError(f"there is no {path} to compare with", hint="put the film beside its sidecar")
    next(_pictures(path), None)


class _Desk(Struct, frozen=True):
    """Where things are made again: `store` holds what was made then, `files` what else went in."""

    store: Store
    report: Report
    cancel: Cancellation
    files: Path | None

    def film(self, path: Path, recipe: RecipeRecord, known: Sequence[Path]) -> Reproduction:
        """Make the film of a recipe and compare it, and its takes, with what they were."""
        with scratch() as folder:
            places = [*([self.files] if self.files else []), *known]
            written = moderation.made_again(recipes.board_of(recipe, folder / "files", places))
            board = replace(written, executor="local")  # nobody elsewhere sees this folder
            plan = preflight.plan_of(board, draft=recipe.draft, only=recipe.only, animatic=recipe.animatic)
            preflight.require_ready(plan)
            again, out = Store(folder / "store"), folder / f"film{delivery(recipe.deliver).suffix}"
            signer, here = stamp.local_signer(), Workers.asked("local")
            wrong = ""
            try:
                with Studio(again, self.cancel, workers=here) as studio:
                    film.make(
                        board,
                        out,
                        report=self.report,
                        studio=studio,
                        draft=recipe.draft,
                        only=recipe.only,
                        deliver=recipe.deliver,
                        animatic=recipe.animatic,
                        drawn=False,
                        signer=signer,
                    )
            except SoraError as error:
                self.cancel.check()
                wrong = error.message
            now = {take.name: take for take in plan.takes}
            clips = {name: again.find(take.key) for name, take in now.items()}
            was = recipes.takes_of(recipe)
            verdicts = tuple(
                self._judged(name, then, now.get(name), clips.get(name), wrong) for name, then in was.items()
            )
            finished = FilmOutcome("failed", wrong) if wrong else _compared(path, out)
            made = [again.card(now[name].key) if name in now else None for name in was]
            changes = _changes(was.values(), plan.cards, made)
        if recipe.sora != __version__:
            changes = {"sora": (recipe.sora, __version__), **changes}
        return Reproduction(path, verdicts, changes, finished)

    def _judged(self, name: str, then: MadeTake, now: Take | None, clip: Clip | None, wrong: str) -> TakeOutcome:
        """How a take came out that a recipe tells of."""
        if now is None:
            return TakeOutcome(name, then.key, "failed", "this version of sora does not plan this take")
        found = _verdict(replace(now, key=then.key), then, clip, self.store, wrong)
        if found.state == "differs" and now.key != then.key and now.revision == then.weights:
            return replace(found, reason="this version of sora plans it differently")
        return found

    def clip(self, path: Path, card: CardRecord) -> Reproduction:
        """Make a clip of a store again, with all that it carries on from, by their cards."""
        kept = Store(path.parent.parent)
        records = lineage(path.stem, card, kept)
        cards = {name: catalogue.card(name) for name in {record.fields.engine for record in records.values()}}
        own = own_files(records.values(), self.files)
        takes = tuple(take_of(key, record, own, cards[record.fields.engine]) for key, record in records.items())
        moderation.require_allowed([take.prompt for take in takes])
        then = {key: made_of(key, record) for key, record in records.items()}
        memory = memory_of(records.values())
        wrong = ""
        with scratch() as folder:
            again = Store(folder)
            camera = Camera(
                lambda card, tell, memory: catalogue.open_engine(card, memory=memory, report=tell), again, self.cancel
            )
            executor = LocalExecutor(camera, camera.close)
            try:
                shoot(_Work(takes, cards, memory), executor, again, self.report, self.cancel)
            except SoraError as error:
                self.cancel.check()
                wrong = error.message
            finally:
                camera.stop()
                executor.close()
            verdicts = tuple(_verdict(take, then[take.key], again.find(take.key), kept, wrong) for take in takes)
            changes = _changes(then.values(), cards, [again.card(take.key) for take in takes])
        return Reproduction(path, verdicts, changes)


def _compared(one: Path, other: Path) -> FilmOutcome:
    """How near the frames of two films are."""
    count, squares, samples = [0, 0], 0.0, 0
    sums = hashlib.sha256(), hashlib.sha256()
    for pair in zip_longest(_pictures(one), _pictures(other)):
        for number, picture in enumerate(pair):
            if picture is not None:
                count[number] += 1
                sums[number].update(picture.tobytes())
        a, b = pair
        if a is not None and b is not None and a.shape == b.shape:
            squares += _squares(a, b)
            samples += a.size
        elif a is not None and b is not None:
            return FilmOutcome("differs", "its frames now have another size")
    then, now = (each.hexdigest() for each in sums)
    if then == now:
        return FilmOutcome("agrees", frames=count[0], pixels=now)
    reason = f"{count[0]} frames then, {count[1]} now" if count[0] != count[1] else ""
    nearness = _decibels(squares, samples) if squares else None
    return FilmOutcome("differs", reason, frames=count[0], pixels=now, psnr=nearness)


def _pictures(path: Path) -> Iterator[Frames]:
    """The frames of a film of any kind that is delivered."""
    with open_film(path) as film:
        yield from film.pictures(range(film.facts.frames))


def _verdict(take: Take, then: MadeTake, clip: Clip | None, store: Store, wrong: str) -> TakeOutcome:
    """How a take came out; `clip` is what was made of it now."""
    if clip is None:
        return TakeOutcome(take.name, take.key, "failed", wrong)
    if not then.pixels:
        return TakeOutcome(take.name, take.key, "differs", "no hash of its frames was recorded")
    if clip.pixels == then.pixels:
        return TakeOutcome(take.name, take.key, "agrees")
    before = store.find(take.key)
    return TakeOutcome(take.name, take.key, "differs", psnr=_psnr(before, clip) if before else None)


def _psnr(one: Clip, other: Clip) -> float:
    """How near the frames of two clips are, in dB over all samples."""
    squares = sum(_squares(a, b) for a, b in zip(_pictures(one.path), _pictures(other.path), strict=True))
    return _decibels(squares, one.frames * one.width * one.height * 3)


def _squares(one: Frames, other: Frames) -> float:
    """The sum of the squared differences of two pictures' samples."""
    return float(np.square(one.astype(np.float32) - other).sum())


def _decibels(squares: float, samples: int) -> float:
    """The peak signal-to-noise ratio of samples of 8 bits whose squared differences add up to `squares`."""
    return 10 * math.log10(255**2 * samples / squares) if squares else math.inf


def _changes(
    then: Collection[MadeTake], cards: Mapping[str, EngineCard], made: Sequence[Card | None]
) -> dict[str, tuple[str, str]]:
    """What was otherwise when the takes were first made: weights, versions of libraries, device."""
    changes = {}
    for take in then:
        card = cards.get(take.engine)
        if card is not None and card.revision != take.weights:
            changes[f"weights of {card.name}"] = (take.weights, card.revision)
    for take, now in zip(then, made, strict=True):
        today = now.made_on if now else {}
        was = take.made_on
        changes |= {what: (was[what], today[what]) for what in was if today.get(what, was[what]) != was[what]}
    return changes
