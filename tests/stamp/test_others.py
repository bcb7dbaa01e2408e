"""Credentials of others: ended certificates, manifests on the network and edited files are three things."""

import datetime as dt
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import av
import c2pa
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace
from PIL import Image

from sora_cli.cancel import Cancellation
from sora_cli.errors import StampError
from sora_cli.events import Note, Recording, Silent
from sora_cli.flows import edit
from sora_cli.stamp import Edit, IngredientVerdict, Release, credential, look_at, verify
from sora_cli.stamp.certificate import make_signer
from sora_cli.stamp.claims import IPTC
from sora_cli.stamp.reading import ValidationStatus
from sora_cli.stamp.verdict import Verdict, _judge, walk
from tests.stamp.conftest import Send, make_master
from tests.stamp.pki import Issued, issue

CASES = Path(__file__).parents[1] / "cases"
ROOT = CASES / "Q_root.pem"
ENDED, REMOTE, BARE, PICTURE = (CASES / name for name in ("Q_short.mp4", "Q_remote.mp4", "S.mp4", "R_old.jpg"))


def way() -> edit.EditOptions:
    return edit.EditOptions(report=Silent(), cancel=Cancellation())


def part(film: Path, name: str) -> IngredientVerdict:
    verdict = verify(film)
    assert verdict.ok, verdict.sentence
    assert "tampered" not in verdict.sentence
    return next(each for each in walk(verdict.parts) if each.name == name)


def described(film: Path, name: str) -> str:
    reading = credential.read(film)
    inside = [each for manifest in reading.manifests.values() for each in manifest.get("ingredients", ())]
    return next(str(each.get("description", "")) for each in inside if each["title"] == name)


@pytest.mark.parametrize("command", ["stamp", "stitch", "grade"])
@pytest.mark.parametrize(
    ("source", "state", "words"), [(ENDED, "whole", "ended (on 2026-11-25)"), (REMOTE, "unread", "on the network")]
)
def test_a_whole_film_of_somebody_else_is_used_with_a_note(
    tmp_path: Path, command: str, source: Path, state: str, words: str
) -> None:
    out, heard = tmp_path / "out.mp4", Recording()
    how = edit.EditOptions(report=heard, cancel=Cancellation())
    if command == "stamp":
        edit.mark(source, out, how)
    elif command == "stitch":
        edit.stitch([source, BARE], out, how)
    else:
        edit.grade(source, out, how, match=str(PICTURE))
    (told,) = [note.message for note in heard.of(Note)]
    assert told.startswith(f"{source.name}: ")
    assert words in told
    found = part(out, source.name)
    assert (found.state, found.problems) == (state, ())
    assert words in " ".join(found.notes)
    assert words in described(out, source.name)


def test_an_ended_certificate_is_told_as_that() -> None:
    for path in (ENDED, PICTURE):
        verdict = verify(path, any_signer=True)
        assert (verdict.ok, verdict.whole, verdict.tampered, verdict.problems) == (False, True, False, ())
        assert "was not changed since it was signed" in verdict.sentence
        assert "certificate has ended" in verdict.sentence


def test_an_ended_certificate_is_vouched_for_by_its_root() -> None:
    """Of one that has ended c2pa says that nobody vouches for it, though its root is given."""
    known = verify(ENDED, anchors=[ROOT], any_signer=True)
    assert (known.ok, known.whole, known.trust) == (False, True, "anchor")
    assert '"AI Video Site", whom a trusted certificate vouches for, but its signer\'s' in known.sentence
    assert verify(PICTURE, anchors=[ROOT]).trust == "unknown"  # another root


def test_what_stands_above_a_signers_certificate_may_have_ended(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A whole chain that leads to a root is told with what of it ended; a certificate that only lies in it is none."""
    above = issue("Above", ends=-dt.timedelta(hours=1), ca=True, usage="key_cert_sign")
    found = signed_by(issue("Jane", above=above), tmp_path)
    assert (found.ok, found.whole, found.trust) == (False, True, "anchor")
    assert "but a certificate that vouches for its signer's has ended (on" in found.sentence
    monkeypatch.setattr(x509, "random_serial_number", lambda: 7)  # who plants another's certificate has its number
    known, sly = issue("Known", ends=-dt.timedelta(hours=1)), issue("Sly")
    sly.chain, sly.root = sly.chain + known.leaf.public_bytes(Encoding.PEM), known.root
    assert signed_by(sly, tmp_path).trust == "unknown"


@pytest.mark.parametrize(
    ("actions", "words"),
    [
        (("c2pa.created", "c2pa.placed", "c2pa.adjustedColor"), "was made with"),
        (("c2pa.opened", "c2pa.addedText", "c2pa.transcoded"), "was stamped with"),
        (("c2pa.opened",), "was stamped with"),
        (("c2pa.opened", "c2pa.color_adjustments"), "was changed with"),
        (("c2pa.opened", "c2pa.edited", "c2pa.transcoded"), "was changed with"),
    ],
)
def test_what_was_done_is_told_by_the_actions(done: Release, actions: tuple[str, ...], words: str) -> None:
    """A picture that another program changed was not stamped."""
    reading = credential.read(done.path, anchors=done.signer.root)
    told = {"label": "c2pa.actions.v2", "data": {"actions": [{"action": each} for each in actions]}}
    only = replace(reading, manifests={reading.active: {"assertions": [told]}}, changes={})
    assert words in _judge(only, "film", b"", frozenset(), any_signer=True).sentence


def signed_by(who: Issued, folder: Path) -> Verdict:
    """The verdict on a picture by somebody, whose root is given."""
    root, bare, signed = folder / "root.pem", folder / "bare.png", folder / "signed.png"
    root.write_bytes(who.root)
    Image.new("RGB", (32, 32), "red").save(bare)
    signed.unlink(missing_ok=True)
    made = {"action": "c2pa.created", "digitalSourceType": f"{IPTC}digitalCapture"}
    about = {"assertions": [{"label": "c2pa.actions", "data": {"actions": [made]}}]}
    credential.sign(bare, signed, about, make_signer(who.chain, who.key, source="x"))
    return verify(signed, anchors=[root])


def test_a_credential_on_the_network_is_told_as_that() -> None:
    verdict = verify(REMOTE)
    assert (verdict.ok, verdict.state, verdict.tampered) == (False, "remote", False)
    assert "on the network" in verdict.sentence


def altered(source: Path, target: Path, at: int) -> Path:
    raw = bytearray(source.read_bytes())
    raw[at] ^= 1
    target.write_bytes(raw)
    return target


@pytest.mark.parametrize("source", [ENDED, PICTURE])
def test_what_was_changed_is_refused_before_the_work(tmp_path: Path, source: Path) -> None:
    """An ended certificate excuses nothing."""
    bad = altered(source, tmp_path / f"bad{source.suffix}", -9)
    with pytest.raises(StampError, match="changed since it was signed") as caught:
        look_at(bad)
    assert caught.value.hint
    if source.suffix == ".mp4":
        with pytest.raises(StampError, match="changed since it was signed"):
            edit.mark(bad, tmp_path / "out.mp4", way())
    assert not (tmp_path / "out.mp4").exists()


def test_a_broken_manifest_is_refused_and_a_file_without_one_is_not(tmp_path: Path) -> None:
    head = ENDED.read_bytes().index(b"jumdc2pa")
    bad = altered(ENDED, tmp_path / "bad.mp4", head + 1)
    assert verify(bad).state == "broken"
    with pytest.raises(StampError, match="is damaged"):
        look_at(bad)
    odd = tmp_path / "odd.mp4"
    odd.write_bytes(b"hello world" * 20)
    assert "could not be looked into" in look_at(odd).note
    assert look_at(BARE).note == ""


def judged(done: Release, code: str, **certificate: str) -> Verdict:
    """The verdict on a good film of which c2pa would have said `code` too."""
    reading = credential.read(done.path, anchors=done.signer.root)
    mine = {key: replace(each, **certificate) for key, each in reading.certificates.items()}
    worse = replace(reading, state="invalid", failures=(ValidationStatus(code),), certificates=mine)
    return _judge(worse, "film.mp4", b"", frozenset(), any_signer=False)


def test_a_certificate_that_has_not_begun_is_not_called_ended(done: Release) -> None:
    verdict = judged(done, "signingCredential.expired", starts="2199-01-01T00:00:00+00:00", ends="2200-01-01")
    assert (verdict.ok, verdict.tampered) == (False, False)
    assert "has not begun yet (it begins on 2199-01-01: is the clock right?)" in verdict.sentence
    assert "ended" not in verdict.sentence


@pytest.mark.parametrize(
    ("code", "is_", "words"),
    [
        ("cawg.x509.credential.untrusted", "good", "the identity named in it"),
        ("cawg.ica.untrusted_issuer", "good", "the identity named in it"),
        ("cawg.x509.signature.mismatch", "changed", "the identity named in it"),
        ("timeStamp.untrusted", "good", "time stamp"),
        ("claimSignature.outsideValidity", "unproven", "did not count"),
        ("signingCredential.ocsp.revoked", "unproven", "revoked"),
        ("algorithm.unsupported", "unproven", "not checked"),
        ("claimSignature.mismatch", "changed", "altered after it was signed"),
        ("assertion.bmffHash.mismatch", "changed", "not those that were signed"),
        ("something.new", "changed", "something.new"),
    ],
)
def test_trust_time_and_damage_are_told_apart(done: Release, code: str, is_: str, words: str) -> None:
    verdict = judged(done, code)
    assert (verdict.ok, verdict.tampered) == (is_ == "good", is_ == "changed")
    assert words in " ".join((*verdict.problems, *verdict.notes))
    assert "tampered" not in verdict.sentence


def named(target: Path, signer: Issued, identity: Issued) -> Path:
    """A film signed by the one, with the other's signature under who made it (CAWG 1.1, an identity assertion)."""
    local = {
        name: {"local": {"alg": "es256", "sign_cert": each.chain.decode(), "private_key": each.key.decode()}}
        for name, each in (("signer", signer), ("cawg_x509_signer", identity))
    }
    local["cawg_x509_signer"]["local"]["referenced_assertions"] = ["c2pa.actions"]
    context = c2pa.Context.from_dict({**credential.settings(), **local})
    context._has_signer = True  # the settings have one, which the library's wrapper does not see
    made = {
        "action": "c2pa.created",
        "digitalSourceType": "http://cv.iptc.org/newscodes/digitalsourcetype/digitalCapture",
    }
    manifest = {"assertions": [{"label": "c2pa.actions.v2", "data": {"actions": [made]}}]}
    with BARE.open("rb") as source, target.open("w+b") as file, c2pa.Builder(json.dumps(manifest), context) as builder:
        builder.sign("video/mp4", source, file)
    return target


def test_an_identity_that_nobody_vouches_for_is_told_beside_the_signer(tmp_path: Path) -> None:
    signer = issue("A studio")
    film = named(tmp_path / "a.mp4", signer, issue("An actress"))
    told = "nobody known vouches for the identity named in it"
    verdict = verify(film, anchors_pem=signer.root.decode())
    assert (verdict.ok, verdict.whole, verdict.trust, verdict.notes) == (True, True, "anchor", (told,))
    assert 'is signed by "A studio", whom a trusted certificate vouches for, and was not changed' in verdict.sentence
    verdict = verify(film)
    assert (verdict.ok, verdict.whole, verdict.trust, verdict.notes) == (False, True, "unknown", (told,))
    edit.mark(film, tmp_path / "out.mp4", way())
    found = part(tmp_path / "out.mp4", "a.mp4")
    assert (found.state, found.problems) == ("whole", ())
    assert told in described(tmp_path / "out.mp4", "a.mp4")
    altered(film, film, -9)
    assert "not those that were signed" in verify(film).sentence


@pytest.mark.parametrize("name", ["paper.pdf", "raw.dng", "photo.jxl", "raw.nef"])
def test_kinds_that_the_library_reads_can_carry_a_credential(tmp_path: Path, name: str) -> None:
    path = tmp_path / name
    path.write_bytes(b"%PDF-1.4\n1 0 obj\n<<>>\nendobj\ntrailer\n<<>>\n%%EOF\n")
    assert "cannot carry" not in verify(path).sentence


@pytest.mark.parametrize("way_in", ["replaced", "rewritten"])
def test_a_source_that_changes_while_it_is_read_is_refused(tmp_path: Path, send: Send, way_in: str) -> None:
    """The frames would be the old file's, the ingredient the new one's."""
    source, other = tmp_path / "source.mp4", tmp_path / "other.mp4"
    shutil.copy(ENDED, source)
    shutil.copy(BARE, other)
    master = make_master(frames=3)

    def pictures() -> Iterator[av.VideoFrame]:
        yield from master.pictures()
        if way_in == "replaced":
            os.replace(other, source)  # noqa: PTH105
        else:
            source.write_bytes(other.read_bytes())

    with pytest.raises(StampError, match="replaced or changed while"):
        send(replace(master, pictures=pictures), making=Edit(clips=((source, 0, 0),)))
    assert not list(tmp_path.glob("*film*"))
