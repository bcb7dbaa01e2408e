"""`notes.json`: what people wrote to the shots of a page."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from pydantic import Field

from sora_cli.bounded import read_json
from sora_cli.data import MOST, Name, Record, Words
from sora_cli.errors import HINT_READ, RequestError


class Notes(Record):
    """The notes of one page: by the name of a shot, what was written to it."""

    of: Name = ""
    """The film or storyboard that the page was of."""
    notes: Annotated[dict[Words, Words], Field(max_length=MOST)]


def read_notes(path: Path) -> Notes:
    """The notes that a page let down.

    Raises:
        RequestError: the file cannot be read, or holds something else.
    """
    try:
        told = read_json(path)
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}", hint=HINT_READ) from error
    except ValueError as error:
        raise RequestError(f"{path} holds no notes: {error}", hint="name the notes.json that a page wrote") from error
    if not isinstance(told, dict) or "notes" not in told:
        raise RequestError(f"{path} holds no notes", hint="name the notes.json that a page wrote")
    return Notes.from_dict(told, str(path))
