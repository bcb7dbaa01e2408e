"""Make a film's takes again from what its sidecar says (or a clip from its card), and say whether the frames agree."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from fractions import Fraction
from pathlib import Path
from typing import Any

import numpy as np

from sora_cli import stamp
from sora_cli.claim import scratch
from sora_cli.engines import catalogue
from sora_cli.engines.base import Carry, EngineCard, Hold, Reference, Take
from sora_cli.engines.options import Memory
from sora_cli.errors import RequestError, SoraError
from sora_cli.executors.local import LocalExecutor
from sora_cli.halt import Halt
from sora_cli.media.reel import read_frames
from sora_cli.report import Report
from sora_cli.shoot import Camera, shoot
from sora_cli.store import Clip, Store, file_hash


@dataclass(frozen=True, slots=True)
class Verdict:
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


@dataclass(frozen=True, slots=True)
class Reproduction:
    """What came of making the takes again; `differences` is what was otherwise: what, then, now."""

    of: Path
    takes: tuple[Verdict, ...]
    differences: Mapping[str, tuple[str, str]] = field(default_factory=dict)

    @property
    def agrees(self) -> bool:
        """Whether every frame of every take is the same, to the bit."""
        return all(take.state == "agrees" for take in self.takes)

    def as_dict(self) -> dict[str, Any]:
        """Plain data, for `--json`."""
        changes = {what: {"then": then, "now": now} for what, (then, now) in self.differences.items()}
        takes = [asdict(take) for take in self.takes]
        return {"of": str(self.of), "agrees": self.agrees, "takes": takes, "differences": changes}

    def summary(self) -> str:
        """One line: how many takes agree."""
        same = sum(take.state == "agrees" for take in self.takes)
        return f"{same} of {len(self.takes)} takes agree frame for frame"


@dataclass(frozen=True, slots=True)
class _Work:
    """Takes to make again, as `shoot` wants them."""

    takes: tuple[Take, ...]
    cards: Mapping[str, EngineCard]
    memory: Memory


def reproduce(path: Path, store: Store, report: Report, halt: Halt) -> Reproduction:
    """Make the takes of a film, or one clip of the store, again, and compare the decoded frames.

    Takes are made in a store of their own, which is gone afterwards; what they carry on from is made again too.

    Raises:
        RequestError: there is nothing that says how it was made, or an engine or a file of then is not here.
        Interrupted, WorkError: asked to stop.
    """
    records, own = _records(path, store)
    cards = {name: catalogue.card(name) for name in {record["engine"] for record in records.values()}}
    takes = tuple(_take(key, record, own) for key, record in records.items())
    wrong: dict[str, SoraError] = {}
    with scratch() as folder:
        again = Store(folder)
        camera = Camera(lambda card, tell, memory: catalogue.open_engine(card, memory=memory, report=tell), again, halt)
        executor = LocalExecutor(camera, camera.close)
        try:
            shoot(_Work(takes, cards, _memory(records)), executor, again, report, halt)
        except SoraError as error:
            halt.check()
            wrong[""] = error
        finally:
            camera.stop()
            executor.close()
        verdicts = tuple(_verdict(take, records[take.key], again, store, wrong) for take in takes)
        changes = _changes(records, cards, [again.card(take.key) for take in takes])
    return Reproduction(path, verdicts, changes)


def _records(path: Path, store: Store) -> tuple[dict[str, dict[str, Any]], dict[str, Path]]:
    """What is known of each take, by key, each after those it needs; and the user's own files, by hash."""
    beside = path.with_suffix(".json")
    try:
        facts = json.loads(beside.read_bytes())
    except (OSError, ValueError):
        facts = _from_credential(path, store)
    own = {sha: path.parent / name for sha, name in facts.get("files", {}).items()}
    if "takes" in facts:
        found = {take["key"]: take for take in facts["takes"]}
    elif "fields" in facts:
        store = Store(path.parent.parent)
        found = {path.stem: _from_card(path.stem, facts)}
    else:
        raise RequestError(f"{beside} is neither a film's sidecar nor a clip's card")
    records: dict[str, dict[str, Any]] = {}
    for key in found:
        _add(key, found, store, records)
    return records, own


def _add(key: str, found: Mapping[str, dict[str, Any]], store: Store, records: dict[str, dict[str, Any]]) -> None:
    """Add a take after those it carries on from. A path of keys, without recursion: chains may be long."""
    path = [key]
    while path:
        record = found.get(path[-1]) or _from_card(path[-1], store.card(path[-1]))
        carries = [record[way] for way in ("from", "to") if record[way]]
        needs = [need for each in carries for need in (*each["takes"], *each.get("colour", {}).get("takes", ()))]
        missing = [need for need in needs if need not in records]
        if missing:
            path.append(missing[0])
        else:
            records.setdefault(path.pop(), record)


def _from_credential(path: Path, store: Store) -> dict[str, Any]:
    """What a film without its sidecar says of its takes: their keys, under which the store may know the rest."""
    parts = stamp.verify(path).as_dict()["parts"] if path.exists() else []
    names = {part["parameters"]["key"]: part["name"] for part in parts if part["parameters"].get("key")}
    if not names:
        hint = f"its sidecar {path.with_suffix('.json').name} should lie beside it"
        raise RequestError(f"nothing says how {path} was made", hint=hint)
    return {"takes": [{**_from_card(key, store.card(key)), "name": name} for key, name in names.items()]}


def _from_card(key: str, card: Mapping[str, Any] | None) -> dict[str, Any]:
    """A take as a sidecar tells it, from its clip's card."""
    if card is None:
        raise RequestError(f"nothing says how take {key} was made: the store does not have it any more")
    made = {"pixels": card.get("pixels", ""), "made_on": card.get("made_on", {})}
    return {"name": key, "key": key, "skip": 0, "play": card["frames"], **card["fields"], **made}


def _memory(records: Mapping[str, Mapping[str, Any]]) -> Memory:
    """What of the fitting to the device changed pixels then; all takes of a film share it."""
    return Memory.model_validate(next((record["memory"] for record in records.values() if record.get("memory")), {}))


def _take(key: str, record: Mapping[str, Any], own: Mapping[str, Path]) -> Take:
    width, height = (int(side) for side in record["size"].split("x"))
    return Take(
        name=record["name"], key=key, engine=record["engine"], revision=record["weights"], prompt=record["prompt"],
        avoid=record["avoid"], width=width, height=height, fps=Fraction(record["fps"]), frames=record["frames"],
        skip=record["skip"], play=record["play"], seed=record["seed"], options=record["options"],
        opening=_carry(record["from"], own), closing=_carry(record["to"], own),
        references=tuple(Reference(_own(sha, own), sha) for sha in record["reference"]), sound=record["sound"],
    )  # fmt: skip


def _carry(told: Mapping[str, Any] | None, own: Mapping[str, Path]) -> Carry | None:
    if told is None:
        return None
    path = _own(told["file"], own) if told["file"] else None
    return Carry(tuple(told["takes"]), path, told["file"], told["at"], told["count"], _hold(told.get("colour"), own))


def _hold(told: Mapping[str, Any] | None, own: Mapping[str, Path]) -> Hold | None:
    if told is None:
        return None
    path = _own(told["file"], own) if told["file"] else None
    return Hold(tuple(told["takes"]), path, told["file"], told["strength"])


def _own(sha: str, own: Mapping[str, Path]) -> Path:
    """A file that was given then, if it is still the same."""
    path = own.get(sha)
    if path is None or not path.is_file() or file_hash(path) != sha:
        name = path or f"a file with SHA-256 {sha[:12]}..."
        raise RequestError(f"{name} was given to a take then, and is not here as it was")
    return path


def _verdict(
    take: Take, record: Mapping[str, Any], again: Store, store: Store, wrong: Mapping[str, SoraError]
) -> Verdict:  # fmt: skip
    clip = again.find(take.key)
    if clip is None:
        return Verdict(take.name, take.key, "failed", wrong[""].message if wrong else "")
    if not record.get("pixels"):
        return Verdict(take.name, take.key, "differs", "no hash of its frames was noted then")
    if clip.pixels == record["pixels"]:
        return Verdict(take.name, take.key, "agrees")
    before = store.find(take.key)
    return Verdict(take.name, take.key, "differs", psnr=_psnr(before, clip) if before else None)


def _psnr(one: Clip, other: Clip) -> float:
    """How near the frames of two clips are, in dB over all samples."""
    a, b = (read_frames(clip.path, 0, clip.frames).astype(np.float32) for clip in (one, other))
    error = float(np.mean((a - b) ** 2))
    return 10 * math.log10(255**2 / error) if error else math.inf


def _changes(
    records: Mapping[str, Mapping[str, Any]],
    cards: Mapping[str, EngineCard],
    made: Sequence[Mapping[str, Any] | None],
) -> dict[str, tuple[str, str]]:
    """What was otherwise when the takes were first made: weights, versions of libraries, device."""
    changes = {}
    for record in records.values():
        card = cards[record["engine"]]
        if card.revision != record["weights"]:
            changes[f"weights of {card.name}"] = (record["weights"], card.revision)
    for record, now in zip(records.values(), made, strict=True):
        then, today = record.get("made_on", {}), now["made_on"] if now else {}
        changes |= {what: (then[what], today[what]) for what in then if today.get(what, then[what]) != then[what]}
    return changes
