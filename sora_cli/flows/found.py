"""Which film of ours a file without a credential is a copy of."""

from __future__ import annotations

from collections.abc import Iterator
from importlib.util import find_spec
from pathlib import Path

from msgspec import Struct

from sora_cli import stamp
from sora_cli.errors import MediaError, StoreError
from sora_cli.stamp import found
from sora_cli.stamp.verdict import Verdict

UNPROVEN = ("none", "unsupported", "broken")
"""States of a credential after which a film is looked for."""
AFTER = "Whether it was changed is not proven. The credential of that film:"
LACKING = "whether it is a copy of a film that was made here cannot be told: pip install iscc-core"


class CopyOf(Struct, frozen=True):
    """The film that a file is a copy of: what its credential said, and how far the two are apart."""

    credential: Verdict
    bits: int
    difference: float

    @property
    def film(self) -> str:
        """Its name."""
        return self.credential.title

    def sentence(self, name: str) -> str:
        """What was found, in plain words."""
        when = f", made on {self.credential.created[:10]}" if self.credential.created else ""
        apart = f"{self.bits} of {found.BITS} bits of their codes differ, and {self.difference:.1%} of their pictures"
        return f"But {name} shows the film {self.film!r}{when}: {apart}. {AFTER}"

    def as_dict(self) -> dict[str, object]:
        """Plain data, for `--json`."""
        apart = {"bits": self.bits, "of": found.BITS, "difference": round(self.difference, 4)}
        return {"film": self.film, **apart, "credential": self.credential.as_dict()}


def copy_of(path: Path, verdict: Verdict) -> CopyOf | None:
    """The released film that a file without a credential shows, as far as the store knows it."""
    if verdict.state not in UNPROVEN or path.is_dir():
        return None
    try:
        match = found.find(path)
    except (MediaError, StoreError):  # it is no film; or nothing is kept
        return None
    if match is None:
        return None
    credential = stamp.verify(match.manifest, kind="application/c2pa", name="the credential of that film")
    return CopyOf(credential, match.bits, match.difference)


def lacking(verdict: Verdict) -> Iterator[str]:
    """What keeps films from being found here."""
    if verdict.state in UNPROVEN and find_spec("iscc_core") is None:
        yield LACKING
