"""The voices of those who speak, as sounds that an engine is given: so a character keeps its voice across shots."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path

from msgspec.structs import replace

from sora_cli.engines.base import EngineCard
from sora_cli.plan.speaking import Heard
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.model import Beat, CastMember

Sample = Callable[[str], tuple[str, Path] | None]
"""By the name of a member of the cast: its voice, and a file in which that voice speaks; None where there is none."""


def voices_for(
    card: EngineCard, beat: Beat, cast: Mapping[str, CastMember], heard: Sequence[Heard], sample: Sample
) -> Iterator[tuple[str, str, Path]]:
    """Those of the cast who speak in a take and whose voices its engine can be given: name, voice and file.

    Only who is in the prompt: the others have no subject to speak. Who has a recording of their own needs no other.
    """
    kinds = [kind_of(path) for path in beat.references]
    speakers = dict.fromkeys(each.line.cast for each in heard if each.line is not None and each.line.path is None)
    for name in speakers if card.max_sound_references and kinds else ():
        own = name in beat.cast and any(kind_of(path) == "sound" for path in cast[name].references)
        if name not in beat.cast or own or card.refused([*kinds, "sound"]) is not None:
            continue
        if (found := sample(name)) is not None:
            kinds.append("sound")
            yield name, *found


def with_voices(
    beat: Beat, cast: Mapping[str, CastMember], voices: Sequence[tuple[str, str, Path]]
) -> tuple[Beat, dict[str, CastMember]]:
    """The beat and its cast with these voices among their references."""
    files = {name: path for name, _, path in voices}
    members = {name: replace(cast[name], references=(*cast[name].references, path)) for name, path in files.items()}
    return replace(beat, references=(*beat.references, *files.values())), {**cast, **members}
