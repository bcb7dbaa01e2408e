"""What C2PA's failure codes mean (specification 2.2, section 15), in plain words, and which of them tell of a change.

A file that was changed since it was signed, a signer whom nobody vouches for, and a credential that nobody looked into
are three things. Only the first one is damage.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator
from typing import Literal

from sora_cli.stamp.reading import Certificate, CredentialReading

Weight = Literal["trust", "remark", "lapsed", "revoked", "unread", "damage"]
"""How a failure weighs. `trust`: the signer is unknown, which is judged by the signer. `remark`: something beside the
signature does not hold. `lapsed`: the certificate does not count now; `revoked`: nor did it before. `unread`: nothing
could be checked. `damage`: the file or its credential is not what was signed."""

ISSUER_ENDED = "signingCredential.issuer.expired"
"""Our own code for a certificate above the signer's that does not count now."""

MEANINGS: tuple[tuple[str, Weight, str], ...] = (
    ("signingCredential.untrusted", "trust", "nobody known vouches for its signer"),
    ("signingCredential.expired", "lapsed", "its signer's certificate has ended"),
    (ISSUER_ENDED, "lapsed", "a certificate that vouches for its signer's has ended"),
    ("claimSignature.outsideValidity", "lapsed", "it was signed when its signer's certificate did not count"),
    ("signingCredential.ocsp.revoked", "revoked", "its signer's certificate was revoked"),
    ("signingCredential.revoked", "revoked", "its signer's certificate is on the list of revoked ones"),
    ("signingCredential.ocsp", "remark", "nobody says whether its signer's certificate was revoked"),
    ("timeStamp.untrusted", "remark", "nobody known vouches for the authority of its time stamp"),
    ("timeStamp", "remark", "its time stamp does not count"),
    ("cawg.x509.signature.mismatch", "damage", "the identity named in it is not what was signed"),
    ("cawg.ica.signature_mismatch", "damage", "the identity named in it is not what was signed"),
    ("cawg.ica.signer_payload.mismatch", "damage", "the identity named in it is not what was signed"),
    ("cawg.identity.assertion.mismatch", "damage", "the identity named in it is not what was signed"),
    ("cawg", "remark", "nobody known vouches for the identity named in it"),
    ("manifest.inaccessible", "unread", "its credential lies on the network and was not read"),
    ("algorithm", "unread", "its credential uses an algorithm that is not known here, so it was not checked"),
    ("assertion.bmffHash", "damage", "its pictures, sound or container are not those that were signed"),
    ("assertion.dataHash", "damage", "its pictures, sound or container are not those that were signed"),
    ("assertion.boxesHash", "damage", "its pictures, sound or container are not those that were signed"),
    ("claimSignature", "damage", "its credential was altered after it was signed"),
    ("assertion.hashedURI", "damage", "a statement in its credential was altered"),
    ("assertion", "damage", "a statement in its credential does not hold"),
    ("claim", "damage", "its credential is malformed"),
    ("ingredient", "damage", "the record of what went into it does not hold"),
    ("manifest", "damage", "its credential is malformed"),
)
"""The beginning of a status code, how it weighs, what it means; the first match wins."""


def weight(code: str) -> Weight:
    """Say what a failure code counts as; an unknown code counts as damage."""
    return next((weight for beginning, weight, _ in MEANINGS if code.startswith(beginning)), "damage")


def meaning(code: str, certificate: Certificate | None = None) -> str:
    """Say what a failure code means; of a certificate outside its dates, which date."""
    if code == "signingCredential.expired" and certificate is not None:
        return _lapse(certificate, "its signer's certificate")
    if code == ISSUER_ENDED and certificate is not None:
        return _lapse(certificate, "a certificate that vouches for its signer's")
    words = (words for beginning, _, words in MEANINGS if code.startswith(beginning))
    return next(words, f"its credential does not validate ({code})")


def ended_above(reading: CredentialReading) -> Iterator[str]:
    """What of the certificates between the signer's and a trusted root does not count now."""
    now = dt.datetime.now(dt.UTC).isoformat()
    yield from (meaning(ISSUER_ENDED, each) for each in reading.once[1:-1] if not each.starts <= now <= each.ends)


def _lapse(certificate: Certificate, which: str) -> str:
    now = dt.datetime.now(dt.UTC).isoformat()
    if certificate.starts > now:
        return f"{which} has not begun yet (it begins on {certificate.starts[:10]}: is the clock right?)"
    if certificate.ends and certificate.ends > now:
        return f"{which} did not count when it was looked at"
    return f"{which} has ended" + (f" (on {certificate.ends[:10]})" if certificate.ends else "")
