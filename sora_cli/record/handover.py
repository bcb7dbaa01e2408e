"""What an export was made from, in the file `sora-export.json` that lies beside its timeline."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

from pydantic import Field

from sora_cli import atomic
from sora_cli.bounded import read_facts
from sora_cli.data import LIST, MOST, Count, Name, Rate, Record, Sha, Words
from sora_cli.record.film import MakerRecord

NAME = "sora-export.json"


class ShotFileRecord(Record):
    """A shot as a file: it plays `frames` film frames from film frame `start`, after `head` frames of handle."""

    name: Words
    file: Name
    reel: Name
    start: Count
    frames: Count
    head: Count
    total: Count


class ExportRecord(Record):
    """An export: whose it is, of which storyboard, its shots, and the hashes of all its files."""

    sora: Name
    made_by: MakerRecord
    draft: bool = False
    from_draft: Annotated[float, Field(ge=0, le=1)] = 0.0
    """As a recipe has it."""
    subtitles: Name = ""
    """Of which kind its film has them: a command line may have asked for others than the storyboard."""
    only: Annotated[tuple[Words, ...], LIST, Field(max_length=MOST)] = ()
    fps: Rate
    shots: Annotated[tuple[ShotFileRecord, ...], LIST, Field(max_length=MOST)]
    files: Annotated[dict[Name, Sha], Field(max_length=MOST)] = Field(default={})


def read(folder: Path) -> ExportRecord | None:
    """Read what the export in a folder was made from; None where its file is missing."""
    return ExportRecord.if_whole(read_facts(folder / NAME))


def write(folder: Path, record: ExportRecord, files: Mapping[str, str]) -> None:
    """Write the record, with the hashes of the files that lie in the folder by now. Raises `OSError`."""
    told = {**record.to_dict(), "files": dict(files)}
    # On one line: it is written after each clip, and JSON with an indent takes twenty times as long.
    atomic.write(folder / NAME, json.dumps(told, sort_keys=True, ensure_ascii=False) + "\n")
