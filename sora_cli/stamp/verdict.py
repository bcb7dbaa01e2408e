"""What a file's credential proves, in one plain sentence and as a tree of what went into it.

A film is proven when its credential is whole, fits the bytes of the file, comes from a signer whom this reader trusts,
whose certificate neither ended nor is on a list of revoked ones, and when the same holds for every ingredient that has
a credential. c2pa itself calls a film trusted whose ingredients were tampered with before it was signed; the walk over
the ingredients here is what catches that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

from cryptography import x509
from cryptography.hazmat.primitives import hashes

from sora_cli.errors import CertificateError, RequestError
from sora_cli.stamp import credential
from sora_cli.stamp.credential import Certificate, Finding, Reading
from sora_cli.stamp.identity import local_root

Trust = Literal["this installation", "anchor", "unknown"]

HARMLESS = frozenset({"signingCredential.untrusted"})
"""Codes that tell of trust, which is judged here by the signer, not of damage."""

NOT_PROVEN: Mapping[str, str] = {
    "none": "{name} carries no credential: nothing is proven about where it comes from.",
    "unsupported": "{name} cannot carry a credential, and none lies beside it: nothing is proven about it.",
    "unreadable": "{name} is damaged or is not what its name says: nothing is proven about it.",
}

DAMAGE: tuple[tuple[str, str], ...] = (
    ("assertion.bmffHash", "its pictures, sound or container are not those that were signed"),
    ("assertion.dataHash", "its pictures, sound or container are not those that were signed"),
    ("assertion.boxesHash", "its pictures, sound or container are not those that were signed"),
    ("signingCredential.expired", "its signer's certificate has ended"),
    ("signingCredential.ocsp.revoked", "its signer's certificate was revoked"),
    ("signingCredential.revoked", "its signer's certificate is on the list of revoked ones"),
    ("claimSignature", "its credential was altered after it was signed"),
    ("assertion.hashedURI", "a statement in its credential was altered"),
    ("assertion", "a statement in its credential does not hold"),
    ("claim", "its credential is malformed"),
    ("ingredient", "the record of what went into it does not hold"),
    ("manifest", "its credential is malformed"),
)
"""The beginning of a C2PA status code -> what it means, first match wins."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """One ingredient: a shot's clip, a picture that went into it, a sound file, or the film that it was before.

    `state`: `whole`, `failed`, or `unsigned` where it has no credential of its own. `start` and `end` are its place
    in the film in seconds. `parameters` are those of its making, without their prefix.
    """

    name: str
    relationship: str
    state: Literal["whole", "failed", "unsigned"]
    signer: str = ""
    start: float | None = None
    end: float | None = None
    problems: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    source: str = ""
    """IPTC digital source type, its last word."""
    parts: tuple[Part, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What is proven about a file. `sentence` says all of it in one; the rest is for who wants more.

    `whole`: the credential fits the file and nothing was changed since. `trust`: who vouches for the signer. `ok`:
    whole, by a trusted signer, ingredients included.
    """

    file: str
    ok: bool
    sentence: str
    state: str
    whole: bool = False
    trust: Trust = "unknown"
    self_made: bool = False
    signer: str = ""
    issuer: str = ""
    serial: str = ""
    certificate_ends: str = ""
    generator: str = ""
    title: str = ""
    author: str = ""
    created: str = ""
    source: str = ""
    training: str = ""
    actions: tuple[str, ...] = ()
    parameters: Mapping[str, Any] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    codes: tuple[str, ...] = ()
    parts: tuple[Part, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        """The verdict as plain data for JSON."""
        return asdict(self)


def verify(
    path: Path,
    *,
    anchors: Sequence[Path] = (),
    revoked: Sequence[Path] = (),
    any_signer: bool = False,
    anchors_pem: str = "",
    kind: str = "",
    name: str = "",
) -> Verdict:
    """Read a file's credential, embedded or in `FILE.c2pa` beside it, and judge it.

    The local identity is trusted; so are `anchors`, PEM files of roots (or `anchors_pem`, their text). `revoked` are
    lists of certificates that no longer count (see `read_revoked`). With `any_signer` a whole file by an unknown
    signer passes. `kind` is the media type, else told by the file's ending; `name` is what the sentence calls it.

    Raises:
        RequestError: there is no such file, or a list cannot be understood.
        CertificateError: an anchor file cannot be read or is not PEM.
    """
    name = name or path.name
    local = local_root()
    given = "".join([*(_anchor(each) for each in anchors), anchors_pem])
    beside = path.with_name(path.name + ".c2pa")
    banned = read_revoked(revoked)
    try:
        reading = credential.read(
            path,
            anchors=(local[1] if local else "") + given,
            sidecar=beside if beside.is_file() and not credential.can_hold(path) else None,
            kind=kind,
        )
    except OSError as error:
        raise RequestError(f"cannot read {path}: {error.strerror}") from None
    if reading.state in NOT_PROVEN:
        sentence = NOT_PROVEN[reading.state].format(name=name)
        return Verdict(file=name, ok=False, sentence=sentence, state=reading.state, problems=(reading.detail,))
    return _judge(reading, name, local[0] if local else b"", banned, any_signer=any_signer)


def read_revoked(lists: Sequence[Path]) -> frozenset[str]:
    """The certificates of text files, one a line: a serial number (decimal, or hexadecimal with colons or `0x`), or a
    SHA-256 fingerprint (64 hexadecimal digits). `#` begins a remark.

    Raises:
        RequestError: a file cannot be read, or a line is neither.
    """  # noqa: D205  the summary needs two lines
    found = set()
    for path in lists:
        try:
            text = path.read_text(encoding="utf-8")
        except (OSError, ValueError) as error:
            raise RequestError(f"cannot read the list of revoked certificates {path}: {error}") from None
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


def _anchor(path: Path) -> str:
    try:
        text = path.read_bytes()
        x509.load_pem_x509_certificates(text)
    except OSError as error:
        raise CertificateError(f"the trust anchor {path} cannot be read: {error.strerror}") from None
    except ValueError:
        raise CertificateError(f"the trust anchor {path} is not a certificate in PEM form") from None
    return text.decode("ascii", "replace").rstrip() + "\n"


# --- judging ------------------------------------------------------------------------------------------------------


def _judge(reading: Reading, name: str, own: bytes, banned: frozenset[str], *, any_signer: bool) -> Verdict:
    manifest = reading.manifests.get(reading.active, {})
    certificate = reading.certificates.get(reading.active, Certificate())
    actions = _actions(manifest)
    created = next((each for each in actions if each.get("action") == "c2pa.created"), {})
    parts = tuple(_parts(reading, reading.active, banned, frozenset({reading.active})))
    harm = [each for each in reading.failures if each.code not in HARMLESS]
    if _is_banned(certificate, banned):
        harm.append(Finding("signingCredential.revoked"))
    broken = [f"{part.name}: {problem}" for part in _walk(parts) if part.state == "failed" for problem in part.problems]
    whole = not harm and not broken
    trust = _trust(reading, certificate, own)
    ok = whole and (reading.state == "trusted" or any_signer)
    facts = {
        "signer": certificate.subject or manifest.get("signature_info", {}).get("common_name", ""),
        "issuer": certificate.issuer,
        "serial": f"{certificate.serial:x}",
        "certificate_ends": certificate.ends[:10],
        "generator": _generator(manifest),
        "title": manifest.get("title", ""),
        "author": _author(manifest),
        "created": created.get("when", ""),
        "source": _last(created.get("digitalSourceType", "")),
        "training": _training(manifest),
        "actions": tuple(str(each.get("action", "")) for each in actions),
        "parameters": _parameters(created),
    }
    return Verdict(
        file=name,
        ok=ok,
        sentence=_sentence(name, facts, trust, harm, broken),
        state=reading.state,
        whole=whole,
        trust=trust,
        self_made=trust == "this installation",
        problems=(*dict.fromkeys(meaning(each.code) for each in harm), *broken),
        codes=tuple(each.code for each in reading.failures),
        parts=parts,
        **facts,
    )


def _trust(reading: Reading, certificate: Certificate, own: bytes) -> Trust:
    untrusted = any(each.code == "signingCredential.untrusted" for each in reading.failures)
    if reading.state == "valid" or untrusted:
        return "unknown"
    if own and certificate.der == own:
        return "this installation"
    return "anchor" if reading.state == "trusted" else "unknown"


def _sentence(name: str, facts: Mapping[str, Any], trust: Trust, harm: Sequence[Finding], broken: Sequence[str]) -> str:
    """One plain sentence: what was proven, by whom, whether that one is trusted, what was changed."""
    who = {
        "this installation": f'this installation\'s own self-made signer, "{facts["signer"]}"',
        "anchor": f'"{facts["signer"]}", whom a trusted certificate vouches for',
        "unknown": f'an unknown signer who goes by "{facts["signer"]}"',
    }[trust]
    if harm:
        reasons = "; ".join(dict.fromkeys(meaning(each.code) for each in harm))
        claimed = f' It names "{facts["signer"]}" as its signer.' if facts["signer"] else ""
        return f"{name} does not verify: {reasons}.{claimed}"
    if broken:
        return f"{name} is as {who} signed it, but a part of it had been tampered with before: {'; '.join(broken)}."
    made = f"made with {facts['generator'] or 'an unnamed program'}"
    when = f" on {facts['created'][:10]}" if facts["created"] else ""
    whole = f"{name} was {made}{when}, is signed by {who}, and was not changed since"
    if trust == "unknown":
        return f"{name} was not changed since it was signed, but by {who}: anybody could have signed it so."
    return f"{whole}."


def _parts(reading: Reading, label: str, banned: frozenset[str], above: frozenset[str]) -> Iterator[Part]:
    """The ingredients of a manifest, with theirs; `above` guards against manifests that contain themselves."""
    manifest = reading.manifests.get(label, {})
    times = _times(manifest)
    for each in manifest.get("ingredients", ()):
        own = str(each.get("active_manifest", ""))
        key = str(each.get("label", ""))
        uri = f"{label}/c2pa.assertions/{key}"
        then = credential.findings((each.get("validation_results") or {}).get("activeManifest", {}).get("failure"))
        now = reading.changes.get(uri, ())
        harm = [finding for finding in (*then, *now) if finding.code not in HARMLESS]
        certificate = reading.certificates.get(own, Certificate())
        if own and _is_banned(certificate, banned):
            harm.append(Finding("signingCredential.revoked"))
        if own and (own not in reading.manifests or own in above):
            harm.append(Finding("ingredient.manifest.missing"))
        inner = tuple(_parts(reading, own, banned, above | {own})) if own and own not in above else ()
        created = next(
            (a for a in _actions(reading.manifests.get(own, {})) if a.get("action") == "c2pa.created"),
            {},
        )
        start, end = times.get(key, (None, None))
        yield Part(
            name=str(each.get("title", "")),
            relationship=str(each.get("relationship", "")),
            state="failed" if harm else "whole" if own else "unsigned",
            signer=certificate.subject,
            start=start,
            end=end,
            problems=tuple(dict.fromkeys(meaning(finding.code) for finding in harm)),
            parameters=_parameters(created),
            source=_last(created.get("digitalSourceType", "")),
            parts=inner,
        )


def meaning(code: str) -> str:
    """What a C2PA failure code means, in plain words."""
    for beginning, words in DAMAGE:
        if code.startswith(beginning):
            return words
    return f"its credential does not validate ({code})"


def _walk(parts: Sequence[Part]) -> Iterator[Part]:
    for part in parts:
        yield part
        yield from _walk(part.parts)


def _is_banned(certificate: Certificate, banned: frozenset[str]) -> bool:
    if not banned:
        return False
    if str(certificate.serial) in banned:
        return True
    if not certificate.der:
        return False
    return x509.load_der_x509_certificate(certificate.der).fingerprint(hashes.SHA256()).hex() in banned


# --- reading the statements of a manifest -------------------------------------------------------------------------


def _assertions(manifest: Mapping[str, Any], beginning: str) -> Iterator[Mapping[str, Any]]:
    for each in manifest.get("assertions", ()):
        if str(each.get("label", "")).startswith(beginning) and isinstance(each.get("data"), Mapping):
            yield each["data"]


def _actions(manifest: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    return [action for data in _assertions(manifest, "c2pa.actions") for action in data.get("actions", ())]


def _times(manifest: Mapping[str, Any]) -> dict[str, tuple[float | None, float | None]]:
    """Where each ingredient (by its label) was placed, in seconds."""
    found: dict[str, tuple[float | None, float | None]] = {}
    for action in _actions(manifest):
        if action.get("action") != "c2pa.placed":
            continue
        try:
            time = action["changes"][0]["region"][0]["time"]
            span = (float(time["start"]), float(time["end"]))
        except (KeyError, IndexError, TypeError, ValueError):
            continue
        for each in action.get("parameters", {}).get("ingredients", ()):
            found[str(each.get("url", "")).rpartition("/")[2]] = span
    return found


def _parameters(action: Mapping[str, Any]) -> dict[str, Any]:
    given = action.get("parameters") or {}
    return {key.removeprefix("com.sora."): value for key, value in given.items() if key.startswith("com.sora.")}


def _generator(manifest: Mapping[str, Any]) -> str:
    for each in manifest.get("claim_generator_info") or ():
        return f"{each.get('name', '')} {each.get('version', '')}".strip()
    return str(manifest.get("claim_generator", ""))


def _author(manifest: Mapping[str, Any]) -> str:
    for data in _assertions(manifest, "cawg.metadata"):
        creators = data.get("dc:creator", ())
        return ", ".join(str(each) for each in creators) if isinstance(creators, list | tuple) else str(creators)
    return ""


def _training(manifest: Mapping[str, Any]) -> str:
    """`allowed`, `notAllowed`, `constrained`, or nothing where the file does not say."""
    for data in _assertions(manifest, "cawg.training-mining"):
        entry = (data.get("entries") or {}).get("cawg.ai_generative_training") or {}
        return str(entry.get("use", ""))
    return ""


def _last(uri: str) -> str:
    return uri.rpartition("/")[2]
