"""What is heard in a film beside its clips: lines and sounds, made or found in the store before shots are."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.plan import Plan
from sora_cli.plan.sounds import PlannedSound
from sora_cli.store import Store

if TYPE_CHECKING:
    from sora_cli.plan.timeline import Cut
    from sora_cli.stamp import Spoken


@dataclass(frozen=True, slots=True)
class Heard:
    """Files of the lines, by key, and of the sounds in words."""

    speech: Mapping[str, Path]
    made: Mapping[PlannedSound, Path]


def prepare(plan: Plan, store: Store) -> Heard:
    """Say the lines of a plan and make its sounds, as far as the store has them not.

    Raises:
        MachineError: no voice can speak here.
        RequestError: its subtitles cannot be burned in.
        StoreError: the store cannot be written.
    """
    if plan.board.subtitles == "burn":
        from sora_cli.master.burn import check_burnt
        from sora_cli.plan.timeline import subtitles

        check_burnt((each.text for each in subtitles(plan)), plan.width, plan.height)
    spoken = [line for line in plan.lines if line.laid and line.spoken is not None]
    if not spoken:
        return Heard({}, {})
    from sora_cli.sound.speech import Speaker

    speaker = Speaker(store)
    return Heard({line.said.key: speaker.path(line.spoken) for line in spoken if line.spoken is not None}, {})


def keys(plan: Plan) -> list[str]:
    """What of the store a film is made of: its takes and its lines."""
    lines = [line.said.key for line in plan.lines if line.laid and line.spoken is not None]
    return [*(take.key for take in plan.takes), *lines]


def told(plan: Plan) -> tuple[Spoken, ...]:
    """What the credential tells of the lines that a model spoke."""
    from sora_cli.media.stream import SAMPLE_RATE
    from sora_cli.stamp import claims

    return tuple(
        claims.Spoken(
            who=line.line.cast or "narrator", text=line.line.line, voice=line.spoken.voice,
            start=line.start / SAMPLE_RATE, end=line.end / SAMPLE_RATE,
        )
        for line in plan.lines if line.laid and line.spoken is not None
    )  # fmt: skip


def own_sounds(plan: Plan, cut: Cut) -> list[tuple[Path, int, int]]:
    """The user's own sound files in a film, each with its place in film frames: beds, sounds of shots, recordings."""
    from sora_cli.media.stream import SAMPLE_RATE
    from sora_cli.plan.sounds import beds, effects

    sounds = [*beds(plan), *(sound for shot in plan.shots for sound in effects(plan, shot))]
    found = [(sound.path, sound.start, sound.end) for sound in sounds if sound.path is not None]
    for line in plan.lines:
        if line.line.path is not None:
            first = int(line.start * cut.fps / SAMPLE_RATE)
            found.append(
                (line.line.path, first, min(cut.frames, max(first + 1, int(line.end * cut.fps / SAMPLE_RATE))))
            )
    return found
