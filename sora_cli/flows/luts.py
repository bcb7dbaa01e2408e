"""The colour tables of a film's shots, as .cube files that an editor can apply."""

from __future__ import annotations

import itertools
import os
from pathlib import Path
from typing import TYPE_CHECKING

from sora_cli.engines import catalogue
from sora_cli.events import Silent
from sora_cli.flows import outputs
from sora_cli.plan import plan_takes
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.flows.film import MakeOptions
    from sora_cli.shoot.studio import Studio


def check(board: Storyboard, folder: Path, how: MakeOptions) -> None:
    """Refuse to write a storyboard's colour tables over files that are not its own.

    Raises:
        RequestError: as `outputs.check` does, or the folder's name is a file's.
    """
    from sora_cli import stamp
    from sora_cli.colour.grade import lut_name

    outputs.require_folder(folder, "colour tables", "--luts")
    own = outputs.own_table(outputs.maker_of(board))
    paths: list[Path] = []
    shots = [shot for shot in board.shots if not how["only"] or shot.name in how["only"]]
    for number, shot in enumerate(shots, 1):
        parts = (folder / lut_name(number, shot.name, part) for part in itertools.count(1))
        paths += itertools.takewhile(os.path.lexists, parts)
    sources = outputs.sources_of(board, how["signer"] or stamp.find_signer())
    outputs.check(dict.fromkeys(paths, own), sources, overwrite=how["overwrite"])


def write(board: Storyboard, folder: Path, how: MakeOptions, *, studio: Studio) -> list[Path]:
    """Write the colour table of each shot of a film that was made, as .cube files that an editor can apply.

    Raises:
        SoraError: a clip is gone and cannot be made again, or the folder cannot be written.
        RequestError: as `check` does.
    """
    from sora_cli.colour import grade as colour
    from sora_cli.plan.timeline import assemble

    check(board, folder, how)
    plan = plan_takes(board, catalogue.card, draft=how["draft"], only=how["only"])
    cut = assemble(plan, studio.shoot(plan, Silent()))
    return colour.write_luts(cut, folder, outputs.table_mark(outputs.maker_of(board), folder))
