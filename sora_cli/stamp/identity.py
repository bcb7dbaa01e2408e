"""Who signs: the user's own certificate and key, or an identity made once on this machine.

Where a certificate comes from, the first that is there: what the caller names; `SORA_SIGN_CERT` and `SORA_SIGN_KEY`
(paths); `C2PA_SIGN_CERT` and `C2PA_PRIVATE_KEY` (PEM text, as c2patool has them); the local identity. The local one is
self-made and says so wherever it is shown: it proves that a film came from this installation, not who the person is.
"""

from __future__ import annotations

import datetime as dt
import os
from collections.abc import Mapping
from pathlib import Path

import platformdirs
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec.structs import replace

from sora_cli import atomic
from sora_cli.bounded import SMALL, read_bytes
from sora_cli.errors import CertificateError
from sora_cli.stamp.certificate import (
    C2PA_CLAIM_SIGNING,
    EMAIL_PROTECTION,
    Signer,
    make_signer,
    pkcs8,
    read_file,
    read_key,
)

SORA_NAMES = ("SORA_SIGN_CERT", "SORA_SIGN_KEY")
LOCAL_NAME = "sora local signer"
LOCAL_YEARS = 10
"""Long, because a film without a time stamp stops to verify when its signer's certificate ends."""


def find_signer(
    certificate: Path | None = None,
    key: Path | None = None,
    *,
    time_authority: str = "",
    environment: Mapping[str, str] | None = None,
) -> Signer:
    """Find the signer, by the precedence above. Where none is named, the local identity signs, made if missing.

    `time_authority` is the address of a time stamping authority, else `SORA_SIGN_TSA`, else `C2PA_TA_URL`, else none
    is asked. With its stamp a film still verifies when the signer's certificate has ended.

    Raises:
        CertificateError: one of certificate and key is missing, unreadable, readable by others, or unfit.
    """
    env = os.environ if environment is None else environment
    authority = time_authority or env.get("SORA_SIGN_TSA") or env.get("C2PA_TA_URL") or ""
    return replace(_find(certificate, key, env), time_authority=authority)


def _find(certificate: Path | None, key: Path | None, env: Mapping[str, str]) -> Signer:
    if certificate is not None or key is not None:
        return _from_files(certificate, key, "the options", "a certificate and a key go together: name both")
    if env.get("SORA_SIGN_CERT") or env.get("SORA_SIGN_KEY"):
        chain, secret = (Path(value) if (value := env.get(name)) else None for name in SORA_NAMES)
        return _from_files(chain, secret, "SORA_SIGN_CERT", "set both SORA_SIGN_CERT and SORA_SIGN_KEY, as paths")
    if env.get("C2PA_SIGN_CERT") or env.get("C2PA_PRIVATE_KEY"):
        texts = env.get("C2PA_SIGN_CERT"), env.get("C2PA_PRIVATE_KEY")
        if not texts[0] or not texts[1]:
            raise CertificateError(
                "the environment names only half of a signer",
                hint="set both C2PA_SIGN_CERT and C2PA_PRIVATE_KEY, as PEM text",
            )
        return make_signer(texts[0].encode(), texts[1].encode(), source="C2PA_SIGN_CERT")
    return local_signer()


def local_folder() -> Path:
    """Where the local identity lives, in the user's configuration folder."""
    return platformdirs.user_config_path("sora") / "identity"


def local_signer() -> Signer:
    """This installation's own signer; made the first time, readable by its user only.

    Raises:
        CertificateError: the folder cannot be written or what is in it is unfit.
    """
    folder = local_folder()
    try:
        if not folder.exists():
            _make_local(folder)
    except OSError as error:
        raise CertificateError(
            f"the local signing identity cannot be made in {folder}: {error.strerror}",
            hint="make the folder writable, or set SORA_SIGN_CERT and SORA_SIGN_KEY",
        ) from error
    return existing_local_signer() or _gone(folder)


def existing_local_signer() -> Signer | None:
    """This installation's own signer, or None where none was made yet.

    Raises:
        CertificateError: it is unreadable or unfit.
    """
    folder = local_folder()
    if not folder.exists():
        return None
    try:
        return _from_files(folder / "chain.pem", folder / "key.pem", "local identity", "", self_made=True)
    except CertificateError as error:
        hint = error.hint or f"move {folder} away; a new identity is then made, which films signed before do not know"
        raise CertificateError(error.message, hint=hint) from None


def local_root() -> tuple[bytes, str] | None:
    """The local identity's certificate (DER) and root (PEM), without its key; None where there is none or it is unfit.

    What `verify` needs: it must work for a reader who may not read the key.
    """
    try:
        text = read_bytes(local_folder() / "chain.pem", SMALL)
        certificates = x509.load_pem_x509_certificates(text)
    except (OSError, ValueError):
        return None
    root = certificates[-1].public_bytes(serialization.Encoding.PEM).decode()
    return certificates[0].public_bytes(serialization.Encoding.DER), root


def _from_files(
    certificate: Path | None, key: Path | None, source: str, both: str, *, self_made: bool = False
) -> Signer:
    if certificate is None or key is None:
        raise CertificateError(f"only half of a signer is named by {source}", hint=both)
    chain = read_file(certificate, "certificate")
    signer = make_signer(chain, read_key(key), source=source, self_made=self_made)
    return replace(signer, files=(certificate, key))


def _gone(folder: Path) -> Signer:
    raise CertificateError(f"the local signing identity is gone from {folder}", hint="run the command again")


# --- the local identity -------------------------------------------------------------------------------------------


def _make_local(folder: Path) -> None:
    """Write a new identity beside `folder` and rename it there; of two processes at once, the first one's stays."""
    folder.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    with atomic.spare(folder) as aside:
        aside.mkdir(mode=0o700)
        chain, key = _issue()
        for name, text in (("chain.pem", chain), ("key.pem", key)):
            handle = os.open(aside / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(handle, "w", encoding="ascii") as file:
                file.write(text)
        try:
            atomic.put(aside, folder, replace=False)
        except OSError:
            if not folder.exists():  # else another process was first
                raise


def _issue() -> tuple[str, str]:
    """A root and a leaf that it signs, as (chain, key) in PEM; the root's key is not kept."""
    root_key, leaf_key = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP256R1())
    root_name, leaf_name = _distinguished("sora local root"), _distinguished(LOCAL_NAME)
    root = (
        _certificate(root_name, root_name, root_key, root_key)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(key_cert_sign=True, crl_sign=True), critical=True)
        .sign(root_key, hashes.SHA256())
    )
    leaf = (
        _certificate(leaf_name, root_name, leaf_key, root_key)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(digital_signature=True, content_commitment=True), critical=True)
        .add_extension(x509.ExtendedKeyUsage([C2PA_CLAIM_SIGNING, EMAIL_PROTECTION]), critical=False)
        .sign(root_key, hashes.SHA256())
    )
    chain = "".join(each.public_bytes(serialization.Encoding.PEM).decode() for each in (leaf, root))
    return chain, pkcs8(leaf_key)


def _certificate(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePrivateKey, issuer_key: ec.EllipticCurvePrivateKey
) -> x509.CertificateBuilder:
    now = dt.datetime.now(dt.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(days=1))  # clocks of two machines differ
        .not_valid_after(now + dt.timedelta(days=round(LOCAL_YEARS * 365.25)))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(issuer_key.public_key()), critical=False)
    )


def _distinguished(name: str) -> x509.Name:
    pairs = ((NameOID.COMMON_NAME, name), (NameOID.ORGANIZATION_NAME, "sora (self-made)"))
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _usage(**allowed: bool) -> x509.KeyUsage:
    names = (
        "digital_signature",
        "content_commitment",
        "key_encipherment",
        "data_encipherment",
        "key_agreement",
        "key_cert_sign",
        "crl_sign",
        "encipher_only",
        "decipher_only",
    )
    return x509.KeyUsage(**{name: allowed.get(name, False) for name in names})
