"""What a credential tells of how a film was made, from its plan and its clips."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from sora_cli.engines.base import Take
from sora_cli.plan import Plan
from sora_cli.plan.anchors import matched_to
from sora_cli.plan.timeline import Cut
from sora_cli.record.film import RecipeRecord
from sora_cli.record.recipe import bare
from sora_cli.stamp.claims import Making, Origin, SpokenLine
from sora_cli.store import Clip


def making(
    plan: Plan,
    clips: Mapping[str, Clip],
    cut: Cut,
    recipe: RecipeRecord | None,
    *,
    sounds: Sequence[tuple[Path, int, int]],
    speech: Sequence[SpokenLine],
    synthesized: Sequence[str],
    modelled: Mapping[str, Sequence[str]] = MappingProxyType({}),
    seen: Sequence[str] = (),
) -> Making:
    """How a film was made. `sounds` are the user's own with their places, `synthesized` the words of those made.

    `modelled` are the words of those that models made, by model;
    `seen` are the names of those that are heard since the pictures show them.
    """
    board = plan.board
    facts: dict[str, object] = {"upscaled by": board.upscale.name} if board.upscale else {}
    speeds = {shot.name: float(shot.speed) for shot in board.shots if shot.speed != 1}
    return Making(
        title=board.title,
        storyboard_sha256=board.sha256,
        origins=tuple(_origins(plan, clips, cut)),
        colour=matched_to([shot for shot in plan.shots if shot.beats]),
        sounds=tuple(sounds),
        speech=tuple(speech),
        synthesized=tuple(dict.fromkeys(synthesized)),
        modelled={model: tuple(dict.fromkeys(words)) for model, words in modelled.items()},
        seen=tuple(dict.fromkeys(seen)),
        generated_sound=any(piece.clip.sound and not piece.silent for shot in cut.shots for piece in shot.pieces),
        titles=tuple(shot.title.text for shot in plan.shots if shot.title),
        facts=facts | ({"speed": speeds} if speeds else {}),
        recipe=recipe.to_dict() if recipe is not None else {},
    )


def _origins(plan: Plan, clips: Mapping[str, Clip], cut: Cut) -> Iterator[Origin]:
    """Where the frames of each piece come from, and what they begin and end on."""
    stills = [still.stretch for each in plan.stills.values() for still in each if still.stretch.name in clips]
    made = {take.key: take for still in stills for take in still.candidates if take.key == clips[still.name].key}
    for shot, placed in zip(plan.shots, cut.shots, strict=True):
        start = shot.start
        for stretch, piece in zip(shot.stretches, placed.pieces, strict=True):
            clip = clips[stretch.name]
            take = next(take for take in stretch.candidates if take.key == clip.key)
            given = [made[key] for key in take.needs if key in made]
            references = [each for one in (take, *given) for each in one.references]
            sources = (take.opening, take.closing, take.change)
            carried = [source.path for source in sources if source is not None and source.path]
            yield Origin(
                name=take.name,
                clip=clip.path,
                key=take.key,
                start=start,
                end=start + len(piece.frames),
                engine=take.engine,
                revision=take.revision,
                prompt=take.prompt,
                written=take.written,
                avoid=take.avoid,
                seed=take.seed,
                options=take.options,
                references=tuple(dict.fromkeys(each.path for each in references if not each.voice)),
                voices=tuple(dict.fromkeys((each.voice, each.sha256) for each in references if each.voice)),
                own_media=tuple(carried),
                stills=tuple(map(_still, given)),
            )
            start += len(piece.frames)


def _still(take: Take) -> dict[str, object]:
    """How a still was made."""
    names = ("name", "key", "revision", "prompt", "avoid", "seed")
    return {**{name: getattr(take, name) for name in names}, "engine": bare(take.engine), "options": dict(take.options)}
