"""What the policy says of clips and pictures that are trained on: words, nudity, and people who must have agreed."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct
from pydantic import JsonValue

from sora_cli import storyboard
from sora_cli.errors import PolicyError, RequestError, refusal
from sora_cli.events import Note, Report
from sora_cli.flows import moderation
from sora_cli.policy import inputs
from sora_cli.policy.board import Text
from sora_cli.policy.judge import cache_folder
from sora_cli.store import file_hash
from sora_cli.storyboard.policy import BUILT_IN

if TYPE_CHECKING:
    from sora_cli.training.material import Piece

AGREE = "where these are real people, add: --consent RELEASE --who NAME --statement WORDS --agreed 2026-11-03"


class Agreed(Struct, frozen=True):
    """That real people agreed to be trained on: the release, who they are, what they said, and when."""

    release: Path
    who: tuple[str, ...]
    statement: str
    day: str

    @property
    def files(self) -> tuple[Path, ...]:
        """What must not be written over."""
        return (self.release,)


class Judged(Struct, frozen=True):
    """What the policy found; `consent` is the hash of an agreement, which tells nothing that it says."""

    told: dict[str, JsonValue]
    consent: str = ""


def judge(name: str, pieces: Sequence[Piece], policy: str, agreed: Agreed | None, report: Report) -> Judged:
    """Hold the pieces and their captions to a policy, as a storyboard would whose cast they show.

    Raises:
        PolicyError: it refuses them; where faces are seen, an agreement is needed.
        RequestError: the policy or the agreement is wrong.
    """
    member: dict[str, object] = {"reference": [str(piece.path.resolve()) for piece in pieces]}
    if agreed is not None:
        member["consent"] = {
            "who": list(agreed.who),
            "statement": agreed.statement,
            "date": agreed.day,
            "file": str(agreed.release.resolve()),
        }
    data: dict[str, object] = {"title": name, "cast": {name: member}, "shots": [f"@{name}"]}
    if policy:
        data["policy"] = policy if policy in BUILT_IN else str(Path(policy).resolve())
    board = storyboard.from_data(data, folder=Path.cwd(), name="the training")
    captions = {piece.words.caption: piece for piece in pieces}
    texts = [Text(words, "prompt", what=f"the caption of {each.path.name}") for words, each in captions.items()]
    moderation.require_words(texts, board.rules, report)
    found = inputs.look_at(board, cache_folder(), moderation.made_up_here, moderation.today())
    for note in dict.fromkeys(found.notes):
        report(Note.of(note))
    if found.refused:
        error = refusal(found.refused)
        raise PolicyError(error.message, hint=AGREE if inputs.AGREE in error.hint else error.hint)
    consent = board.cast[name].consent
    sealed = consent.sha256(file_hash(consent.path)) if consent else ""
    told: dict[str, JsonValue] = {"name": board.rules.name, "sha256": board.rules.sha256, **inputs.told(found)}
    return Judged(told, sealed)


def agreement(release: Path | None, who: Sequence[str], statement: str, day: str) -> Agreed | None:
    """The agreement of a command line; None where none is given.

    Raises:
        RequestError: a part of it is missing.
    """
    parts = {"--consent": release, "--who": who, "--statement": statement, "--agreed": day}
    missing = [option for option, value in parts.items() if not value]
    if len(missing) == len(parts):
        return None
    if missing or release is None:
        raise RequestError(f"a consent lacks {', '.join(missing)}", hint=AGREE.partition(": ")[2])
    return Agreed(release, tuple(who), statement, day)
