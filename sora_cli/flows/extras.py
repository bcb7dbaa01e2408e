"""What an editor gets beside a film: its shots' colour tables, and its stems."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from msgspec import Struct

from sora_cli.flows import luts, stems
from sora_cli.shoot.studio import Studio
from sora_cli.stamp import Signer
from sora_cli.storyboard.model import Storyboard


class Extras(Struct, frozen=True, kw_only=True):
    """Folders for colour tables and for stems (None: not written); the rest says how the film itself is made."""

    board: Storyboard
    luts: Path | None = None
    stems: Path | None = None
    draft: bool = False
    only: Sequence[str] = ()
    signer: Signer | None = None
    overwrite: bool = False

    def check(self) -> None:
        """Refuse to write over files that are not this storyboard's.

        Raises:
            RequestError: as `outputs.check` does, or a folder's name is a file's.
        """
        if self.luts is not None:
            luts.check_luts(self.board, self.luts, signer=self.signer, only=self.only, overwrite=self.overwrite)
        if self.stems is not None:
            stems.check(self.board, self.stems, self.signer, overwrite=self.overwrite)

    def write(self, studio: Studio) -> None:
        """Write them, once the film is made.

        Raises:
            SoraError: a clip is gone and cannot be made again, or a folder cannot be written.
        """
        if self.luts is not None:
            luts.write_luts(
                self.board,
                self.luts,
                studio=studio,
                draft=self.draft,
                only=self.only,
                signer=self.signer,
                overwrite=self.overwrite,
            )
        if self.stems is not None:
            stems.write(
                self.board,
                self.stems,
                studio=studio,
                draft=self.draft,
                only=self.only,
                signer=self.signer,
                overwrite=self.overwrite,
            )
