"""Whom a reader trusts: root certificates, and lists of certificates that no longer count."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sora_cli.bounded import read_bytes
from sora_cli.errors import CertificateError, RequestError
from sora_cli.stamp.reading import Certificate


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
    """The root certificates of a file, as PEM text.

    Raises:
        CertificateError: it cannot be read, or is not PEM.
    """
    try:
        text = read_bytes(path)
        x509.load_pem_x509_certificates(text)
    except OSError as error:
        raise CertificateError(f"the trust anchor {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CertificateError(f"the trust anchor {path} is not a certificate in PEM form") from None
    return text.decode("ascii", "replace").rstrip() + "\n"


def is_banned(certificate: Certificate, banned: frozenset[str]) -> bool:
    """Whether the certificate is among those that `read_revoked` found."""
    if not banned:
        return False
    if str(certificate.serial) in banned:
        return True
    if not certificate.der:
        return False
    return x509.load_der_x509_certificate(certificate.der).fingerprint(hashes.SHA256()).hex() in banned
