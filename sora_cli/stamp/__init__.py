"""Marking and signing films, and judging the credentials of files: `release` is the only way a film leaves.

signer = find_signer()
done = release.release(master, out, making=Making(...), provenance=board.provenance, signer=signer, report=report)
verdict = verify(out)
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from sora_cli.stamp.certificate import Signer
    from sora_cli.stamp.claims import GENERATED, PARTLY_GENERATED, Edit, Making, Origin, SpokenLine
    from sora_cli.stamp.identity import find_signer, local_signer
    from sora_cli.stamp.release import Release, check_mark
    from sora_cli.stamp.sounds import release_sound
    from sora_cli.stamp.sources import look_at
    from sora_cli.stamp.verdict import IngredientVerdict, Verdict, sidecar_of, verify

__all__ = [
    "GENERATED",
    "PARTLY_GENERATED",
    "Edit",
    "IngredientVerdict",
    "Making",
    "Origin",
    "Release",
    "Signer",
    "SpokenLine",
    "Verdict",
    "check_mark",
    "find_signer",
    "local_signer",
    "look_at",
    "release_sound",
    "sidecar_of",
    "verify",
]

_HOMES = {
    "Edit": "claims",
    "GENERATED": "claims",
    "IngredientVerdict": "verdict",
    "Making": "claims",
    "Origin": "claims",
    "PARTLY_GENERATED": "claims",
    "Release": "release",
    "Signer": "certificate",
    "SpokenLine": "claims",
    "Verdict": "verdict",
    "check_mark": "release",
    "find_signer": "identity",
    "local_signer": "identity",
    "look_at": "sources",
    "release_sound": "sounds",
    "sidecar_of": "verdict",
    "verify": "verdict",
}
"""Where each is: signing loads codecs and c2pa, and a film that is up to date wants its signer alone."""


def __getattr__(name: str) -> object:
    """One of the names above, from its module, when it is first asked for."""
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
