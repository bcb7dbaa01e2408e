"""Certificates for tests: what a user, a stranger or a careless authority might come with."""

import contextlib
import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from sora_cli.errors import SoraError

NOW = dt.datetime.now(dt.UTC)
USES = """digital_signature content_commitment key_encipherment data_encipherment key_agreement key_cert_sign crl_sign
encipher_only decipher_only"""


@dataclass
class Issued:
    chain: bytes
    root: bytes
    key: bytes
    leaf: x509.Certificate
    secret: ec.EllipticCurvePrivateKey

    def write(self, folder: Path, mode: int = 0o600) -> tuple[Path, Path]:
        certificate, key = folder / "chain.pem", folder / "key.pem"
        certificate.write_bytes(self.chain)
        key.write_bytes(self.key)
        key.chmod(mode)
        return certificate, key


def issue_brief(sign: Callable[[Issued], Path | None]) -> Path:
    """The film that `sign` made with a certificate that ended since. On a busy machine it lasts longer.

    `sign` gives None, or raises, where it came too late.
    """
    for seconds in (3, 12, 60):
        brief, made = issue("Brief", ends=dt.timedelta(seconds=seconds)), None
        with contextlib.suppress(SoraError):
            made = sign(brief)
        if made is not None:
            ends = brief.leaf.not_valid_after_utc - dt.datetime.now(dt.UTC)
            time.sleep(max(0.0, ends.total_seconds() + 1.1))
            return made
    raise TimeoutError("nothing was signed within a minute")


def issue(
    name: str = "Jane Doe Films",
    starts: dt.timedelta = -dt.timedelta(days=1),
    ends: dt.timedelta = dt.timedelta(days=30),
    uses: tuple[x509.ObjectIdentifier, ...] = (ExtendedKeyUsageOID.EMAIL_PROTECTION,),
    curve: ec.EllipticCurve | None = None,
    *,
    ca: bool = False,
    usage: str = "digital_signature",
    above: Issued | None = None,
) -> Issued:
    """A root and a leaf signed by it, or by `above`. `starts` and `ends` are the leaf's validity, from now."""
    root_key, key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(curve or ec.SECP256R1())
    now = dt.datetime.now(dt.UTC)
    root_name = _name(f"{name} root")
    root = (
        _base(root_name, root_name, root_key, root_key, (NOW - dt.timedelta(days=400), NOW + dt.timedelta(days=400)))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(_usage("key_cert_sign"), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    if above:
        root_key, root_name = above.secret, above.leaf.subject
    builder = (
        _base(_name(name), root_name, key, root_key, (now + starts, now + ends))
        .add_extension(x509.BasicConstraints(ca=ca, path_length=None), critical=True)
        .add_extension(_usage(usage), critical=True)
    )
    if uses:
        builder = builder.add_extension(x509.ExtendedKeyUsage(list(uses)), critical=False)
    leaf = builder.sign(root_key, hashes.SHA256())
    pem = serialization.Encoding.PEM
    secret = key.private_bytes(pem, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    ca_chain, anchor = (above.chain, above.root) if above else (root.public_bytes(pem), root.public_bytes(pem))
    return Issued(leaf.public_bytes(pem) + ca_chain, anchor, secret, leaf, key)


def _base(
    subject: x509.Name,
    issuer: x509.Name,
    key: ec.EllipticCurvePrivateKey,
    issuer_key: ec.EllipticCurvePrivateKey,
    span: tuple[dt.datetime, dt.datetime],
) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(span[0])
        .not_valid_after(span[1])
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _name(name: str) -> x509.Name:
    return x509.Name(
        [x509.NameAttribute(NameOID.COMMON_NAME, name), x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Tests")]
    )


def _usage(*allowed: str) -> x509.KeyUsage:
    return x509.KeyUsage(**{use: use in allowed for use in USES.split()})
