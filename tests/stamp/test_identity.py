"""Who signs, and which certificates and keys are refused."""

import datetime as dt
import multiprocessing
import os
import stat
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from sora_cli.errors import CertificateError
from sora_cli.stamp import find_signer, local_signer
from sora_cli.stamp.certificate import make_signer
from sora_cli.stamp.identity import existing_local_signer, local_folder, local_root
from tests.stamp.pki import issue


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def test_the_local_identity_is_made_once_and_for_its_owner_only() -> None:
    assert existing_local_signer() is None
    assert local_root() is None
    old = os.umask(0)
    try:
        first = local_signer()
    finally:
        os.umask(old)
    folder = local_folder()
    assert first.self_made
    assert first.subject == "sora local signer"
    assert first.ends > dt.datetime.now(dt.UTC) + dt.timedelta(days=9.9 * 365)
    assert mode(folder) == 0o700
    assert {path.name: mode(path) for path in folder.iterdir()} == {"chain.pem": 0o600, "key.pem": 0o600}
    assert local_signer() == first
    assert list(folder.parent.iterdir()) == [folder]
    found = local_root()
    assert found is not None
    assert x509.load_der_x509_certificate(found[0]) == x509.load_pem_x509_certificate(first.chain.encode())


def test_the_roots_key_is_not_kept() -> None:
    signer = local_signer()
    text = "".join(path.read_text() for path in local_folder().iterdir())
    assert text.count("PRIVATE KEY-----\n") == 2  # one BEGIN and one END
    leaf = x509.load_pem_x509_certificate(signer.chain.encode())
    key = serialization.load_pem_private_key(signer.key.encode(), None)
    assert key.public_key() == leaf.public_key()


def _make(home: str) -> str:
    os.environ["XDG_CONFIG_HOME"] = home
    return local_signer().chain


def test_two_processes_at_once_get_the_same_identity(tmp_path: Path) -> None:
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        chains = pool.map(_make, [str(tmp_path)] * 4, chunksize=1)
    assert len(set(chains)) == 1
    assert [path.name for path in (tmp_path / "sora").iterdir()] == ["identity"]


def test_precedence(tmp_path: Path) -> None:
    folders = {name: tmp_path / name for name in ("option", "sora")}
    people = {}
    for name, folder in folders.items():
        folder.mkdir()
        people[name] = issue(name).write(folder)
    c2pa = issue("c2pa")
    environment = {"C2PA_SIGN_CERT": c2pa.chain.decode(), "C2PA_PRIVATE_KEY": c2pa.key.decode()}
    assert find_signer(environment={}).self_made
    assert find_signer(environment=environment).subject == "c2pa"
    environment |= {"SORA_SIGN_CERT": str(people["sora"][0]), "SORA_SIGN_KEY": str(people["sora"][1])}
    assert find_signer(environment=environment).subject == "sora"
    assert find_signer(*people["option"], environment=environment).subject == "option"
    assert not find_signer(*people["option"], environment=environment).self_made


@pytest.mark.parametrize(
    "environment",
    [{"SORA_SIGN_CERT": "/x.pem"}, {"SORA_SIGN_KEY": "/x.pem"}, {"C2PA_SIGN_CERT": "x"}, {"C2PA_PRIVATE_KEY": "x"}],
)
def test_half_a_signer_is_an_error_not_the_local_identity(environment: dict[str, str]) -> None:
    with pytest.raises(CertificateError, match="half of a signer") as caught:
        find_signer(environment=environment)
    assert "both" in caught.value.hint


@pytest.mark.skipif(os.name != "posix", reason="file modes are POSIX")
@pytest.mark.parametrize("bits", [0o640, 0o604, 0o644, 0o660, 0o777])
def test_a_key_that_others_can_read_is_refused(tmp_path: Path, bits: int) -> None:
    certificate, key = issue().write(tmp_path, mode=bits)
    with pytest.raises(CertificateError, match="read by others") as caught:
        find_signer(certificate, key)
    assert caught.value.hint == f"chmod 600 {key}"
    assert caught.value.exit_code == 3
    key.chmod(0o600)
    assert find_signer(certificate, key).subject == "Jane Doe Films"


def test_the_local_key_is_refused_too_when_others_can_read_it() -> None:
    local_signer()
    (local_folder() / "key.pem").chmod(0o644)
    with pytest.raises(CertificateError, match="read by others"):
        local_signer()


REFUSED = {
    "ended": (issue(starts=-dt.timedelta(days=9), ends=-dt.timedelta(days=2)), "ended on"),
    "not begun": (issue(starts=dt.timedelta(days=2)), "begins on"),
    "authority": (issue(ca=True), "authority"),
    "use": (issue(uses=(ExtendedKeyUsageOID.CODE_SIGNING,)), "extended key usage"),
    "no use": (issue(uses=()), "extendedKeyUsage"),
    "key usage": (issue(usage="key_agreement"), "digitalSignature"),
    "curve": (issue(curve=ec.SECP256K1()), "secp256k1"),
}


@pytest.mark.parametrize("why", REFUSED)
def test_an_unfit_certificate_is_refused_by_name(why: str) -> None:
    issued, words = REFUSED[why]
    with pytest.raises(CertificateError, match=words):
        make_signer(issued.chain, issued.key, source="the options")


def test_mismatch_order_and_garbage() -> None:
    one, other = issue("one"), issue("other")
    leaf = one.chain[: one.chain.index(b"-----END") + 26]
    with pytest.raises(CertificateError, match="does not belong"):
        make_signer(one.chain, other.key, source="x")
    with pytest.raises(CertificateError, match="out of order"):
        make_signer(one.root + leaf, one.key, source="x")
    with pytest.raises(CertificateError, match="not PEM"):
        make_signer(b"garbage", one.key, source="x")
    with pytest.raises(CertificateError, match="not a private key"):
        make_signer(one.chain, one.chain, source="x")
    with pytest.raises(CertificateError, match="cannot be read"):
        find_signer(Path("/nowhere/chain.pem"), Path("/nowhere/key.pem"))


def test_other_forms_of_key() -> None:
    issued = issue()
    pem, locked = serialization.Encoding.PEM, serialization.BestAvailableEncryption(b"secret")
    sec1 = issued.secret.private_bytes(
        pem, serialization.PrivateFormat.TraditionalOpenSSL, serialization.NoEncryption()
    )
    assert b"EC PRIVATE KEY" in sec1
    assert make_signer(issued.chain, sec1, source="x").key.startswith("-----BEGIN PRIVATE KEY-----")
    for form in (serialization.PrivateFormat.PKCS8, serialization.PrivateFormat.TraditionalOpenSSL):
        with pytest.raises(CertificateError, match="passphrase"):
            make_signer(issued.chain, issued.secret.private_bytes(pem, form, locked), source="x")
    large = issue(curve=ec.SECP384R1())
    assert make_signer(large.chain, large.key, source="x").algorithm == "ES384"


def test_no_key_in_any_text(tmp_path: Path) -> None:
    issued = issue()
    certificate, key = issued.write(tmp_path)
    body = issued.key.decode().splitlines()[1]
    assert body not in repr(find_signer(certificate, key))
    broken = issued.key.replace(b"A", b"B", 3)
    stranger = rsa.generate_private_key(65537, 2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    for secret in (broken, stranger, issued.key[:-40]):
        with pytest.raises(CertificateError) as caught:
            make_signer(issued.chain, secret, source="x")
        told = f"{caught.value!r} {caught.value.hint} {caught.value.__cause__!r}"
        assert caught.value.__suppress_context__ or caught.value.__context__ is None
        assert body[:20] not in told
        assert secret.decode().splitlines()[1][:20] not in told
