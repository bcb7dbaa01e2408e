"""What a file's credential says, as values: how it reads, what validation found, who signed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from msgspec import Struct, field

State = Literal["trusted", "valid", "invalid", "none", "remote", "unsupported", "unreadable", "broken"]
STATES: Mapping[str, State] = {"Trusted": "trusted", "Valid": "valid", "Invalid": "invalid"}


class ValidationStatus(Struct, frozen=True):
    """One thing that validation found: a code of the C2PA specification 2.2, section 15, and where it applies."""

    code: str
    explanation: str = ""


class Certificate(Struct, frozen=True, kw_only=True):
    """What a signature says of its signer. `der` is empty where the certificate itself was not found."""

    subject: str = ""
    issuer: str = ""
    serial: int = 0
    starts: str = ""
    ends: str = ""
    der: bytes = b""


class CredentialReading(Struct, frozen=True, kw_only=True):
    """How a file's credential reads.

    `state`: `trusted`, `valid` (whole, but by a signer whom no anchor vouches for), `invalid`; `none` where the file
    has no credential, `remote` where that lies on the network, `unsupported` where its kind cannot have one, `broken`
    where it is damaged, `unreadable` where the file is damaged or of a make that c2pa cannot look into.
    `manifests` are c2pa's own JSON, by label. `failures` are those of the active manifest; `changes` those found now
    in ingredients' manifests, by the ingredient's label.
    """

    state: State
    detail: str = ""
    active: str = ""
    manifests: Mapping[str, object] = field(default_factory=dict)
    failures: tuple[ValidationStatus, ...] = ()
    successes: frozenset[str] = frozenset()
    """Codes of what was found good in the active manifest."""
    changes: Mapping[str, tuple[ValidationStatus, ...]] = field(default_factory=dict)
    certificates: Mapping[str, Certificate] = field(default_factory=dict)
    came: tuple[bytes, ...] = ()
    """All X.509 certificates that lie in it, as DER, in order."""
    once: tuple[Certificate, ...] = ()
    """The signer's certificate and those above it up to a trusted root, where they do not all count now."""
    time_stamp: str = ""
    """When a trusted time stamping authority saw the signature, ISO 8601; empty where none did."""
