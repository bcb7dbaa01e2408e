"""What an editor gets beside a film: its shots' colour tables, and its stems."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from msgspec import Struct

from sora_cli.flows import luts, stems
from sora_cli.storyboard.model import Storyboard

if TYPE_CHECKING:
    from sora_cli.flows.film import MakeOptions
    from sora_cli.shoot.studio import Studio


class Extras(Struct, frozen=True, kw_only=True):
    """Folders for colour tables and for stems (None: not written); `how` the film itself is made."""

    board: Storyboard
    luts: Path | None
    stems: Path | None
    how: MakeOptions

    def check(self) -> None:
        """Refuse to write over files that are not this storyboard's.

        Raises:
            RequestError: as `outputs.check` does, or a folder's name is a file's.
        """
        if self.luts is not None:
            luts.check(self.board, self.luts, self.how)
        if self.stems is not None:
            stems.check(self.board, self.stems, self.how)

    def write(self, studio: Studio) -> None:
        """Write them, once the film is made.

        Raises:
            SoraError: a clip is gone and cannot be made again, or a folder cannot be written.
        """
        if self.luts is not None:
            luts.write(self.board, self.luts, self.how, studio=studio)
        if self.stems is not None:
            stems.write(self.board, self.stems, self.how, studio=studio)
