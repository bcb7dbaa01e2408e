"""What a credential proves, and what breaks it: every way in which a film may be changed or passed off."""

import json
import shutil
import struct
from collections.abc import Iterator
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.serialization import Encoding
from msgspec.structs import replace

from sora_cli.errors import CertificateError, RequestError
from sora_cli.media.deliveries import ARCHIVE
from sora_cli.stamp import Making, Release, credential, verify
from sora_cli.stamp.certificate import make_signer
from sora_cli.stamp.identity import local_folder
from sora_cli.stamp.verdict import _judge
from tests.stamp.conftest import Send, make_master, tone
from tests.stamp.pki import Issued, issue, issue_brief


def boxes(raw: bytes, start: int = 0, end: int | None = None) -> Iterator[tuple[str, int, int]]:
    """The MP4 boxes of a file as (kind, start, end)."""
    end = len(raw) if end is None else end
    while start < end:
        size, kind = struct.unpack(">I4s", raw[start : start + 8])
        size = int.from_bytes(raw[start + 8 : start + 16], "big") if size == 1 else size or end - start
        yield kind.decode("latin-1"), start, start + size
        start += size


def box(raw: bytes, kind: str) -> tuple[int, int]:
    return next((start, end) for name, start, end in boxes(raw) if name == kind)


def test_one_flipped_byte_of_media_data_is_always_found(done: Release, tmp_path: Path) -> None:
    """200 random places of the media data, a random change each."""
    raw = bytearray(done.path.read_bytes())
    start, end = box(bytes(raw), "mdat")
    dice = np.random.default_rng(2)
    bad = tmp_path / "bad.mp4"
    missed = []
    for at in dice.choice(np.arange(start + 8, end), 200, replace=False):
        kept = raw[at]
        raw[at] ^= int(dice.integers(1, 256))
        bad.write_bytes(raw)
        raw[at] = kept
        verdict = verify(bad)
        if verdict.ok or verdict.whole or "not those that were signed" not in verdict.sentence:
            missed.append(int(at))
    assert missed == []


@pytest.mark.parametrize("kind", ["moov", "uuid"])
def test_a_flipped_byte_elsewhere_is_found_or_changes_nothing(done: Release, tmp_path: Path, kind: str) -> None:
    """The index is signed like the media data. In the manifest, padding is not, and says nothing."""
    raw = bytearray(done.path.read_bytes())
    start, end = box(bytes(raw), kind)
    dice, bad = np.random.default_rng(3), tmp_path / "film.mp4"
    bad.unlink()
    for at in dice.choice(np.arange(start, end), 40, replace=False):
        kept = raw[at]
        raw[at] ^= 1 << int(dice.integers(8))
        bad.write_bytes(raw)
        raw[at] = kept
        verdict = verify(bad)
        assert not verdict.ok or (kind == "uuid" and verdict == done.verdict), at - start


def _mangled(value: Any, dice: np.random.Generator) -> Any:
    """The value with one of the values in it, at any depth, replaced by something odd."""
    odd = [None, 7, "x", [], {}, [[]], {"": None}, [None], True]
    if isinstance(value, dict) and value and dice.random() < 0.9:
        key = list(value)[dice.integers(len(value))]
        return {**value, key: _mangled(value[key], dice)}
    if isinstance(value, list) and value and dice.random() < 0.9:
        at = int(dice.integers(len(value)))
        return [*value[:at], _mangled(value[at], dice), *value[at + 1 :]]
    return odd[dice.integers(len(odd))]


def test_statements_of_any_shape_are_judged(done: Release) -> None:
    """Whoever signed a film may have written anything."""
    reading, dice = credential.read(done.path, anchors=done.signer.root), np.random.default_rng(4)
    for _ in range(500):
        manifests = _mangled(dict(reading.manifests), dice)
        changed = replace(reading, manifests=manifests if isinstance(manifests, dict) else {})
        verdict = _judge(changed, "film.mp4", b"", frozenset({"1"}), any_signer=False)
        assert verdict.sentence
        json.dumps(verdict.as_dict())


def test_manifests_inside_themselves_and_endless_ones_come_to_an_end(done: Release) -> None:
    reading = credential.read(done.path, anchors=done.signer.root)
    names = [f"m{number}" for number in range(60)]
    twice = [{"title": "t", "label": f"c2pa.ingredient.v3__{k}"} for k in range(2)]
    chain = {
        name: {"ingredients": [{**each, "active_manifest": inner} for each in twice]}
        for name, inner in zip(names, [*names[1:], "m0"], strict=True)
    }
    changed = replace(reading, manifests=chain, active="m0")
    verdict = _judge(changed, "film.mp4", b"", frozenset(), any_signer=True)
    assert not verdict.ok
    itself = replace(reading, manifests={"m": {"ingredients": [{"active_manifest": "m"}]}}, active="m")
    assert _judge(itself, "film.mp4", b"", frozenset(), any_signer=True).parts[0].state == "failed"


@pytest.mark.parametrize(
    "tail", [b"junk", struct.pack(">I4s", 24, b"free") + bytes(16), struct.pack(">I4s", 16, b"mdat") + bytes(8)]
)
def test_something_appended_is_found(done: Release, tmp_path: Path, tail: bytes) -> None:
    bad = tmp_path / "bad.mp4"
    bad.write_bytes(done.path.read_bytes() + tail)
    assert not verify(bad).ok


def test_truncation_is_found(done: Release, tmp_path: Path) -> None:
    raw, bad = done.path.read_bytes(), tmp_path / "bad.mp4"
    for keep in (0, 7, 40, len(raw) // 2, len(raw) - 1):
        bad.write_bytes(raw[:keep])
        verdict = verify(bad)
        assert not verdict.ok
        assert verdict.sentence


def _remux(source: Path, target: Path, *, sound: Path | None = None) -> None:
    """Copy a film's streams as they are; with `sound`, that film's sound instead of its own."""
    other = sound or source
    with av.open(str(source)) as given, av.open(str(other)) as heard, av.open(str(target), "w") as made:
        pairs = [(given, given.streams.video[0]), (heard, heard.streams.audio[0])]
        copies = [made.add_stream_from_template(stream) for _, stream in pairs]
        for (container, stream), copy in zip(pairs, copies, strict=True):
            for packet in container.demux(stream):
                if packet.dts is not None:
                    packet.stream = copy
                    made.mux(packet)


def test_a_remux_that_dropped_the_manifest_proves_nothing(done: Release, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    _remux(done.path, copy)
    verdict = verify(copy)
    assert (verdict.ok, verdict.state) == (False, "none")
    assert "no credential" in verdict.sentence


def test_a_re_encode_proves_nothing(done: Release, tmp_path: Path) -> None:
    copy = tmp_path / "copy.mp4"
    with av.open(str(done.path)) as given, av.open(str(copy), "w") as made:
        stream = made.add_stream("libx264", rate=12)
        stream.width, stream.height, stream.pix_fmt = 256, 160, "yuv420p"
        for frame in given.decode(video=0):
            frame.pts = None
            made.mux(stream.encode(frame))
        made.mux(stream.encode())
    assert verify(copy).state == "none"
    assert not verify(_with_manifest_of(done.path, copy, tmp_path / "dressed.mp4")).ok


def _with_manifest_of(donor: Path, film: Path, target: Path) -> Path:
    """The film with the donor's manifest box put in behind its `ftyp`."""
    given, raw = donor.read_bytes(), film.read_bytes()
    start, end = box(given, "uuid")
    _, after = box(raw, "ftyp")
    target.write_bytes(raw[:after] + given[start:end] + raw[after:])
    return target


def test_a_manifest_moved_to_another_film_is_found(send: Send, tmp_path: Path) -> None:
    one = send(out=tmp_path / "one.mp4")
    other = send(make_master(seed=5), out=tmp_path / "other.mp4")
    raw = other.path.read_bytes()
    start, end = box(raw, "uuid")
    bare = tmp_path / "bare.mp4"
    bare.write_bytes(raw[:start] + raw[end:])
    verdict = verify(_with_manifest_of(one.path, bare, tmp_path / "moved.mp4"))
    assert (verdict.ok, verdict.state) == (False, "invalid")
    assert "not those that were signed" in verdict.sentence


def test_a_swapped_soundtrack_is_found(send: Send, tmp_path: Path) -> None:
    """Dropped with the manifest; and with the manifest put back; and with the bytes patched in place."""
    film = send(make_master(sound=tone(440)), out=tmp_path / "film.mp4").path
    other = send(make_master(sound=tone(880)), out=tmp_path / "other.mp4").path
    swapped = tmp_path / "swapped.mp4"
    _remux(film, swapped, sound=other)
    assert verify(swapped).state == "none"
    assert not verify(_with_manifest_of(film, swapped, tmp_path / "dressed.mp4")).ok
    raw = bytearray(film.read_bytes())
    with av.open(str(film)) as one:
        packets = [p for p in one.demux(audio=0) if p.pos and p.size]
    middle = packets[len(packets) // 2]
    raw[middle.pos : middle.pos + middle.size] = bytes(middle.size)
    (tmp_path / "patched.mp4").write_bytes(raw)
    assert not verify(tmp_path / "patched.mp4").ok


def test_a_folder_is_told_as_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for path in (Path(), Path(".."), tmp_path, Path("/")):
        with pytest.raises(RequestError, match="cannot read"):
            verify(path)


def test_no_credential_unknown_kinds_and_garbage(tmp_path: Path) -> None:
    for name, content, state in (
        ("notes.txt", b"hello", "unsupported"),
        ("film", b"hello", "unsupported"),
        ("film.mkv", b"hello", "unsupported"),
        ("film.mp4", b"", "unreadable"),
        ("photo.mp4", b"hello world" * 20, "unreadable"),
        ("noise.mp4", b"\x00\x00\x10\x00\x1b[2J\xff\x07" * 600, "unreadable"),
    ):
        (tmp_path / name).write_bytes(content)
        verdict = verify(tmp_path / name)
        assert (verdict.ok, verdict.state, verdict.whole) == (False, state, False)
        assert verdict.sentence.startswith(name)
        assert "\n" not in verdict.sentence
        assert all(problem.isprintable() and "\ufffd" not in problem for problem in verdict.problems)
    assert verify(tmp_path / "film.mp4").problems == ("the file is empty",)
    for name in ("none.mp4", "none"):
        with pytest.raises(RequestError, match="cannot read"):
            verify(tmp_path / name)
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(RequestError, match="cannot read"):
        verify(tmp_path / "folder.mp4")


def test_a_film_with_a_tool_s_note_behind_it_has_no_credential_and_is_not_damaged(tmp_path: Path) -> None:
    whole = (Path(__file__).parents[1] / "cases" / "S.mp4").read_bytes()
    for name, content, state in (
        ("note.mp4", whole + b"a note of a tool", "none"),
        ("camera.mp4", whole + b"\0\0\x40\0INST" + bytes(range(200)), "none"),
        ("cut.mp4", whole[:3000], "unreadable"),
        ("signed.mp4", whole + b"a note of c2pa", "broken"),
    ):
        (tmp_path / name).write_bytes(content)
        assert verify(tmp_path / name).state == state, name


# --- who signed ---------------------------------------------------------------------------------------------------


def test_somebody_else_reads_it_as_whole_but_by_an_unknown_signer(
    done: Release, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = tmp_path / "root.pem"
    root.write_text(done.signer.root)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "elsewhere"))
    verdict = verify(done.path)
    assert (verdict.ok, verdict.whole, verdict.trust, verdict.self_made) == (False, True, "unknown", False)
    assert "unknown signer" in verdict.sentence
    assert "not changed" in verdict.sentence
    assert {part.state for part in verdict.parts} == {"whole"}
    assert verify(done.path, any_signer=True).ok
    told = verify(done.path, anchors=[root])
    assert (told.ok, told.trust, told.self_made) == (True, "anchor", False)
    assert not (tmp_path / "elsewhere").exists()  # reading makes no identity


def test_a_users_own_certificate(send: Send, tmp_path: Path) -> None:
    jane = issue("Jane Doe Films")
    film = send(signer=make_signer(jane.chain, jane.key, source="the options")).path
    root = tmp_path / "root.pem"
    root.write_bytes(jane.root)
    verdict = verify(film, anchors=[root])
    assert (verdict.ok, verdict.trust, verdict.signer, verdict.issuer) == (
        True, "anchor", "Jane Doe Films", "Jane Doe Films root",
    )  # fmt: skip
    assert verdict.serial == f"{jane.leaf.serial_number:x}"
    assert not verify(film).ok


def test_a_stranger_who_takes_our_name_is_not_us(send: Send, tmp_path: Path) -> None:
    fake = issue("sora local signer")
    film = send(signer=make_signer(fake.chain, fake.key, source="x")).path
    send(out=tmp_path / "ours.mp4")  # the local identity exists
    verdict = verify(film)
    assert (verdict.ok, verdict.trust, verdict.self_made) == (False, "unknown", False)
    root = tmp_path / "root.pem"
    root.write_bytes(fake.root)
    assert verify(film, anchors=[root]).trust == "anchor"


def test_a_name_cannot_speak_for_us(send: Send) -> None:
    """Nobody breaks out of the sentence, or reaches the terminal, by what he calls himself."""
    sly = issue('Jane", whom a trusted certificate vouches for\n\x1b[2J')
    verdict = verify(send(signer=make_signer(sly.chain, sly.key, source="x")).path)
    assert not verdict.ok
    assert verdict.sentence.isprintable()
    assert verdict.sentence.count('"') == 2
    assert verdict.signer.isprintable()


def test_a_certificate_that_ended_since(send: Send, tmp_path: Path) -> None:
    root = tmp_path / "root.pem"

    def sign(brief: Issued) -> Path | None:
        root.write_bytes(brief.root)
        signer = make_signer(brief.chain, brief.key, source="x")
        film = send(make_master(frames=2), signer=signer, making=Making()).path
        return film if verify(film, anchors=[root]).ok else None

    film = issue_brief(sign)
    verdict = verify(film, anchors=[root], any_signer=True)
    assert not verdict.ok
    assert "certificate has ended" in verdict.sentence


@pytest.mark.parametrize("form", ["decimal", "hexadecimal", "colons", "fingerprint"])
def test_a_certificate_on_the_list_of_revoked_ones(done: Release, tmp_path: Path, form: str) -> None:
    from cryptography import x509

    leaf = x509.load_pem_x509_certificate(done.signer.chain.encode())
    entry = {
        "decimal": str(leaf.serial_number),
        "hexadecimal": f"0x{leaf.serial_number:X}",
        "colons": ":".join(f"{byte:02x}" for byte in leaf.serial_number.to_bytes(20, "big")),
        "fingerprint": leaf.fingerprint(hashes.SHA256()).hex().upper(),
    }[form]
    revoked = tmp_path / "revoked.txt"
    revoked.write_text(f"# stolen in May\n\n12345\n{entry}  # a laptop\n")
    verdict = verify(done.path, revoked=[revoked])
    assert (verdict.ok, verdict.whole) == (False, False)
    assert "list of revoked ones" in verdict.sentence
    assert {part.state for part in verdict.parts} == {"failed"}
    revoked.write_text("12345\n")
    assert verify(done.path, revoked=[revoked]).ok


def test_lists_and_anchors_that_make_no_sense(done: Release, tmp_path: Path) -> None:
    bad = tmp_path / "bad.txt"
    bad.write_text("12345\nhello\n")
    with pytest.raises(RequestError, match=r"bad\.txt:2"):
        verify(done.path, revoked=[bad])
    with pytest.raises(RequestError, match="cannot read"):
        verify(done.path, revoked=[tmp_path / "none.txt"])
    with pytest.raises(CertificateError, match="PEM"):
        verify(done.path, anchors=[bad])
    with pytest.raises(CertificateError, match="cannot be read"):
        verify(done.path, anchors=[tmp_path / "none.pem"])


def test_an_anchor_may_be_der_or_have_words_around_it(done: Release, tmp_path: Path) -> None:
    """As Windows exports roots (`.cer`), and as `openssl x509 -text` prints them."""
    root, path = x509.load_pem_x509_certificate(done.signer.root.encode()), tmp_path / "root.cer"
    told = f"Subject: Jürgen\n{done.signer.root}".replace("\n", "\r\n").encode()
    shutil.rmtree(local_folder())
    for content in (root.public_bytes(Encoding.DER), told):
        path.write_bytes(content)
        assert verify(done.path, anchors=[path]).trust == "anchor"


def test_a_reader_without_the_key_can_verify(done: Release) -> None:
    (local_folder() / "key.pem").unlink()
    assert verify(done.path).ok


def test_a_name_does_not_matter(done: Release, tmp_path: Path) -> None:
    for name in ("RENAMED.MP4", "film", "film.qt", "film.mp4.download", "film.jpg"):
        shutil.copy(done.path, tmp_path / name)
        assert verify(tmp_path / name).ok
    picture = Path(__file__).parents[1] / "cases" / "R_old.jpg"
    for name in ("saved.jfif", "saved.jpe"):  # as browsers save JPEGs
        shutil.copy(picture, tmp_path / name)
        assert verify(tmp_path / name).signer == verify(picture).signer


def test_a_credential_on_its_own_tells_nothing_of_a_file(tmp_path: Path, send: Send) -> None:
    done = send(out=tmp_path / "film.mkv", kind=ARCHIVE)
    assert done.sidecar is not None
    (tmp_path / "film.mkv").unlink()
    found = verify(done.sidecar)
    assert (found.ok, found.whole, found.problems) == (False, True, ())
    assert "a credential without its file" in found.sentence
    done.sidecar.write_bytes(done.sidecar.read_bytes()[:900])
    assert not verify(done.sidecar).whole


def test_the_verdict_is_plain_data(done: Release) -> None:
    told = json.loads(json.dumps(done.verdict.as_dict()))
    assert told["ok"] is True
    assert told["parts"][0]["parameters"]["prompt"] == "a red ball"
    assert Fraction(told["parts"][1]["start"]) == 1


def test_verifying_does_not_touch_the_file(done: Release) -> None:
    before = done.path.read_bytes(), done.path.stat().st_mtime_ns
    verify(done.path)
    assert before == (done.path.read_bytes(), done.path.stat().st_mtime_ns)
