"""A certificate chain and its key: read, checked, and fit to sign.

Certificates follow the profile of the C2PA specification 2.2, section 14.5 (X.509 v3; a leaf that is not a CA; key
usage digitalSignature; extended key usage for e-mail protection, document signing or C2PA claim signing). A key is
never part of a message, a log line or a command line.
"""

from __future__ import annotations

import datetime as dt
import os
import stat
from functools import lru_cache
from pathlib import Path

from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from msgspec import Struct

from sora_cli.bounded import SMALL, read_bytes
from sora_cli.errors import CertificateError

C2PA_CLAIM_SIGNING = x509.ObjectIdentifier("1.3.6.1.4.1.62558.2.1")
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
EMAIL_PROTECTION = ExtendedKeyUsageOID.EMAIL_PROTECTION

PrivateKey = ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey


class Signer(Struct, frozen=True, kw_only=True):
    """A certificate chain and its key, checked and fit to sign.

    `source` says where it came from; `chain` is PEM text, leaf first; `algorithm` is a COSE name (ES256, PS256, ...).
    """

    source: str
    self_made: bool
    subject: str
    ends: dt.datetime
    algorithm: str
    chain: str
    key: str
    """PKCS#8 PEM text."""
    time_authority: str = ""
    """Address of a time stamping authority (RFC 3161); asked on every signature. Empty: no time stamp, no network."""
    files: tuple[Path, ...] = ()
    """Where chain and key were read from."""

    def __repr__(self) -> str:
        return f"Signer({self.in_words})"  # not its key, which a traceback could show

    @property
    def in_words(self) -> str:
        """Say who signs, and whether anybody but sora vouches for the name."""
        return f"{self.subject} (self-made on this machine)" if self.self_made else self.subject

    @property
    def root(self) -> str:
        """The last certificate of the chain, PEM text."""
        return _last(self.chain)


@lru_cache(maxsize=1)  # each clip of an export asks for it several times
def _last(chain: str) -> str:
    last = x509.load_pem_x509_certificates(chain.encode())[-1]
    return last.public_bytes(serialization.Encoding.PEM).decode()


def make_signer(chain: bytes, key: bytes, *, source: str, self_made: bool = False) -> Signer:
    """Check a PEM chain and a PEM key and put them together. SEC1 and RSA keys are turned into PKCS#8 in memory.

    Raises:
        CertificateError: they are not PEM, do not belong together, have ended, or are not fit to sign for C2PA.
    """
    try:
        certificates = x509.load_pem_x509_certificates(chain)
    except ValueError:
        raise CertificateError(
            f"the certificate from {source} is not PEM text", hint="it must begin with -----BEGIN CERTIFICATE-----"
        ) from None
    secret = _load_key(key, source)
    leaf = certificates[0]
    _check_leaf(leaf, secret, certificates, source)
    return Signer(
        source=source,
        self_made=self_made,
        subject=_name(leaf.subject),
        ends=leaf.not_valid_after_utc,
        algorithm=_algorithm(secret, source),
        chain="".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in certificates),
        key=pkcs8(secret),
    )


def read_key(path: Path) -> bytes:
    """The bytes of a key file that nobody but its owner may read.

    Raises:
        CertificateError: it cannot be read, or others can read it.
    """
    if os.name == "posix":
        try:
            mode = stat.S_IMODE(path.stat().st_mode)
        except OSError as error:
            raise CertificateError(f"the key {path} cannot be read: {error.strerror}") from None
        if mode & 0o077:
            raise CertificateError(
                f"the key {path} can be read by others (its mode is {mode:04o})", hint=f"chmod 600 {path}"
            )
    return read_file(path, "key")


def read_file(path: Path, what: str) -> bytes:
    """The bytes of a file; a CertificateError says which of the signer's files it is."""
    try:
        return read_bytes(path, SMALL)
    except OSError as error:
        raise CertificateError(f"the {what} {path} cannot be read: {error.strerror}") from None


def _load_key(key: bytes, source: str) -> PrivateKey:
    # Errors of the library are cut off (`from None`): their text may quote what they were given.
    if b"ENCRYPTED" in key:
        raise CertificateError(
            f"the key from {source} is locked with a passphrase",
            hint="openssl pkcs8 -topk8 -nocrypt -in KEY -out OPEN.pem && chmod 600 OPEN.pem",
        )
    try:
        secret = serialization.load_pem_private_key(key, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise CertificateError(
            f"the key from {source} is not a private key in PEM form",
            hint="it must begin with -----BEGIN PRIVATE KEY-----",
        ) from None
    if not isinstance(secret, ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey | ed25519.Ed25519PrivateKey):
        raise CertificateError(f"the key from {source} is of a kind that C2PA does not allow")
    return secret


def _check_leaf(leaf: x509.Certificate, key: PrivateKey, chain: list[x509.Certificate], source: str) -> None:
    """Refuse what would sign nothing, or sign what nobody accepts."""
    public = [_public(each) for each in chain]
    mine = key.public_key().public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    if public[0] != mine:
        if mine in public:
            raise CertificateError(
                f"the chain from {source} is out of order", hint="put the signing certificate first, its issuers after"
            )
        raise CertificateError(f"the key from {source} does not belong to its certificate")
    now = dt.datetime.now(dt.UTC)
    if leaf.not_valid_after_utc < now:
        raise CertificateError(f"the certificate from {source} ended on {leaf.not_valid_after_utc:%Y-%m-%d}")
    if leaf.not_valid_before_utc > now:
        raise CertificateError(f"the certificate from {source} begins on {leaf.not_valid_before_utc:%Y-%m-%d}")
    problem = _unfit(leaf)
    if problem:
        raise CertificateError(
            f"the certificate from {source} cannot sign films: {problem}",
            hint="ask for an end-entity certificate with key usage digitalSignature, an authority key identifier,"
            " and extended key usage emailProtection, documentSigning or C2PA claim signing",
        )


def _unfit(leaf: x509.Certificate) -> str:
    """Why a certificate may not sign C2PA claims, or an empty string."""
    found = leaf.extensions
    try:
        if found.get_extension_for_class(x509.BasicConstraints).value.ca:
            return "it belongs to an authority (CA)"
    except x509.ExtensionNotFound:
        pass
    try:
        usage = found.get_extension_for_class(x509.KeyUsage).value
        if not usage.digital_signature or usage.key_cert_sign:
            return "its key usage is not digitalSignature"
        wanted = {EMAIL_PROTECTION, DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING}
        if not wanted & set(found.get_extension_for_class(x509.ExtendedKeyUsage).value):
            return "its extended key usage allows neither e-mail protection, document nor claim signing"
        if leaf.issuer != leaf.subject:
            found.get_extension_for_class(x509.AuthorityKeyIdentifier)
    except x509.ExtensionNotFound as error:
        return f"it lacks the extension {error.oid._name}"  # noqa: SLF001  the only readable name of an OID
    return ""


def _public(certificate: x509.Certificate) -> bytes:
    key = certificate.public_key()
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)


def _algorithm(key: PrivateKey, source: str) -> str:
    """The COSE algorithm that goes with a key (C2PA 2.2, section 13.2.1)."""
    if isinstance(key, ed25519.Ed25519PrivateKey):
        return "ED25519"
    if isinstance(key, rsa.RSAPrivateKey):
        if key.key_size < 2048:
            raise CertificateError(f"the RSA key from {source} is shorter than 2048 bits")
        return "PS256"
    curves = {"secp256r1": "ES256", "secp384r1": "ES384", "secp521r1": "ES512"}
    if key.curve.name not in curves:
        raise CertificateError(
            f"the key from {source} is on the curve {key.curve.name}; C2PA allows P-256, P-384, P-521"
        )
    return curves[key.curve.name]


def pkcs8(key: PrivateKey) -> str:
    """The key as unlocked PKCS#8 PEM text, the only form that c2pa takes."""
    form = serialization.PrivateFormat.PKCS8
    return key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()


def _name(name: x509.Name) -> str:
    for oid in (NameOID.COMMON_NAME, NameOID.ORGANIZATION_NAME):
        for attribute in name.get_attributes_for_oid(oid):
            return str(attribute.value)
    return name.rfc4514_string()
