"""The only way to release a finished film: mark it, write it aside, sign it, read it back, put it in place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from msgspec import Struct

from sora_cli import atomic
from sora_cli.errors import PolicyError, RequestError, StampError, StoreError
from sora_cli.events import Note, Report, Silent, Stage, StageDone, StageStarted, StageStep
from sora_cli.lock import scratch as scratch_folder
from sora_cli.media.deliveries import WEB, Delivery, check_place
from sora_cli.media.film import write_film
from sora_cli.media.fingerprint import Fingerprint, fingerprinted
from sora_cli.media.splice import write_beside
from sora_cli.media.stream import Master
from sora_cli.media.sums import SUMS
from sora_cli.stamp import credential, found, watermark
from sora_cli.stamp.beside import sidecar_of
from sora_cli.stamp.certificate import Signer
from sora_cli.stamp.claims import Edit, FilmFacts, Making, edit_manifest, film_manifest, take_manifest
from sora_cli.stamp.credential import Ingredient
from sora_cli.stamp.sources import Sources
from sora_cli.stamp.verdict import Verdict, verify
from sora_cli.storyboard.model import LEAST_OPACITY, Provenance, Watermark


class Release(Struct, frozen=True, kw_only=True):
    """A film in its place: `verdict` is its own credential, read back before it took its name."""

    path: Path
    sidecar: Path | None
    """Its manifest, where the container cannot hold one."""
    signer: Signer
    verdict: Verdict
    marked: bool


def release(
    master: Master,
    out: Path,
    *,
    making: Making | Edit,
    provenance: Provenance,
    signer: Signer,
    kind: Delivery = WEB,
    report: Report | None = None,
    may_leave_unmarked: bool = False,
) -> Release:
    """Mark, encode, sign and check a film, then give it the name `out`; what was there before is replaced.

    Until the last step nothing is at `out` but what was there before, and any failure or interruption leaves no other
    file behind. The stages told are `write` (in frames) and `stamp` (in takes or clips). Of an `Edit`, the credentials
    that its clips have are kept inside; what one clip alone is now is told, not how it was made.

    Raises:
        PolicyError: the visible mark is off, too faint or empty, and `may_leave_unmarked` does not allow that.
        RequestError: no such film can go to `out`, or the mark's text does not fit the frame.
        MediaError: the film cannot be encoded, or the mark's picture cannot be read.
        StampError, CertificateError: it cannot be signed, its credential does not read back whole, or one of the files
            that went into it was changed since it was signed, or while the film was made.
    """
    target = ReleaseTarget(out, provenance, signer, kind, report or Silent())
    with Releases() as films:
        films.write(master, target, making, may_leave_unmarked=may_leave_unmarked)
        return next(films.put_in_place())


def _edited(edit: Edit, sources: Sources) -> Iterator[Ingredient]:
    """The clips as ingredients; one alone is what the film was before."""
    for number, (path, _, _) in enumerate(edit.clips):
        if len(edit.clips) == 1:
            yield from sources.ingredient(path, "parentOf", "parent")
        else:
            yield from sources.ingredient(path, "componentOf", f"clip-{number}")


def check_mark(mark: Watermark, width: int, height: int, *, may_leave_unmarked: bool = False) -> None:
    """Refuse a mark that `release` would refuse for a film of this size. Asked before the work.

    Raises:
        PolicyError, RequestError, MediaError: as `release` does.
    """
    if require_mark(mark, may_leave_unmarked=may_leave_unmarked):
        watermark.make_badge(mark, width, height)


class ReleaseTarget(Struct, frozen=True):
    """Where one film goes out: to `out`, for `provenance`, signed by `signer`, as `kind`."""

    out: Path
    provenance: Provenance
    signer: Signer
    kind: Delivery
    tell: Report
    watch: Callable[[Master], Master] = lambda film: film
    """Sees the film as it goes out, marked."""

    def marked(self, *, may_leave_unmarked: bool) -> bool:
        """Whether the film gets the mark; refuses it, or its place, before any work is done."""
        check_place(self.out, self.kind)
        if not self.out.parent.is_dir():
            raise RequestError(f"cannot write the film to {self.out}: its folder does not exist")
        return require_mark(self.provenance.watermark, may_leave_unmarked=may_leave_unmarked)

    def write(self, path: Path, master: Master, *, marked: bool, prints: Fingerprint) -> None:
        """Mark and encode the film, beside the packets of another where it is written so; `prints` takes new ones."""
        film = self.watch(watermark.with_mark(master, self.provenance.watermark) if marked else master)
        self._tell_lost(film)

        def told(done: int, _of: int) -> None:
            self.tell(StageStep("write", done))

        with self._stage("write", master.frames):
            if film.kept is None:
                write_film(path, fingerprinted(film, prints), self.kind, told)
                return
            with scratch_folder() as scratch:
                write_beside(path, film, film.kept, scratch, told)

    def _tell_lost(self, film: Master) -> None:
        """Tell what of a film its kind cannot hold."""
        kinds = {"sound": self.kind.sound_codec, "subtitles": self.kind.subtitle_codec}
        there = {"sound": film.sound is not None, "subtitles": bool(film.subtitles)}
        if lost := [what for what, codec in kinds.items() if there[what] and not codec]:
            told = f"{self.out.name} is without {' and '.join(lost)}: a film of the kind {self.kind.name} has none"
            self.tell(Note(told, "deliver it as web, prores or archive"))

    def send(self, written: _Written, known: found.FilmPrint | None) -> Release:
        """Sign, check and put in place a film that is written; `known` finds it again."""
        plain, kind, making = written.path, self.kind, written.making
        steps = len(making.clips if isinstance(making, Edit) else making.origins)
        with atomic.spare(self.out) as signed, self._stage("stamp", steps), scratch_folder() as scratch:
            parts, bare = written.ingredients(scratch), plain / SUMS if kind.folder else plain
            whole = found.bound(written.manifest, known)
            store = credential.sign(bare, signed, whole, self.signer, ingredients=parts, kind=kind.mime)
            signed.replace(bare)
            sidecar, verdict = self._put_in_place(plain, store)
        self._keep(known, store)
        return Release(path=self.out, sidecar=sidecar, signer=self.signer, verdict=verdict, marked=written.marked)

    def _put_in_place(self, done: Path, store: bytes) -> tuple[Path | None, Verdict]:
        """Read the signed film's own credential back, flush it to disk, and give it the name `out`."""
        beside = sidecar_of(done)
        try:
            if not self.kind.signable:
                beside.write_bytes(store)
            verdict = verify(done, anchors_pem=self.signer.root, kind=self.kind.mime, name=self.out.name)
            if not verdict.ok:
                raise StampError(
                    f"the film's own credential does not read back: {verdict.sentence}",
                    hint="the film was not put in place; run the same command again",
                )
            sidecar = None if self.kind.signable else sidecar_of(self.out)
            if self.kind.folder:
                sidecar = self.out / beside.name
            elif sidecar is not None:
                atomic.put(beside, sidecar)
            atomic.put(done, self.out)
        finally:
            beside.unlink(missing_ok=True)
        return sidecar, verdict

    def _keep(self, known: found.FilmPrint | None, store: bytes) -> None:
        """Keep the film's manifest, so that a copy without one is found again; the film is whole without that."""
        try:
            if known is not None:
                known.keep(store)
        except StoreError as error:
            self.tell(Note(f"the film's manifest is not kept: {error.message}", error.hint))

    @contextlib.contextmanager
    def _stage(self, name: Stage, total: int) -> Iterator[None]:
        began = time.monotonic()
        self.tell(StageStarted(name, total))
        yield
        self.tell(StageDone(name, time.monotonic() - began))


class _Written(Struct, frozen=True, kw_only=True):
    """A film that is encoded at `path`, and not signed yet; `pictures` are its places among those that were taken."""

    path: Path
    target: ReleaseTarget
    making: Making | Edit
    sources: Sources
    manifest: Mapping[str, object]
    marked: bool
    pictures: range

    def ingredients(self, scratch: Path) -> Iterator[Ingredient]:
        """What went into it; copies are made in `scratch`."""
        if isinstance(self.making, Edit):
            return _edited(self.making, self.sources)
        return _ingredients(self.making, self.target, self.sources, scratch)

    def send(self, known: found.FilmPrint | None) -> Release:
        """Sign it and put it in place; its packets of another film are looked at now."""
        return self.target.send(self, known if self.pictures else found.of_file(self.path))


class Releases:
    """Films that are released as `release` does it: all are written first, so that one ffmpeg looks at them all.

    Used as a context; whatever has not its name at the end is removed.
    """

    def __enter__(self) -> Self:
        self._stack = contextlib.ExitStack()
        self._prints = self._stack.enter_context(Fingerprint())
        self._films: list[_Written] = []
        return self

    def __exit__(self, *error: object) -> None:
        self._stack.close()

    def write(
        self, master: Master, target: ReleaseTarget, making: Making | Edit, *, may_leave_unmarked: bool = False
    ) -> None:
        """Mark and encode the next film, aside.

        Raises:
            SoraError: as `release` does.
        """
        sources = Sources(making.given, target.signer.root)
        marked = target.marked(may_leave_unmarked=may_leave_unmarked)
        facts = FilmFacts(
            name=target.out.name, kind=target.kind.mime, fps=master.fps, frames=master.frames, marked=marked
        )
        if isinstance(making, Edit):
            for path, note in sources.notes():
                target.tell(Note(f"{path.name}: {note}; it is used"))
            manifest = edit_manifest(making, target.provenance, facts)
        else:
            manifest = film_manifest(making, target.provenance, facts)
        path, first = self._stack.enter_context(atomic.spare(target.out)), self._prints.taken
        target.write(path, master, marked=marked, prints=self._prints)
        self._films.append(
            _Written(
                path=path,
                target=target,
                making=making,
                sources=sources,
                manifest=manifest,
                marked=marked,
                pictures=range(first, self._prints.taken),
            )
        )

    def put_in_place(self) -> Iterator[Release]:
        """Sign each film, check it, and give it its name.

        Raises:
            SoraError: as `release` does; the films before it have their names.
        """
        known = found.prints_of(self._prints, [film.pictures for film in self._films])
        for film, own in zip(self._films, known, strict=True):
            yield film.send(own)


def require_mark(mark: Watermark, *, may_leave_unmarked: bool) -> bool:
    """Whether the film is marked; refuses an unmarked one unless that is allowed."""
    if watermark.visible(mark):
        return True
    if not may_leave_unmarked:
        raise PolicyError(
            "a film without a visible mark is refused by the policy",
            hint=f"remove `watermark: off`, or give it a text and an opacity of {LEAST_OPACITY} or more",
        )
    return False


def _ingredients(making: Making, desk: ReleaseTarget, sources: Sources, scratch: Path) -> Iterator[Ingredient]:
    """All ingredients of the film: a signed copy of each take's clip, there only until the next is asked for."""
    for number, origin in enumerate(making.origins):
        copy = scratch / f"take-{number}{origin.clip.suffix}"
        given = {f"input-{place}": path for place, path in enumerate(origin.given)}
        manifest = take_manifest(origin, desk.provenance, list(given))
        inputs = (each for label, path in given.items() for each in sources.ingredient(path, "inputTo", label))
        credential.sign(origin.clip, copy, manifest, desk.signer, ingredients=inputs)
        yield Ingredient(path=copy, title=origin.name, relationship="componentOf", label=f"take-{number}")
        copy.unlink()
        desk.tell(StageStep("stamp", number + 1))
    if making.parent is not None:
        yield from sources.ingredient(making.parent, "parentOf", "parent")
    for number, path in enumerate(making.film_files):
        yield from sources.ingredient(path, "componentOf", f"film-{number}")
    for number, path in enumerate(making.sound_files):
        yield from sources.ingredient(path, "componentOf", f"sound-{number}")
