"""What a file's credential proves, in one plain sentence and as a tree of what went into it.

A film is proven when its credential is whole, fits the bytes of the file, comes from a signer whom this reader trusts,
whose certificate neither ended nor is on a list of revoked ones, and when the same holds for every ingredient that has
a credential. c2pa itself calls a film trusted whose ingredients were tampered with before it was signed; the walk over
the ingredients here is what catches that.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Literal

from msgspec import Struct, field
from msgspec.structs import replace

from sora_cli.errors import RequestError, hint_missing
from sora_cli.media.sums import SUMS, changes
from sora_cli.plain import as_data
from sora_cli.stamp import credential, statements
from sora_cli.stamp.beside import sidecar_for
from sora_cli.stamp.identity import local_root
from sora_cli.stamp.kinds import is_store
from sora_cli.stamp.meaning import ended_above, meaning, weight
from sora_cli.stamp.reading import Certificate, CredentialReading, ValidationStatus
from sora_cli.stamp.saying import ALONE, NOT_PROVEN, Facts, Trust, say
from sora_cli.stamp.trust import is_banned, read_anchor, read_revoked

REVOKED = ValidationStatus("signingCredential.revoked")
"""Our own code for a certificate on the reader's list."""

CHANGED = ValidationStatus("assertion.dataHash.mismatch")
"""A folder's files are not those whose hashes were signed: the code of a file whose bytes are not."""

MOST_PARTS = 20_000
DEEPEST = 32
"""How many ingredients, and how many one inside the other, are looked at: a hostile file could have no end of them."""

WORTHLESS = frozenset({"damage", "revoked", "unread"})
"""Weights of failures after which nothing is proven."""

DOUBTS = frozenset({"lapsed", "remark"})
"""Weights of failures of a file that was not changed."""

SINCE_THEN = frozenset({"signingCredential.expired", "claimSignature.outsideValidity"})
"""What an ingredient's signature may become after it was found good and put in: the film's own signature vouches."""

OF_THE_FILE = ("assertion.bmffHash", "assertion.dataHash", "assertion.boxesHash")
"""How the codes of failures begin that compare a file with what was signed."""


class IngredientVerdict(Struct, frozen=True, kw_only=True):
    """One ingredient: a shot's clip, a picture that went into it, a sound file, or the film that it was before.

    `state`: `whole`, `failed`, `unsigned` where it has no credential of its own, or `unread` where that could not be
    checked. `notes` say what of its signer does not count, `problems` what was changed. `start` and `end` are its
    place in the film in seconds, the first of them, `again` the others. `parameters` are those of its making, without
    their prefix.
    """

    name: str
    relationship: str
    state: Literal["whole", "failed", "unsigned", "unread"]
    signer: str = ""
    start: float | None = None
    end: float | None = None
    again: tuple[tuple[float, float], ...] = ()
    problems: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    source: str = ""
    """IPTC digital source type, its last word."""
    parts: tuple[IngredientVerdict, ...] = ()


class Verdict(Struct, frozen=True, kw_only=True):
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
    time_stamp: str = ""
    """When a trusted time stamping authority saw the signature."""
    generator: str = ""
    title: str = ""
    author: str = ""
    created: str = ""
    source: str = ""
    training: str = ""
    moderation: str = ""
    """What policy it was held to and what was checked, in one line, as its signer wrote it."""
    actions: tuple[str, ...] = ()
    parameters: Mapping[str, object] = field(default_factory=dict)
    problems: tuple[str, ...] = ()
    """What was changed, or what else makes it worth nothing."""
    notes: tuple[str, ...] = ()
    """What does not count though the file is as it was signed: a certificate that has ended, say."""
    codes: tuple[str, ...] = ()
    parts: tuple[IngredientVerdict, ...] = ()
    recipe: Mapping[str, object] = field(default_factory=dict)
    """What makes the film again (see `sora_cli.record.recipe`), where it says so."""

    @property
    def tampered(self) -> bool:
        """Whether the file, its credential or a part of it was changed since it was signed."""
        return self.of_parts or self._changed

    @property
    def of_parts(self) -> bool:
        """Whether the file is as it was signed, but a part of it was not then."""
        return not self._changed and any(part.state == "failed" for part in walk(self.parts))

    @property
    def _changed(self) -> bool:
        return self.state == "broken" or any(weight(code) == "damage" for code in self.codes)

    def as_dict(self) -> dict[str, object]:
        """The verdict as plain data for JSON, without the recipe, which may be long."""
        return {name: value for name, value in as_data(self).items() if name != "recipe"}


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
    """Read a file's credential, embedded or beside it, and judge it.

    Of a folder, as `--deliver frames` writes it, the list of its files' hashes is what is signed; all are compared.

    The local identity is trusted; so are `anchors`, PEM files of roots (or `anchors_pem`, their text). `revoked` are
    lists of certificates that no longer count (see `read_revoked`). With `any_signer` a whole file by an unknown
    signer passes. `kind` is the media type, else told by the file's ending; `name` is what the sentence calls it.

    Raises:
        RequestError: there is no such file, or a list cannot be understood.
        CertificateError: an anchor file cannot be read or is not PEM.
    """
    name = name or path.name
    own, root = local_root() or (b"", "")
    given = "".join([*(read_anchor(each) for each in anchors), anchors_pem])
    beside, signed = sidecar_for(path), path / SUMS if path.is_dir() else path
    banned = read_revoked(revoked)
    try:
        roots, media = root + given, "text/plain" if path.is_dir() else kind
        used = credential.store_beside(path)
        reading = credential.read(signed, anchors=roots, sidecar=used, kind=media)
        changed = changes(path) if path.is_dir() else []
    except OSError as error:
        hint = "name a film, or a folder of frames as sora writes it" if path.is_dir() else hint_missing(path)
        if beside is not None and error.filename == str(beside):
            signed, hint = beside, f"move {beside} away, if you know what it is"
        raise RequestError(f"cannot read {signed}: {error.strerror}", hint=hint) from None
    if reading.state in NOT_PROVEN:
        sentence = NOT_PROVEN["beside" if used and reading.state == "broken" else reading.state].format(name=name)
        return Verdict(file=name, ok=False, sentence=sentence, state=reading.state, problems=(reading.detail,))
    if is_store(media or signed.suffix):
        return _judge_alone(reading, name, own, banned)
    return _judge(reading, name, own, banned, changed, any_signer=any_signer)


def _judge_alone(reading: CredentialReading, name: str, own: bytes, banned: frozenset[str]) -> Verdict:
    """Judge a credential that is neither in its file nor beside it: of the file nothing is known."""
    rest = tuple(each for each in reading.failures if not each.code.startswith(OF_THE_FILE))
    found = _judge(replace(reading, failures=rest), name, own, banned, any_signer=False)
    state = "trusted" if _vouched(reading) else "valid"
    return replace(found, ok=False, state=state, sentence=ALONE.format(name=name)) if found.whole else found


# --- judging ------------------------------------------------------------------------------------------------------


def _judge(
    reading: CredentialReading,
    name: str,
    own: bytes,
    banned: frozenset[str],
    changed: Sequence[str] = (),
    *,
    any_signer: bool,
) -> Verdict:
    manifest = statements.mapping(reading.manifests.get(reading.active))
    certificate = reading.certificates.get(reading.active, Certificate())
    parts = tuple(_Tree(reading, banned).parts(reading.active, frozenset({reading.active})))
    harm = [each for each in reading.failures if weight(each.code) in WORTHLESS]
    soft = [each for each in reading.failures if weight(each.code) in DOUBTS]
    notes = tuple(dict.fromkeys((*(meaning(each.code, certificate) for each in soft), *ended_above(reading))))
    if is_banned(certificate, banned):
        harm.append(REVOKED)
    harm += [CHANGED] * bool(changed)
    broken = [f"{part.name}: {problem}" for part in walk(parts) if part.state == "failed" for problem in part.problems]
    whole = not harm and not broken
    lapsed = bool(reading.once) or any(weight(each.code) == "lapsed" for each in soft)
    trust = _trust(reading, certificate, own)
    facts = _facts(reading, manifest, certificate)
    return Verdict(
        file=name,
        ok=whole and not lapsed and (any_signer or _vouched(reading)),
        sentence=say(name, facts, trust, harm=harm, broken=broken, lapsed=notes if lapsed else ()),
        state=reading.state,
        whole=whole,
        trust=trust,
        self_made=trust == "this installation",
        problems=(*dict.fromkeys(meaning(each.code) for each in harm), *changed, *broken),
        notes=notes,
        codes=(*(each.code for each in reading.failures), *([CHANGED.code] if changed else ())),
        parts=parts,
        recipe=statements.recipe(manifest),
        **facts,
    )


def _facts(reading: CredentialReading, manifest: Mapping[str, object], certificate: Certificate) -> Facts:
    """What a verdict tells of a film and of its signer, proven or not."""
    created = statements.creation(manifest)
    return {
        "signer": statements.text(certificate.subject),
        "issuer": statements.text(certificate.issuer),
        "serial": f"{certificate.serial:x}",
        "certificate_ends": certificate.ends[:10],
        "time_stamp": reading.time_stamp,
        "generator": statements.generator(manifest),
        "title": statements.text(manifest.get("title")),
        "author": statements.author(manifest),
        "created": statements.text(created.get("when")),
        "source": statements.source_type(created),
        "training": statements.training(manifest),
        "moderation": statements.moderation(manifest),
        "actions": tuple(statements.text(each.get("action")) for each in statements.actions(manifest)),
        "parameters": statements.parameters(created),
    }


def _trust(reading: CredentialReading, certificate: Certificate, own: bytes) -> Trust:
    doubted = any(weight(each.code) == "trust" for each in reading.failures)
    if (doubted and not reading.once) or (
        reading.state == "valid" and not _vouched(reading)
    ):  # an unknown identity makes it no more than valid
        return "unknown"
    if own and certificate.der == own:
        return "this installation"
    return "anchor" if _vouched(reading) else "unknown"


def _vouched(reading: CredentialReading) -> bool:
    """Whether a trusted root vouches for the signer, or did, whatever else c2pa found."""
    return reading.state == "trusted" or "signingCredential.trusted" in reading.successes or bool(reading.once)


class _Tree:
    """The ingredients of a manifest, theirs, and so on, each judged for itself."""

    def __init__(self, reading: CredentialReading, banned: frozenset[str]) -> None:
        self._reading = reading
        self._banned = banned
        self._left = MOST_PARTS

    def parts(self, label: str, above: frozenset[str]) -> Iterator[IngredientVerdict]:
        """The ingredients of manifest `label`; `above` are the manifests that it is inside of, itself included."""
        manifest = statements.mapping(self._reading.manifests.get(label))
        places = statements.places(manifest)
        for each in statements.ingredients(manifest):
            self._left -= 1
            if self._left < 0:
                yield IngredientVerdict(
                    name="...", relationship="", state="failed", problems=("it has too many parts to check",)
                )
                return
            key = statements.text(each.get("label"))
            changes = self._reading.changes.get(f"{label}/c2pa.assertions/{key}", ())
            yield self._part(each, changes, places.get(key, ()), above)

    def _part(
        self,
        ingredient: Mapping[str, object],
        changes: tuple[ValidationStatus, ...],
        places: Sequence[tuple[float, float]],
        above: frozenset[str],
    ) -> IngredientVerdict:
        own = statements.text(ingredient.get("active_manifest"))
        lasting = [each for each in changes if each.code not in SINCE_THEN]
        found = [*statements.recorded(ingredient), *lasting]
        harm = [each for each in found if weight(each.code) == "damage"]
        soft = [each for each in found if weight(each.code) not in {"damage", "trust"}]
        unread = any(weight(each.code) == "unread" for each in soft)
        certificate = self._reading.certificates.get(own, Certificate())
        inner: tuple[IngredientVerdict, ...] = ()
        if own:
            if is_banned(certificate, self._banned):
                harm.append(REVOKED)
            if own not in self._reading.manifests or own in above or len(above) > DEEPEST:
                harm.append(ValidationStatus("ingredient.manifest.missing"))
            else:
                inner = tuple(self.parts(own, above | {own}))
        created = statements.creation(statements.mapping(self._reading.manifests.get(own)))
        return IngredientVerdict(
            name=statements.text(ingredient.get("title")) or "a file without a name",
            relationship=statements.text(ingredient.get("relationship")),
            state="failed" if harm else "unread" if unread else "whole" if own else "unsigned",
            signer=statements.text(certificate.subject),
            start=places[0][0] if places else None,
            end=places[0][1] if places else None,
            again=tuple(places[1:]),
            problems=tuple(dict.fromkeys(meaning(each.code) for each in harm)),
            notes=tuple(dict.fromkeys(meaning(each.code, certificate) for each in soft)),
            parameters=statements.parameters(created),
            source=statements.source_type(created),
            parts=inner,
        )


def walk(parts: Sequence[IngredientVerdict]) -> Iterator[IngredientVerdict]:
    """Walk through all parts and their parts, outermost first."""
    for part in parts:
        yield part
        yield from walk(part.parts)
