"""Marking and signing films, and judging the credentials of files: `release` is the only way a film leaves.

signer = find_signer()
done = release.release(master, out, making=Making(...), provenance=board.provenance, signer=signer, report=report)
verdict = verify(out)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sora_cli.stamp.beside import sidecar_of as sidecar_of
    from sora_cli.stamp.certificate import Signer as Signer
    from sora_cli.stamp.claims import GENERATED as GENERATED
    from sora_cli.stamp.claims import PARTLY_GENERATED as PARTLY_GENERATED
    from sora_cli.stamp.claims import Edit as Edit
    from sora_cli.stamp.claims import Making as Making
    from sora_cli.stamp.claims import Origin as Origin
    from sora_cli.stamp.claims import SpokenLine as SpokenLine
    from sora_cli.stamp.identity import find_signer as find_signer
    from sora_cli.stamp.identity import local_signer as local_signer
    from sora_cli.stamp.release import Release as Release
    from sora_cli.stamp.release import check_mark as check_mark
    from sora_cli.stamp.sounds import release_sound as release_sound
    from sora_cli.stamp.sources import look_at as look_at
    from sora_cli.stamp.verdict import IngredientVerdict as IngredientVerdict
    from sora_cli.stamp.verdict import Verdict as Verdict
    from sora_cli.stamp.verdict import verify as verify

_HOMES = {
    **dict.fromkeys(("Edit", "GENERATED", "Making", "Origin", "PARTLY_GENERATED", "SpokenLine"), "claims"),
    **dict.fromkeys(("IngredientVerdict", "Verdict", "verify"), "verdict"),
    **dict.fromkeys(("Release", "check_mark"), "release"),
    **dict.fromkeys(("find_signer", "local_signer"), "identity"),
    "Signer": "certificate",
    "look_at": "sources",
    "release_sound": "sounds",
    "sidecar_of": "beside",
}
"""Where each is: signing loads codecs and c2pa, and a film that is up to date wants its signer alone."""


def __getattr__(name: str) -> object:
    """One of the names above, from its module, when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
