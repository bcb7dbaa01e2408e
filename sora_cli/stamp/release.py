"""The only way to release a finished film: mark it, write it aside, sign it, read it back, put it in place."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from sora_cli import atomic
from sora_cli.errors import PolicyError, RequestError, StampError, StoreError
from sora_cli.events import Note, Report, Silent, Stage, StageDone, StageStarted, StageStep
from sora_cli.lock import scratch as scratch_folder
from sora_cli.media.deliveries import WEB, Delivery, check_place
from sora_cli.media.film import write_film
from sora_cli.media.fingerprint import Fingerprint, fingerprinted
from sora_cli.media.overlay import overlay
from sora_cli.media.splice import write_beside
from sora_cli.media.stream import Master
from sora_cli.media.sums import SUMS
from sora_cli.stamp import credential, found, watermark
from sora_cli.stamp.certificate import Signer
from sora_cli.stamp.claims import (
    Edit,
    FilmFacts,
    Making,
    edit_manifest,
    film_manifest,
    take_manifest,
)
from sora_cli.stamp.credential import Ingredient
from sora_cli.stamp.sources import Sources
from sora_cli.stamp.verdict import Verdict, sidecar_of, verify
from sora_cli.storyboard.model import LEAST_OPACITY, Provenance, Watermark


@dataclass(frozen=True, slots=True, kw_only=True)
class Release:
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
    sources = Sources(making.given, signer.root)
    desk = ReleaseTarget(out, provenance, signer, kind, report or Silent())
    marked = desk.marked(may_leave_unmarked=may_leave_unmarked)
    facts = FilmFacts(name=out.name, kind=kind.mime, fps=master.fps, frames=master.frames, marked=marked)
    if isinstance(making, Edit):
        for path, note in sources.notes():
            desk.tell(Note(f"{path.name}: {note}; it is used"))
        manifest = edit_manifest(making, provenance, facts)
        return desk.send(master, manifest, lambda _: _edited(making, sources), len(making.clips))
    manifest = film_manifest(making, provenance, facts)
    return desk.send(
        master, manifest, lambda scratch: _ingredients(making, desk, sources, scratch), len(making.origins)
    )


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


@dataclass(frozen=True, slots=True)
class ReleaseTarget:
    """Where one film goes out: to `out`, for `provenance`, signed by `signer`, as `kind`."""

    out: Path
    provenance: Provenance
    signer: Signer
    kind: Delivery
    tell: Report

    def marked(self, *, may_leave_unmarked: bool) -> bool:
        """Whether the film gets the mark; refuses it, or its place, before any work is done."""
        check_place(self.out, self.kind)
        if not self.out.parent.is_dir():
            raise RequestError(f"cannot write the film to {self.out}: its folder does not exist")
        return require_mark(self.provenance.watermark, may_leave_unmarked=may_leave_unmarked)

    def send(
        self,
        master: Master,
        manifest: Mapping[str, object],
        ingredients: Callable[[Path], Iterator[Ingredient]],
        steps: int,
    ) -> Release:
        """Mark, write, sign, check and put in place; `ingredients` are made in a folder that they are given."""
        mark, kind = self.provenance.watermark, self.kind
        marked = watermark.visible(mark)
        film = with_mark(master, mark) if marked else master
        with atomic.spare(self.out) as plain, atomic.spare(self.out) as signed:
            with self._stage("write", master.frames):
                known = self._write(plain, film)
            with self._stage("stamp", steps), scratch_folder() as scratch:
                parts, bare = ingredients(scratch), plain / SUMS if kind.folder else plain
                whole = found.bound(manifest, known)
                store = credential.sign(bare, signed, whole, self.signer, ingredients=parts, kind=kind.mime)
                signed.replace(bare)
                sidecar, verdict = self._put_in_place(plain, store)
        self._keep(known, store)
        return Release(path=self.out, sidecar=sidecar, signer=self.signer, verdict=verdict, marked=marked)

    def _write(self, path: Path, film: Master) -> found.FilmPrint | None:
        """Encode the film, beside the packets of another where it is written so; what finds it again."""

        def told(done: int, _of: int) -> None:
            self.tell(StageStep("write", done))

        if film.kept is None:
            with Fingerprint() as prints:
                write_film(path, fingerprinted(film, prints), self.kind, told)
                return found.finish(prints)
        with scratch_folder() as scratch:
            write_beside(path, film, film.kept, scratch, told)
        return found.of_file(path)

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


def with_mark(master: Master, mark: Watermark) -> Master:
    """The same film with the visible moving mark on every picture.

    Raises:
        RequestError, MediaError: the mark cannot be drawn (see `watermark.make_badge`).
    """
    badge = watermark.make_badge(mark, master.width, master.height)
    place = watermark.path(master.fps, (master.width, master.height), badge)
    first = master.kept.frames if master.kept is not None and not master.kept.follows else 0
    return replace(
        master, pictures=lambda: overlay(master.pictures(), badge.rgba, lambda number: place(first + number))
    )


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
