"""Signing files and reading their credentials, with c2pa: the only module that imports it.

Nothing here uses the network. Merkle hashing stays off (a second C2PA engine refuses every file that has it), and
`free` and `skip` boxes are hashed like everything else, so that nothing can hide in them. c2pa's errors become
`StampError` or `CertificateError`; how a file reads is a value, `CredentialReading`, not an error.
"""

from __future__ import annotations

import io
import json
import os
import ssl
import tempfile
import threading
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import BinaryIO, Literal, TypeVar

import c2pa
from cryptography import x509
from msgspec import Struct
from msgspec.structs import replace

from sora_cli import atomic
from sora_cli.bounded import open_regular, read_bytes
from sora_cli.errors import CertificateError, SoraError, StampError
from sora_cli.media.pieces import PIECE, in_pieces
from sora_cli.spelling import readable
from sora_cli.stamp.beside import sidecar_for
from sora_cli.stamp.certificate import C2PA_CLAIM_SIGNING, DOCUMENT_SIGNING, EMAIL_PROTECTION, Signer
from sora_cli.stamp.kinds import MEDIA_TYPES, by_beginning, has_marker, is_bare, media_type
from sora_cli.stamp.reading import STATES, Certificate, CredentialReading, ValidationStatus
from sora_cli.stamp.trust import certificates_in, lapsed_chain

UNKNOWN = "application/octet-stream"

T = TypeVar("T")


class Ingredient(Struct, frozen=True, kw_only=True):
    """What went into a file: `relationship` is componentOf, inputTo or parentOf; actions refer to it by `label`."""

    path: Path
    title: str
    relationship: Literal["componentOf", "inputTo", "parentOf"]
    label: str
    note: str = ""
    """What a reader of the manifest should know of its credential."""
    beside: Path | None = None
    """Its credential, where that lies beside it."""


def kind_of(path: Path) -> str:
    """The media type that c2pa has for a file; empty where there is none."""
    ending = path.suffix.lower()
    if known := MEDIA_TYPES.get(ending):
        return known
    if ending.removeprefix(".") in c2pa.Reader.get_supported_mime_types():  # it takes endings too
        return ending.removeprefix(".")
    return by_beginning(path) if path.is_file() else ""


def can_hold(path: Path) -> bool:
    """Whether files of this kind can be given to c2pa as ingredients or hold a manifest."""
    return kind_of(path) in c2pa.Reader.get_supported_mime_types()


def store_beside(path: Path) -> Path | None:
    """The credential that lies beside a file which holds none of its own, or beside the list of a folder's files.

    Raises:
        OSError: the file cannot be opened.
    """
    beside = sidecar_for(path)
    if beside is None or (can_hold(path) and read(path).state not in {"none", "remote"}):
        return None
    return beside


def settings(anchors: str = "", allowed: bytes = b"") -> dict[str, object]:
    """c2pa's settings: no network, no thumbnails, nothing unhashed; `anchors` are trusted roots as PEM text.

    `allowed` is a signer's certificate (DER) that is trusted by itself. What is signed is copied in memory up to a
    piece's size, else in a file among the temporary ones. c2pa does not read back what it has signed: whoever releases
    it does, and a take's copy is read as an ingredient.
    """
    uses = (EMAIL_PROTECTION, DOCUMENT_SIGNING, C2PA_CLAIM_SIGNING)
    trust: dict[str, object] = {"trust_config": "\n".join(use.dotted_string for use in uses)}
    if allowed:
        listed = ssl.DER_cert_to_PEM_cert(allowed)
        trust = {"anchors": [{**trust, "trust_anchors": anchors, "allowed_list": listed, "trust_kind": "manifest"}]}
    elif anchors:
        trust["user_anchors"] = anchors
    return {
        "version": 1,
        "verify": {"remote_manifest_fetch": False, "ocsp_fetch": False, "verify_after_sign": False},
        "core": {"allowed_network_hosts": [], "backing_store_memory_threshold_in_mb": PIECE >> 20},
        "builder": {"thumbnail": {"enabled": False}, "bmff_hash_exclude_free_and_skip_boxes": False},
        "trust": trust,
    }


def sign(
    source: Path,
    target: Path,
    manifest: Mapping[str, object],
    signer: Signer,
    *,
    ingredients: Iterable[Ingredient] = (),
    kind: str = "",
) -> bytes:
    """Write `source` with the signed manifest to `target`, another path; returns the manifest store's bytes.

    Each ingredient is read before the next is asked for, so that it need not outlive that. `kind` is the media type,
    else told by the source's ending. Where the container cannot hold a manifest, `target` is the source's bytes and
    the manifest is only returned.

    Raises:
        StampError: the file or an ingredient cannot be read or hashed, or the manifest is refused.
        CertificateError: the certificate is refused.
    """
    kind = kind or media_type(source)
    if target.exists() and source.samefile(target):
        raise StampError(f"{source.name} would be signed in place", hint="give another path to write to")

    def work(given: BinaryIO, made: BinaryIO) -> bytes:
        with (
            _context(signer) as context,
            c2pa.Builder(readable(json.dumps(manifest, ensure_ascii=False)), context) as builder,
        ):
            for each in ingredients:
                _add(builder, each, signer.root)
            if kind not in c2pa.Reader.get_supported_mime_types():
                builder.set_no_embed()
            return bytes(builder.sign(kind, given, made))

    return _written(work, source, target, signer)


def _written(work: Callable[[BinaryIO, BinaryIO], bytes], source: Path, target: Path, signer: Signer) -> bytes:
    """Do the work from `source` to `target`, which is removed where it does not become whole."""
    whole = False
    try:
        with (
            source.open("rb") as file,
            in_pieces(file) as given,
            atomic.Remembering(target, "w+b") as raw,
            io.BufferedRandom(raw) as made,
        ):
            try:
                store = _apart(work, given, made)
            except c2pa.C2paError as error:
                raise raw.refused or _refused(error, source, signer) from None
        whole = True
    except OSError as error:
        hint = "make room, or name another folder, and run the same command again: what was made is kept"
        raise StampError(f"cannot write to {target.parent}: {error.strerror or error}", hint=hint) from error
    finally:
        if not whole:
            target.unlink(missing_ok=True)
    return store


def _refused(error: c2pa.C2paError, source: Path, signer: Signer) -> SoraError:
    """c2pa's error on signing, as one for a person."""
    if signer.time_authority and any(word in str(error).lower() for word in ("time", "http", "network")):
        return StampError(
            f"{source.name} cannot be time-stamped by {signer.time_authority}: {_brief(error)}",
            hint="try again later, or leave the time stamp out",
        )
    if isinstance(error, c2pa.C2paError.Io) and "os error" in str(error):  # source and target are streams of ours
        aside, reason = os.environ.get("TMPDIR") or tempfile.gettempdir(), _brief(error).removeprefix("Io: ")
        hint = "make room there, or name another folder in TMPDIR, and run it again: what was made is kept"
        return StampError(f"{source.name} cannot be signed by way of {aside}: {reason.partition(' (')[0]}", hint=hint)
    if isinstance(error, c2pa.C2paError.Signature):
        return CertificateError(f"the certificate from {signer.source} is refused: {_brief(error)}")
    return StampError(f"{source.name} cannot be signed: {_brief(error)}")


def read(path: Path, *, anchors: str = "", sidecar: Path | None = None, kind: str = "") -> CredentialReading:
    """Read and validate the credential of a file, against trusted roots `anchors` (PEM text).

    `sidecar` is the manifest of a file that cannot hold its own. `kind` is the media type, else told by the ending.

    Raises:
        OSError: the file cannot be opened.
    """
    kind = kind or kind_of(path)
    open_regular(path).close()
    if not kind and sidecar is not None:
        kind = UNKNOWN  # what is beside it hashes its bytes, whatever they are
    if not kind:
        ending = f"files ending in {path.suffix} are not known" if path.suffix else "what it is was not found out"
        return CredentialReading(state="unsupported", detail=ending)
    store = read_bytes(sidecar) if sidecar is not None else None

    def look(file: BinaryIO, chosen: Mapping[str, object]) -> CredentialReading:
        file.seek(0)
        with (
            c2pa.Context.from_dict(chosen) as context,
            c2pa.Reader(kind, file, manifest_data=store, context=context) as reader,
        ):
            return _reading(reader)

    def work(file: BinaryIO) -> CredentialReading:
        reading = look(file, settings(anchors))
        if chain := lapsed_chain(reading, anchors):  # which of them the signature is by, c2pa alone knows
            signed_so = "signingCredential.trusted" in look(file, settings(anchors, allowed=chain[0].der)).successes
            return replace(reading, once=chain) if signed_so else reading
        return reading

    with open_regular(path) as file:
        try:
            return _apart(work, file)
        except c2pa.C2paError as error:
            return _given_up(error, path, sidecar)
        except (KeyError, ValueError) as error:  # c2pa's wrapper on a malformed store
            return CredentialReading(state="broken", detail=f"malformed credential: {error}")


def _given_up(error: c2pa.C2paError, path: Path, sidecar: Path | None) -> CredentialReading:
    """Why c2pa gave up on a file, or on the credential beside it, which is read where the file itself was well."""
    if isinstance(error, c2pa.C2paError.ManifestNotFound) or (_NO_BOX in str(error) and is_bare(path)):
        return CredentialReading(state="none", detail="no credential in the file")
    if isinstance(error, c2pa.C2paError.NotSupported):
        return CredentialReading(state="unsupported", detail=_brief(error))
    if "Remote" in str(error):
        place = "".join(each for each in str(error).rpartition(" url ")[2][:200] if each.isprintable())
        told = f"its credential lies on the network, which is not used: save it beside the file as {path.name}.c2pa"
        return CredentialReading(state="remote", detail=f"{told} ({place})")
    if sidecar is not None and path.stat().st_size:
        return CredentialReading(state="broken", detail=f"{sidecar.name}: {_damage(error, sidecar.stat().st_size)}")
    return CredentialReading(
        state="broken" if has_marker(path) else "unreadable", detail=_damage(error, path.stat().st_size)
    )


_NO_BOX = "Box size extends beyond"
"""What c2pa says where it takes for a box what cameras and tools write behind a film."""


def _damage(error: c2pa.C2paError, size: int) -> str:
    """What is wrong with a file of `size` bytes that c2pa gave up on, in words."""
    if not size:
        return "the file is empty"
    if "failed to fill whole buffer" in str(error):
        return "it ends before it should"
    said = _brief(error).partition(", found ")[0]  # what was found are the file's own bytes
    return "".join(letter for letter in said if letter.isprintable())


def _apart(work: Callable[..., T], *files: BinaryIO) -> T:
    """Do the work on the files in a thread of its own and wait for it.

    c2pa reads and writes through callbacks, in which Python would lose an interrupt. In a thread none arrives; the one
    that waits hears it, and shuts the files, which brings the work to its end. Who is no main thread hears none.
    """
    if threading.current_thread() is not threading.main_thread():
        return work(*files)
    with ThreadPoolExecutor(1, thread_name_prefix="stamp") as pool:
        done = pool.submit(work, *files)
        try:
            return done.result()
        finally:
            for file in files:
                file.close()


def _add(builder: c2pa.Builder, ingredient: Ingredient, roots: str) -> None:
    """Put an ingredient in, with the credential that it has; one of a kind that c2pa cannot look into, without."""
    facts: dict[str, object] = {
        "title": readable(ingredient.title),
        "relationship": ingredient.relationship,
        "label": ingredient.label,
        **({"description": ingredient.note} if ingredient.note else {}),
    }
    kind = kind_of(ingredient.path) or UNKNOWN
    with open_regular(ingredient.path) as file:
        if ingredient.beside is not None:
            facts |= _brought(builder, ingredient, file, kind, roots)
            kind = UNKNOWN if kind in c2pa.Reader.get_supported_mime_types() else kind  # it would look inside alone
        try:
            builder.add_ingredient(facts, kind, file)
        except c2pa.C2paError:
            if ingredient.relationship != "inputTo" and kind.startswith("video/") and not ingredient.note:
                raise
            file.seek(0)  # a picture whose name has the wrong ending, or a make that c2pa cannot look into
            builder.add_ingredient(facts, UNKNOWN, file)


def _brought(builder: c2pa.Builder, ingredient: Ingredient, file: BinaryIO, kind: str, roots: str) -> dict[str, object]:
    """What is told of an ingredient whose credential lies beside it, where c2pa does not look."""
    store = read_bytes(ingredient.beside) if ingredient.beside else b""
    with (
        c2pa.Context.from_dict(settings(roots)) as context,
        c2pa.Reader(kind, file, manifest_data=store, context=context) as reader,
    ):
        active, results = json.loads(reader.json())["active_manifest"], reader.get_validation_results()
    file.seek(0)
    name = f"{ingredient.label}.c2pa"
    builder.add_resource(name, io.BytesIO(store))
    place = {"format": "application/c2pa", "identifier": name}
    return {"active_manifest": active, "manifest_data": place, "validation_results": results}


def _context(signer: Signer) -> c2pa.Context:
    """A c2pa context that signs; it takes the c2pa signer over."""
    algorithm = c2pa.C2paSigningAlg[signer.algorithm]
    authority = signer.time_authority.encode() or None
    info = c2pa.C2paSignerInfo(algorithm, signer.chain.encode(), signer.key.encode(), authority)
    # Trusting the signer's own root lets ingredients that it signed count as trusted when they are recorded.
    return c2pa.Context.from_dict(settings(signer.root), c2pa.Signer.from_info(info))


def _brief(error: Exception) -> str:
    """c2pa's message on one line, without its class name."""
    return " ".join(str(error).split()).removeprefix("Other: ")


def _reading(reader: c2pa.Reader) -> CredentialReading:
    report = json.loads(reader.json())
    active = report.get("active_manifest", "")
    results = report.get("validation_results", {})
    judged = results.get("activeManifest", {})
    changes: dict[str, tuple[ValidationStatus, ...]] = {}
    for delta in results.get("ingredientDeltas") or ():
        label = str(delta["ingredientAssertionURI"]).removeprefix("self#jumbf=/c2pa/")
        changes[label] = findings(delta["validationDeltas"].get("failure"))
    state = STATES.get(report.get("validation_state", ""))
    signature = report.get("manifests", {}).get(active, {}).get("signature_info", {})
    stamped = any(each.code == "timeStamp.trusted" for each in findings(judged.get("success")))
    if state is None or not active:
        return CredentialReading(state="broken", detail="the credential has no active manifest")
    came = certificates_in(_store(reader, active))
    return CredentialReading(
        state=state,
        active=active,
        manifests=report.get("manifests", {}),
        failures=(*findings(judged.get("failure")), *_of_time(findings(judged.get("informational")))),
        successes=frozenset(each.code for each in findings(judged.get("success"))),
        changes=changes,
        certificates=_certificates(reader, came),
        came=came,
        time_stamp=str(signature.get("time", "")) if stamped else "",
    )


def _of_time(found: Iterable[ValidationStatus]) -> Iterator[ValidationStatus]:
    """What does not hold of a time stamp, which c2pa calls information."""
    return (each for each in found if each.code.startswith("timeStamp.") and each.code not in _HOLDS)


_HOLDS = {"timeStamp.validated", "timeStamp.trusted"}


def findings(raw: Iterable[Mapping[str, object]] | None) -> tuple[ValidationStatus, ...]:
    """c2pa's status list as values."""
    return tuple(ValidationStatus(str(each["code"]), str(each.get("explanation", ""))) for each in raw or ())


def _certificates(reader: c2pa.Reader, came: Iterable[bytes]) -> dict[str, Certificate]:
    """Each manifest's signing certificate, by the manifest's label; `came` are those that lie in the manifest store."""
    der: dict[int, bytes] = {}
    for each in came:
        der.setdefault(x509.load_der_x509_certificate(each).serial_number, each)
    found = {}
    for manifest in json.loads(reader.crjson(), object_hook=_signed).get("manifests", ()):
        facts = manifest.get("signature", {}).get("certificateInfo", {})
        serial = int(facts.get("serialNumber") or "0", 16)
        found[manifest["label"]] = Certificate(
            subject=_one_name(facts.get("subject", {})),
            issuer=_one_name(facts.get("issuer", {})),
            serial=serial,
            starts=str(facts.get("validity", {}).get("notBefore", "")),
            ends=str(facts.get("validity", {}).get("notAfter", "")),
            der=der.get(serial, b""),
        )
    return found


def _signed(told: dict[str, T]) -> dict[str, T]:
    """What c2pa tells of a manifest, without what is long and says nothing of its signer."""
    return {name: value for name, value in told.items() if name not in {"assertions", "validationResults"}}


def _one_name(parts: Mapping[str, str]) -> str:
    return parts.get("CN") or parts.get("O") or ""


def _store(reader: c2pa.Reader, active: str) -> bytes:
    """The manifest store, in which the certificates lie that c2pa does not hand out."""
    store = io.BytesIO()
    try:
        reader.resource_to_stream(active, store)
    except c2pa.C2paError:
        return b""
    return store.getvalue()
