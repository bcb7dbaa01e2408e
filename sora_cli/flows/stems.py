"""Stems: the dialogue, effects, ambience and music of a film, each in a sound file; together they are its sound."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli import atomic
from sora_cli.engines import catalogue
from sora_cli.errors import RequestError
from sora_cli.events import Silent
from sora_cli.flows import audio, foley, outputs
from sora_cli.plan import plan_takes
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.flows.film import MakeOptions
    from sora_cli.plan.timeline import Cut
    from sora_cli.shoot.studio import Studio
    from sora_cli.stamp import Signer


def check(board: Storyboard, folder: Path, how: MakeOptions) -> None:
    """Refuse to write stems over files that are not this storyboard's.

    Raises:
        RequestError: as `outputs.check` does, or the folder's name is a file's.
    """
    from sora_cli.sound.mix import BUSES  # it mixes, and needs numpy

    outputs.require_folder(folder, "stems", "--stems")
    own = outputs.own_sound(outputs.maker_of(board))
    paths = {folder / f"{name}.wav": own for name in BUSES}
    outputs.check(paths, outputs.sources_of(board, how["signer"]), overwrite=how["overwrite"])


def write(board: Storyboard, folder: Path, how: MakeOptions, *, studio: Studio) -> list[Path]:
    """Write the stems of a film that was made, each a signed WAV of 24 bits at 48 kHz as long as the film.

    They have the film's gain, and where its limiter turns the whole down, they are turned down as much. A bus on which
    nothing sounds has no file.

    Raises:
        SoraError: a clip is gone and cannot be made again, or the folder cannot be written.
        RequestError: as `check` does, or the film is silent.
    """
    check(board, folder, how)
    plan = plan_takes(board, catalogue.card, draft=how["draft"], only=how["only"])
    sounds = audio.prepare(plan, studio.store)
    laid = foley.lay(plan, studio.shoot(plan, Silent()), sounds, studio.store)
    written = of_cut(laid.cut, laid.loudness(plan), board, folder, how["signer"], spoken=bool(sounds.speech))
    if not written:
        raise RequestError("this film has no sound, so there are no stems", hint="remove --stems")
    return written


def of_cut(
    cut: Cut, loudness: float | None, board: Storyboard, folder: Path, signer: Signer | None, *, spoken: bool
) -> list[Path]:
    """Write the stems of a cut; none where nothing sounds. `spoken` says whether its lines are of a model.

    Raises:
        SoraError: the folder cannot be written, or a stem not signed.
    """
    from sora_cli import stamp
    from sora_cli.master.sound import Soundtrack

    track = Soundtrack(cut, loudness)
    if not track.buses:
        return []
    with atomic.writing(folder, "name another folder"):
        folder.mkdir(parents=True, exist_ok=True)
    signer = signer or stamp.find_signer()
    made_by = outputs.maker_of(board).record(folder).to_dict()
    facts = {"title": board.title, "storyboard_sha256": board.sha256, "made_by": made_by}
    for bus in track.buses:
        stamp.release_sound(
            track.stem(bus),
            folder / f"{bus}.wav",
            facts={**facts, "stem": bus},
            source=_source(bus, spoken=spoken),
            provenance=board.provenance,
            signer=signer,
        )
    return [folder / f"{bus}.wav" for bus in track.buses]


def _source(bus: str, *, spoken: bool) -> str:
    """What a stem is by its source: speech of a model, sound of a model's pictures or the user's, or the user's own."""
    from sora_cli import stamp

    return stamp.GENERATED if bus == "dialogue" and spoken else stamp.PARTLY_GENERATED
