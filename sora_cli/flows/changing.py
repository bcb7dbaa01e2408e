"""What all changes of a film share: what is refused before the work, and how the changed film goes out."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from sora_cli import stamp, storyboard
from sora_cli.engines import catalogue
from sora_cli.engines.base import EngineCard
from sora_cli.errors import EngineMissing
from sora_cli.events import Note
from sora_cli.flows import moderation, noting, outputs, preflight
from sora_cli.flows.edit import Edited, EditOptions, check_out, check_words, released
from sora_cli.flows.probed import probed
from sora_cli.media.deliveries import Delivery, delivery
from sora_cli.media.read import Probe
from sora_cli.media.stream import Master
from sora_cli.plan import Plan
from sora_cli.policy import inputs
from sora_cli.record import sidecar
from sora_cli.shoot.studio import Studio
from sora_cli.storyboard.given import Given
from sora_cli.storyboard.model import Provenance, Storyboard


class Changing(Struct, frozen=True, kw_only=True):
    """A film that is changed: by which command, where the changed one goes, and how."""

    command: str
    film: Path
    out: Path
    options: EditOptions

    @property
    def kind(self) -> Delivery:
        """As what the changed film is delivered."""
        return delivery(self.options.deliver)

    @property
    def maker(self) -> outputs.Maker:
        """Whose the changed film is."""
        return outputs.Maker(command=self.command, paths=(self.film,))

    def opened(self, *beside: Path) -> Probe:
        """What the film is; refuses what can be refused by now. Files `beside` it are sources too.

        Raises:
            RequestError, PolicyError, MediaError: something else is at the output, or the film cannot be used.
        """
        for path in (*beside, None):
            check_out(self.maker, self.out, self.options, path)
        check_words(self.maker, self.out, self.options)
        return probed(self.film, self.options.report)

    def planned(self, board: Storyboard) -> tuple[Plan, inputs.Found]:
        """The plan of what is made, and what was seen of the film; refuses what cannot be made or may not be.

        Raises:
            SoraError: with all that is wrong.
        """
        looked_at = moderation.require_films([self.film], board, self.options.report)
        plan = preflight.plan_of(board)
        preflight.require_ready(plan)
        for remark in plan.remarks:
            self.options.report(Note.of(remark))
        return plan, looked_at

    def told(self, made: stamp.Making, plan: Plan, looked_at: inputs.Found, studio: Studio) -> stamp.Making:
        """What the credential tells: how it was made, of which film, and what was looked at."""
        held = moderation.record(plan, studio.screen, looked_at)
        return replace(made, parent=self.film, moderation=held)

    def released(self, master: Master, frames: int, told: stamp.Making, *, plan: Plan, studio: Studio) -> Edited:
        """Release the changed film, of `frames` in all, and note what it is made of.

        Raises:
            SoraError: a file changed meanwhile, or it cannot be written or signed.
        """
        preflight.require_same(plan)
        check_out(self.maker, self.out, self.options)  # hours may have gone by, and another process was waited for
        made = released(
            master,
            self.out,
            self.options,
            told,
            self.maker,
            frames=frames,
            may_leave_unmarked=not plan.board.rules.marked,
            added={self.film: self.film},
        )
        noting.released(plan, studio.store, self.out, sidecar.beside(self.out)[0])
        return made


def engine_of(shot: Mapping[str, object]) -> EngineCard:
    """The card of the engine that a shot names, or of the default one.

    Raises:
        EngineMissing: it is not here.
    """
    named = shot.get("engine")
    try:
        return catalogue.card(str(named) if named else None)
    except EngineMissing as error:
        where = f"{named.typed}: " if isinstance(named, Given) else ""
        raise EngineMissing(where + error.message, hint=error.hint) from None


def owned(board: Storyboard, provenance: Provenance) -> Storyboard:
    """The storyboard with an author and a mark from options."""
    named = storyboard.naming(board, ("provenance", "watermark"), "--mark", provenance.watermark.text)
    return replace(named, provenance=provenance)
