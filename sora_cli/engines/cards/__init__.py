"""The models that `sora` knows by name, as cards: plain data, no torch.

Each card is a template: `catalogue` fills in where the weights lie and their revision.
"""

from __future__ import annotations

from collections.abc import Iterator

from sora_cli.engines.cards.known import KnownModel
from sora_cli.engines.cards.nano import NANO, nano, nano_card, sized

__all__ = ["NANO", "KnownModel", "known", "nano_card", "sized"]


def known() -> Iterator[KnownModel]:
    """Yield every model known by name, the embedded one first, so that its users do not wait for the rest."""
    yield nano()
    from sora_cli.engines.cards.ltx2 import ltx2
    from sora_cli.engines.cards.lucy import lucy
    from sora_cli.engines.cards.others import helios, minimax_h3
    from sora_cli.engines.cards.stills import stills
    from sora_cli.engines.cards.wan import wan, wan_vace

    yield from (*wan_vace(), *wan(), *ltx2(), lucy(), minimax_h3(), *helios(), *stills())
