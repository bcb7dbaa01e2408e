"""The only way a finished film leaves the building: marked, written aside, signed, read back, put in place."""

from __future__ import annotations

import contextlib
import os
import secrets
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from sora_cli.errors import PolicyError, RequestError, StampError
from sora_cli.media.film import WEB, Delivery, write_film
from sora_cli.media.overlay import overlay
from sora_cli.media.stream import Master
from sora_cli.report import Report, Silent, StageDone, StageStarted, StageStep
from sora_cli.stamp import credential, watermark
from sora_cli.stamp.certificate import Signer
from sora_cli.stamp.claims import FilmFacts, Making, Origin, film_manifest, take_manifest
from sora_cli.stamp.credential import Ingredient
from sora_cli.stamp.verdict import Verdict, verify
from sora_cli.storyboard.model import Provenance, Watermark


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
    making: Making,
    provenance: Provenance,
    signer: Signer,
    kind: Delivery = WEB,
    report: Report | None = None,
    may_leave_unmarked: bool = False,
) -> Release:
    """Mark, encode, sign and check a film, then give it the name `out`; what was there before is replaced.

    Until the last step nothing is at `out` but what was there before, and any failure or interruption leaves no other
    file behind. The stages told are `write` (in frames) and `stamp` (in takes).

    Raises:
        PolicyError: the visible mark is off, too faint or empty, and `may_leave_unmarked` does not allow that.
        RequestError: `out` is a folder or its folder is missing, or the mark's text does not fit the frame.
        MediaError: the film cannot be encoded, or the mark's picture cannot be read.
        StampError, CertificateError: it cannot be signed, or its credential does not read back whole.
    """
    tell = report or Silent()
    marked = require_mark(provenance.watermark, may_leave_unmarked=may_leave_unmarked)
    _check_place(out)
    with _aside(out) as plain, _aside(out) as signed, tempfile.TemporaryDirectory(prefix="sora-stamp-") as scratch:
        with _stage(tell, "write", master.frames):
            film = with_mark(master, provenance.watermark) if marked else master
            write_film(plain, film, kind, lambda done, _of: tell(StageStep("write", done)))
        with _stage(tell, "stamp", len(making.origins)):
            ingredients = _ingredients(making, provenance, signer, Path(scratch), tell)
            facts = FilmFacts(name=out.name, kind=kind.mime, fps=master.fps, frames=master.frames, marked=marked)
            manifest = film_manifest(making, provenance, facts, music=len(_held(making.music)))
            store = credential.sign(plain, signed, manifest, signer, ingredients=ingredients, kind=kind.mime)
            plain.unlink()
            return put_in_place(signed, out, store, signer=signer, kind=kind, marked=marked)


def require_mark(mark: Watermark, *, may_leave_unmarked: bool) -> bool:
    """Whether the film is marked; refuses an unmarked one unless that is allowed."""
    if watermark.visible(mark):
        return True
    if not may_leave_unmarked:
        raise PolicyError(
            "a film without a visible mark is refused by the policy",
            hint=f"remove `watermark: off`, or give it a text and an opacity of {watermark.LEAST_OPACITY} or more",
        )
    return False


def with_mark(master: Master, mark: Watermark) -> Master:
    """The same film with the visible moving mark on every picture.

    Raises:
        RequestError, MediaError: the mark cannot be drawn (see `watermark.make_badge`).
    """
    badge = watermark.make_badge(mark, master.width, master.height)
    place = watermark.path(master.fps, (master.width, master.height), badge)
    return replace(master, pictures=lambda: overlay(master.pictures(), badge.rgba, place))


def put_in_place(signed: Path, out: Path, store: bytes, *, signer: Signer, kind: Delivery, marked: bool) -> Release:
    """Read the signed film's own credential back, flush it to disk, and rename it to `out`.

    Raises:
        StampError: the credential does not read back whole.
    """
    sidecar = None if kind.signable else out.with_name(out.name + ".c2pa")
    beside = signed.with_name(signed.name + ".c2pa")
    try:
        if sidecar is not None:
            beside.write_bytes(store)
        verdict = verify(signed, anchors_pem=signer.root, kind=kind.mime, name=out.name)
        if not verdict.ok:
            raise StampError(
                f"the film's own credential does not read back: {verdict.sentence}",
                hint="the film was not put in place; the clips are kept, so run the same command again",
            )
        _flush(signed)
        if sidecar is not None:
            _flush(beside)
            beside.replace(sidecar)
        signed.replace(out)
        _flush(out.parent)
    finally:
        beside.unlink(missing_ok=True)
    return Release(path=out, sidecar=sidecar, signer=signer, verdict=verdict, marked=marked)


def _ingredients(
    making: Making, provenance: Provenance, signer: Signer, scratch: Path, tell: Report
) -> Iterator[Ingredient]:
    """All ingredients of the film: a signed copy of each take's clip, there only until the next is asked for."""
    for number, origin in enumerate(making.origins):
        copy = scratch / f"take-{number}{origin.clip.suffix}"
        given = _inputs(origin)
        manifest = take_manifest(origin, provenance, [each.label for each in given])
        credential.sign(origin.clip, copy, manifest, signer, ingredients=given)
        yield Ingredient(path=copy, title=origin.name, relationship="componentOf", label=f"take-{number}")
        copy.unlink()
        tell(StageStep("stamp", number + 1))
    for number, path in enumerate(_held(making.music)):
        yield Ingredient(path=path, title=path.name, relationship="componentOf", label=f"music-{number}")


def _held(paths: tuple[Path, ...]) -> list[Path]:
    """Those that C2PA can hash; the names of all stand in the parameters."""
    return [path for path in paths if credential.can_hold(path)]


def _inputs(origin: Origin) -> list[Ingredient]:
    """What went into a take."""
    paths = _held((*origin.references, *origin.own_media))
    return [
        Ingredient(path=path, title=path.name, relationship="inputTo", label=f"input-{number}")
        for number, path in enumerate(paths)
    ]


def _check_place(out: Path) -> None:
    if out.is_dir():
        raise RequestError(f"cannot write the film to {out}: it is a folder", hint="name a file, like film.mp4")
    if not out.parent.is_dir():
        raise RequestError(f"cannot write the film to {out}: its folder does not exist")


@contextlib.contextmanager
def _aside(out: Path) -> Iterator[Path]:
    """A free name beside `out`, with the same ending; whatever is there at the end is removed."""
    path = out.with_name(f".{out.stem}.{secrets.token_hex(4)}.part{out.suffix}")
    try:
        yield path
    finally:
        path.unlink(missing_ok=True)


@contextlib.contextmanager
def _stage(tell: Report, name: str, total: int) -> Iterator[None]:
    began = time.monotonic()
    tell(StageStarted(name, total))
    yield
    tell(StageDone(name, time.monotonic() - began))


def _flush(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    if path.is_dir() and os.name != "posix":
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
