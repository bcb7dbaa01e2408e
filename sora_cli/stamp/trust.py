"""Whom a reader trusts: root certificates, and lists of certificates that no longer count."""

from __future__ import annotations

import contextlib
import datetime as dt
from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization

from sora_cli.bounded import read_bytes
from sora_cli.errors import CertificateError, RequestError
from sora_cli.stamp.reading import Certificate, CredentialReading

UNTRUSTED = "signingCredential.untrusted"


def read_revoked(lists: Sequence[Path]) -> frozenset[str]:
    """The revoked certificates that text files name, one a line.

    A line is a serial number (decimal, or hexadecimal with colons or `0x`) or a SHA-256 fingerprint (64 hexadecimal
    digits). `#` begins a remark.

    Raises:
        RequestError: a file cannot be read, or a line is neither.
    """
    found = set()
    for path in lists:
        try:
            text = read_bytes(path).decode("utf-8")
        except (OSError, ValueError) as error:
            why = getattr(error, "strerror", None) or error
            raise RequestError(f"cannot read the list of revoked certificates {path}: {why}") from None
        for number, line in enumerate(text.splitlines(), 1):
            entry = line.partition("#")[0].strip().lower()
            if entry:
                found.add(_identifier(entry, f"{path}:{number}"))
    return frozenset(found)


def _identifier(entry: str, where: str) -> str:
    """A fingerprint as 64 hexadecimal digits, a serial number as decimal digits."""
    digits = entry.removeprefix("0x").replace(":", "")
    try:
        if len(digits) == 64:
            return f"{int(digits, 16):064x}"
        return str(int(digits, 10 if entry.isdecimal() else 16))
    except ValueError:
        hint = "write a serial number or a SHA-256 fingerprint, one a line"
        raise RequestError(f"{where}: not a certificate's number: {entry}", hint=hint) from None


def read_anchor(path: Path) -> str:
    """The root certificates of a file, as PEM text: of one that holds that, with or without words around, or DER.

    Raises:
        CertificateError: it cannot be read, or holds no certificate.
    """
    try:
        found = _certificates(read_bytes(path))
    except OSError as error:
        raise CertificateError(f"the trust anchor {path} cannot be read: {error.strerror}") from None
    except (ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
        raise CertificateError(f"the trust anchor {path} is not a certificate in PEM or DER form") from None
    return "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in found)


def _certificates(content: bytes) -> list[x509.Certificate]:
    if b"-----BEGIN" in content:
        return x509.load_pem_x509_certificates(content)
    return [x509.load_der_x509_certificate(content)]


def is_banned(certificate: Certificate, banned: frozenset[str]) -> bool:
    """Whether the certificate is among those that `read_revoked` found."""
    if not banned:
        return False
    if str(certificate.serial) in banned:
        return True
    if not certificate.der:
        return False
    return x509.load_der_x509_certificate(certificate.der).fingerprint(hashes.SHA256()).hex() in banned


MOST_ISSUERS = 64
"""How many certificates that came with a signature are looked at: a hostile file could have no end of them."""


def certificates_in(store: bytes) -> tuple[bytes, ...]:
    """The X.509 certificates inside a manifest store, as DER: found by how they begin."""
    found = []
    at = store.find(b"\x30\x82")
    while at >= 0:
        der = store[at : at + 4 + int.from_bytes(store[at + 2 : at + 4], "big")]
        if der[4:6] == b"\x30\x82":
            with contextlib.suppress(ValueError, x509.InvalidVersion, UnsupportedAlgorithm):
                x509.load_der_x509_certificate(der)
                found.append(der)
        at = store.find(b"\x30\x82", at + 1)
    return tuple(dict.fromkeys(found))


def lapsed_chain(reading: CredentialReading, anchors: str) -> tuple[Certificate, ...]:
    """The certificates from a signer's to one of `anchors` (PEM text), where they lead there but do not count now.

    c2pa asks for a chain that counts today: of a certificate that has ended it says no more than that nobody vouches
    for it. The first one has the number of the signer's: whether the signature is by it, the caller finds out.
    """
    signer = reading.certificates.get(reading.active)
    if signer is None or not anchors or not any(each.code == UNTRUSTED for each in reading.failures):
        return ()
    came = [x509.load_der_x509_certificate(each) for each in reading.came[:MOST_ISSUERS]]
    roots = x509.load_pem_x509_certificates(anchors.encode())
    chains = (_climbed(each, came, roots) for each in came if each.serial_number == signer.serial)
    return next((tuple(map(_told, chain)) for chain in chains if any(map(_lapsed, chain[:-1] or chain))), ())


def _climbed(
    leaf: x509.Certificate, others: Sequence[x509.Certificate], anchors: Sequence[x509.Certificate]
) -> tuple[x509.Certificate, ...]:
    """The certificates from `leaf` up to one of the anchors, whatever their dates; empty where none leads there."""
    left = [*anchors, *others]
    paths: list[tuple[x509.Certificate, ...]] = [(leaf,)]
    for path in paths:
        if path[-1] in anchors:
            return path
        above = [each for each in left if _issued(path[-1], each, len(path) - 1)]
        left = [each for each in left if each not in above]
        paths += [(*path, each) for each in above]
    return ()


def _lapsed(certificate: x509.Certificate) -> bool:
    now = dt.datetime.now(dt.UTC)
    return not certificate.not_valid_before_utc <= now <= certificate.not_valid_after_utc


def _told(certificate: x509.Certificate) -> Certificate:
    return Certificate(
        serial=certificate.serial_number,
        starts=certificate.not_valid_before_utc.isoformat(),
        ends=certificate.not_valid_after_utc.isoformat(),
        der=certificate.public_bytes(serialization.Encoding.DER),
    )


def _issued(certificate: x509.Certificate, issuer: x509.Certificate, between: int) -> bool:
    """Whether `issuer` signed this one, and may, with so many `between` it and the signer's own."""
    try:
        may = issuer.extensions.get_extension_for_class(x509.BasicConstraints).value
        if not may.ca or (may.path_length is not None and may.path_length < between):
            return False
        certificate.verify_directly_issued_by(issuer)
    except (ValueError, TypeError, InvalidSignature, UnsupportedAlgorithm, x509.ExtensionNotFound):
        return False
    return True
