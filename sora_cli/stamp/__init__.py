"""Marking and signing films, and judging the credentials of files: `release` is the only way a film leaves.

signer = find_signer()
done = release(master, out, making=Making(...), provenance=board.provenance, signer=signer, report=report)
verdict = verify(out)
"""

from sora_cli.stamp.certificate import Signer
from sora_cli.stamp.claims import GENERATED, PARTLY_GENERATED, Edit, Making, Origin, Spoken
from sora_cli.stamp.identity import find_signer, local_signer
from sora_cli.stamp.release import Release, check_mark, release
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
    "Spoken",
    "Verdict",
    "check_mark",
    "find_signer",
    "local_signer",
    "look_at",
    "release",
    "release_sound",
    "sidecar_of",
    "verify",
]
