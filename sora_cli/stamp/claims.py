"""What a film says of itself: the statements of its C2PA manifest, as plain data.

By the C2PA specification 2.2 (section 18, actions), IPTC's digital source types, and CAWG's training-mining and
metadata assertions. Parameters of our own have dotted names (`com.sora.seed`), as the specification asks.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping, Sequence
from fractions import Fraction
from pathlib import Path
from types import MappingProxyType

from msgspec import Struct, field

from sora_cli import __version__
from sora_cli.bounded import file_hash
from sora_cli.record.recipe import bare
from sora_cli.storyboard.model import Provenance

IPTC = "http://cv.iptc.org/newscodes/digitalsourcetype/"
GENERATED = IPTC + "trainedAlgorithmicMedia"
PARTLY_GENERATED = IPTC + "compositeWithTrainedAlgorithmicMedia"
COMPOSITE = IPTC + "composite"
ENHANCED = IPTC + "algorithmicallyEnhanced"
ALGORITHMIC = IPTC + "algorithmicMedia"

SPECIFICATION = "2.4.0"
RECIPE = "com.sora.recipe"
"""Our own assertion: what makes the film again."""
MODERATION = "com.sora.moderation"
"""Our own assertion: what policy the film was held to, and what was checked."""
USES = {"allowed": "allowed", "not-allowed": "notAllowed", "constrained": "constrained"}


class Origin(Struct, frozen=True, kw_only=True):
    """Where a stretch of the film comes from: one take's clip, and what it was made with.

    It plays film frames `start` up to, not including, `end`. `references` are files that anchored its appearance;
    `own_media` are pictures or films of the user's whose pixels it carries on from, which makes it partly the user's
    own. `stills` tells how the stills were made that it begins and ends on. Paths are for reading and hashing; only
    file names are written down.
    """

    name: str
    clip: Path
    key: str
    start: int
    end: int
    engine: str = ""
    revision: str = ""
    prompt: str = ""
    written: str = ""  # by its author, where the prompt is other words that were sent
    avoid: str = ""
    seed: int | None = None
    options: Mapping[str, object] = field(default_factory=dict)
    references: tuple[Path, ...] = ()
    voices: tuple[tuple[str, str], ...] = ()
    """Voices that the model was given to sound like: each by its name and the SHA-256 of what it spoke."""
    own_media: tuple[Path, ...] = ()
    stills: tuple[Mapping[str, object], ...] = ()
    made: dt.datetime | None = None  # else the clip file's own time

    @property
    def given(self) -> tuple[Path, ...]:
        """The user's files that went into it."""
        return *self.references, *self.own_media


class SpokenLine(Struct, frozen=True, kw_only=True):
    """A line that a model spoke: who, what, with which voice, and when, in seconds of the film."""

    who: str
    text: str
    voice: str
    start: float
    end: float


class Making(Struct, frozen=True, kw_only=True):
    """How a film was made, beyond its takes: all that its manifest tells.

    `colour` says in a few words how colour was matched or graded, empty where it was not. `films` are those of others
    that play in it as they are, each with its place in film frames (path, start, end). `sounds` are the user's own
    sound files, each with its place in film frames (path, start, end); `speech` are the lines that a model spoke.
    Sounds that were made from words: `synthesized` by rules, `modelled` by models, each by its name. `seen` are those
    made by rules from what pictures show; `generated_sound` says whether sound made by a model of pictures is in the
    mix. `titles` are the words of title cards. `facts` are further parameters, by name without a prefix. `recipe` is
    what makes it again.
    """

    title: str = ""
    storyboard_sha256: str = ""
    origins: tuple[Origin, ...] = ()
    colour: str = ""
    films: tuple[tuple[Path, int, int], ...] = ()
    sounds: tuple[tuple[Path, int, int], ...] = ()
    speech: tuple[SpokenLine, ...] = ()
    synthesized: tuple[str, ...] = ()
    modelled: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    seen: tuple[str, ...] = ()
    generated_sound: bool = False
    titles: tuple[str, ...] = ()
    facts: Mapping[str, object] = field(default_factory=dict)
    recipe: Mapping[str, object] = field(default_factory=dict)
    parent: Path | None = None
    """The film that was opened and changed; its takes are what was put into it."""
    changed: Mapping[str, object] = field(default_factory=dict)
    """How that film was changed: parameters by name, without a prefix."""
    place: tuple[float, float, float, float] | None = None
    """The part of the picture that was changed: left, top, width and height, 0 to 1; None for all of it."""
    copied: bool = False
    """Whether what was not changed is there as it was encoded."""
    moderation: Mapping[str, object] = field(default_factory=dict)
    """What policy it was held to, and what was checked (`flows.moderation.record`)."""

    @property
    def sound_files(self) -> tuple[Path, ...]:
        """All sound files, each once."""
        return tuple(dict.fromkeys(path for path, _, _ in self.sounds))

    @property
    def film_files(self) -> tuple[Path, ...]:
        """All films of others, each once."""
        return tuple(dict.fromkeys(path for path, _, _ in self.films))

    @property
    def given(self) -> tuple[Path, ...]:
        """The user's files that went into it."""
        parent = (self.parent,) if self.parent is not None else ()
        origins = (path for origin in self.origins for path in origin.given)
        return *parent, *origins, *self.film_files, *self.sound_files


class Edit(Struct, frozen=True, kw_only=True):
    """How a film was made of films that were there already, ours or not: `clips` in order, each with its place.

    `clips` are (path, first film frame, end). One clip alone was opened and changed; several were put together.
    `colour` is as `Making` has it.
    """

    clips: tuple[tuple[Path, int, int], ...] = ()
    colour: str = ""

    @property
    def given(self) -> tuple[Path, ...]:
        """The films that it was made of."""
        return tuple(path for path, _, _ in self.clips)


class FilmFacts(Struct, frozen=True, kw_only=True):
    """What the encoder made: the file's name and media type, its rate and length, whether it carries the mark."""

    name: str
    kind: str
    fps: Fraction
    frames: int
    marked: bool


def take_manifest(origin: Origin, provenance: Provenance, given: Sequence[str]) -> dict[str, object]:
    """The manifest of one take's clip; `given` are the labels of its inputs' ingredients."""
    made = origin.made or dt.datetime.fromtimestamp(origin.clip.stat().st_mtime, dt.UTC)
    parameters = _dotted(
        {
            "key": origin.key,
            "engine": bare(origin.engine),
            "revision": origin.revision,
            "prompt": origin.prompt,
            "written": origin.written,
            "avoid": origin.avoid,
            "seed": origin.seed,
            "options": dict(origin.options),
            "keyframes": [dict(still) for still in origin.stills],
            "inputs": [_named(path) for path in origin.given],
            "voices": [
                {"voice": voice, "sha256": sha256, "digitalSourceType": GENERATED} for voice, sha256 in origin.voices
            ],
        }
    )
    source = PARTLY_GENERATED if origin.own_media else GENERATED
    created = _created(source, made, {**parameters, **({"ingredientIds": list(given)} if given else {})})
    return _manifest(origin.name, "video/mp4", [created], provenance)


def film_manifest(making: Making, provenance: Provenance, film: FilmFacts) -> dict[str, object]:
    """The manifest of the film: what it is, each take's place in it, and what was done to the whole.

    Refers to ingredients by label, which the caller adds: `take-N` for origin N, `film-N` and `sound-N` for file N of
    each kind (from 0).
    """
    own = bool(making.sounds or making.films) or any(origin.own_media for origin in making.origins)
    facts = {
        "title": making.title,
        "storyboard_sha256": making.storyboard_sha256,
        "films": [_named(path) for path in making.film_files],
        "music": [_named(path) for path in making.sound_files],
        **making.facts,
    }
    if making.parent is not None:
        actions = [_opened(), *_changes(making, film.fps, _dotted({**facts, **making.changed}))]
    else:
        now = dt.datetime.now(dt.UTC)
        actions = [_created(PARTLY_GENERATED if own else GENERATED, now, _dotted(facts))]
    for number, origin in enumerate(making.origins):
        actions.append(_placed(f"take-{number}", origin.start, origin.end, film.fps))
    for path, start, end in making.films:
        actions.append(_placed(f"film-{making.film_files.index(path)}", start, end, film.fps))
    for path, start, end in making.sounds:
        actions.append(_placed(f"sound-{making.sound_files.index(path)}", start, end, film.fps))
    if making.colour:
        actions.append(_edit("c2pa.adjustedColor", ENHANCED, making.colour))
    if making.titles:
        actions.append(_edit("c2pa.addedText", ALGORITHMIC, "Title cards", _dotted({"titles": list(making.titles)})))
    if making.sounds or making.generated_sound:
        source = GENERATED if not making.sounds else PARTLY_GENERATED if making.generated_sound else COMPOSITE
        actions.append(_edit("c2pa.mixed", source, "Sound laid under the film"))
    actions += _voiced(making)
    if film.marked:
        actions.append(mark_action(provenance))
    if making.parent is not None:
        actions.append({"action": "c2pa.repackaged" if making.copied else "c2pa.transcoded"})
    ours = {label: data for label, data in ((RECIPE, making.recipe), (MODERATION, making.moderation)) if data}
    return _manifest(film.name, film.kind, actions, provenance, name=making.title, ours=ours)


def _changes(making: Making, fps: Fraction, parameters: Mapping[str, object]) -> Iterator[dict[str, object]]:
    """The change of a film that was opened: when, where in the picture, and how."""
    start = min((origin.start for origin in making.origins), default=0)
    end = max((origin.end for origin in making.origins), default=0)
    regions: list[dict[str, object]] = [_stretch(start, end, fps)]
    if making.place is not None:
        left, top, width, height = (round(100 * side, 3) for side in making.place)
        origin = {"x": left, "y": top}
        shape = {"type": "rectangle", "unit": "percent", "origin": origin, "width": width, "height": height}
        regions.append({"type": "spatial", "shape": shape})
    edited = _edit("c2pa.edited", PARTLY_GENERATED, "A model made a part of it anew", parameters)
    yield {**edited, "changes": [{"region": regions}]}


def _voiced(making: Making) -> Iterator[dict[str, object]]:
    """The actions that tell of synthesized speech and sound."""
    if making.speech:
        lines = [
            {
                "who": line.who,
                "line": line.text,
                "voice": line.voice,
                "start": round(line.start, 3),
                "end": round(line.end, 3),
            }
            for line in making.speech
        ]
        yield _edit("c2pa.mixed", GENERATED, "Speech that a model made", _dotted({"speech": lines}))
    if making.synthesized:
        sounds = {"sounds": list(making.synthesized)}
        yield _edit("c2pa.mixed", ALGORITHMIC, "Sounds made by rules, from words", _dotted(sounds))
    for model, words in making.modelled.items():
        parameters = _dotted({"sounds": list(words), "model": model})
        yield _edit("c2pa.mixed", GENERATED, "Sounds that a model made, from words", parameters)
    if making.seen:
        sounds = {"sounds": list(making.seen)}
        yield _edit("c2pa.mixed", ALGORITHMIC, "Sounds made by rules, from what the pictures show", _dotted(sounds))


def edit_manifest(edit: Edit, provenance: Provenance, film: FilmFacts) -> dict[str, object]:
    """The manifest of a film that was cut from others, or is another with its colours changed.

    Refers to ingredients by label, which the caller adds: `clip-N` for clip N (from 0), `parent` for one clip alone.
    """
    if len(edit.clips) == 1:
        actions: list[dict[str, object]] = [_opened()]
    else:
        actions = [_created(COMPOSITE, dt.datetime.now(dt.UTC), {})]
    for number, (_, start, end) in enumerate(edit.clips if len(edit.clips) > 1 else ()):
        actions.append(_placed(f"clip-{number}", start, end, film.fps))
    if edit.colour:
        actions.append(_edit("c2pa.adjustedColor", ENHANCED, edit.colour))
    if film.marked:
        actions.append(mark_action(provenance))
    return _manifest(film.name, film.kind, [*actions, {"action": "c2pa.transcoded"}], provenance)


def sound_manifest(
    name: str, kind: str, facts: Mapping[str, object], source: str, provenance: Provenance
) -> dict[str, object]:
    """The manifest of a sound file that stands alone: what it is, and what is told of it."""
    created = _created(source, dt.datetime.now(dt.UTC), _dotted(facts))
    return _manifest(name, kind, [created], provenance)


def mark_action(provenance: Provenance) -> dict[str, object]:
    """The action that tells of the visible mark. `c2pa.watermarked` is for marks that nobody sees."""
    mark = provenance.watermark
    words = {"mark": mark.image.name if mark.image is not None else mark.text, "opacity": mark.opacity}
    return _edit("c2pa.addedText", ALGORITHMIC, "Visible moving mark", _dotted(words))


def _manifest(
    title: str,
    kind: str,
    actions: Sequence[Mapping[str, object]],
    provenance: Provenance,
    *,
    name: str = "",
    ours: Mapping[str, Mapping[str, object]] = MappingProxyType({}),
) -> dict[str, object]:
    """A manifest of these actions; `ours` are statements of our own, by their labels."""
    use = {"use": USES[provenance.training]}
    entries = {"cawg.ai_training": use, "cawg.ai_generative_training": use}
    assertions: list[dict[str, object]] = [
        {"label": "c2pa.actions.v2", "created": True, "data": {"allActionsIncluded": True, "actions": list(actions)}},
        {"label": "cawg.training-mining", "created": True, "data": {"entries": entries}},
    ]
    about = {key: value for key, value in (("dc:title", name), ("dc:creator", _list(provenance.author))) if value}
    if about:
        data = {"@context": {"dc": "http://purl.org/dc/elements/1.1/"}, **about}
        assertions.append({"label": "cawg.metadata", "kind": "Json", "data": data})
    assertions += [
        {"label": label, "kind": "Json", "created": True, "data": dict(data)} for label, data in ours.items()
    ]
    generator = {"name": "sora", "version": __version__, "specVersion": SPECIFICATION}
    return {"claim_generator_info": [generator], "title": title, "format": kind, "assertions": assertions}


def _named(path: Path) -> dict[str, str]:
    """A file by its name and its content: a C2PA ingredient without a credential of its own is not hashed."""
    return {"name": path.name, "sha256": file_hash(path)}


def _list(author: str) -> list[str]:
    return [author] if author else []


def _created(source: str, when: dt.datetime, parameters: Mapping[str, object]) -> dict[str, object]:
    action: dict[str, object] = {
        "action": "c2pa.created",
        "when": when.astimezone(dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
        "digitalSourceType": source,
        "softwareAgent": {"name": "sora", "version": __version__},
    }
    return {**action, "parameters": dict(parameters)} if parameters else action


def _placed(label: str, start: int, end: int, fps: Fraction) -> dict[str, object]:
    return {
        "action": "c2pa.placed",
        "parameters": {"ingredientIds": [label]},
        "changes": [{"region": [_stretch(start, end, fps)]}],
    }


def _stretch(start: int, end: int, fps: Fraction) -> dict[str, object]:
    time = {"type": "npt", "start": _seconds(start / fps), "end": _seconds(end / fps)}
    return {"type": "temporal", "time": time}


def _opened() -> dict[str, object]:
    return {"action": "c2pa.opened", "parameters": {"ingredientIds": ["parent"]}}


def _edit(
    action: str, source: str, description: str, parameters: Mapping[str, object] | None = None
) -> dict[str, object]:
    edit: dict[str, object] = {"action": action, "digitalSourceType": source, "description": description}
    return {**edit, "parameters": dict(parameters)} if parameters else edit


def _seconds(value: Fraction) -> str:
    """Seconds as normal play time (RFC 2326), to the microsecond: `2.5`."""
    return f"{float(value):.6f}".rstrip("0").rstrip(".")


def _dotted(facts: Mapping[str, object]) -> dict[str, object]:
    """Parameters under our own prefix, without the empty ones."""
    return {f"com.sora.{name}": _plain(value) for name, value in facts.items() if value not in (None, "", [], {}, ())}


def _plain(value: object) -> object:
    """A value as JSON and CBOR can hold it: paths by their file name, fractions and very large numbers as text."""
    if isinstance(value, Mapping) and {"path", "sha256"} <= value.keys():  # a file: nobody needs to know its folder
        value = {**value, "path": Path(str(value["path"])).name}
    if isinstance(value, Mapping):
        return {str(key): _plain(each) for key, each in value.items() if each is not None}
    if isinstance(value, list | tuple | set | frozenset):
        return [_plain(each) for each in value if each is not None]
    if isinstance(value, Path):
        return value.name
    if isinstance(value, bool | float | str):
        return value
    if isinstance(value, int):
        return value if abs(value) < 1 << 63 else str(value)
    return str(value)
