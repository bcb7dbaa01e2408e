"""Reading the statements of a manifest: actions, places, parameters, author, training preference.

Whoever signed a file wrote what stands in it, so nothing here trusts its shape: what is not of the expected kind is
taken as not there.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping

from sora_cli.errors import counted
from sora_cli.stamp.claims import MODERATION, RECIPE
from sora_cli.stamp.reading import ValidationStatus

Manifest = Mapping[str, object]
"""A manifest as c2pa's JSON tells it."""


def mapping(value: object) -> Mapping[str, object]:
    """The value where it is a mapping, else an empty one."""
    return value if isinstance(value, Mapping) else {}


def sequence(value: object) -> list[object] | tuple[object, ...]:
    """The value where it is a list, else an empty one."""
    return value if isinstance(value, list | tuple) else ()


def _first(value: object) -> Mapping[str, object]:
    """The first mapping of a list, else an empty one."""
    return mapping(next(iter(sequence(value)), None))


def text(value: object) -> str:
    """The value as text on one line, without control characters; empty where it is no text."""
    return (
        " ".join("".join(each if each.isprintable() else " " for each in value).split())
        if isinstance(value, str)
        else ""
    )


def quoted(value: str) -> str:
    """Put a name in quotes that it cannot close, cropped, for a message."""
    name = text(value).replace('"', "'")
    return f'"{name[:80]}{"..." if len(name) > 80 else ""}"'


def ingredients(manifest: Manifest) -> Iterator[Mapping[str, object]]:
    """List the ingredients, as c2pa gives them."""
    yield from (mapping(each) for each in sequence(manifest.get("ingredients")))


def recorded(ingredient: Mapping[str, object]) -> tuple[ValidationStatus, ...]:
    """List what was wrong with an ingredient when it was added."""
    results = mapping(mapping(ingredient.get("validation_results")).get("activeManifest"))
    failures = (mapping(each) for each in sequence(results.get("failure")))
    return tuple(ValidationStatus(text(each.get("code")), text(each.get("explanation"))) for each in failures)


def actions(manifest: Manifest) -> list[Mapping[str, object]]:
    """List all actions, in order."""
    found = (data.get("actions") for data in _assertions(manifest, "c2pa.actions"))
    return [mapping(action) for each in found for action in sequence(each)]


def creation(manifest: Manifest) -> Mapping[str, object]:
    """The `c2pa.created` action; of a film that was opened, what was made anew in it; empty where there is neither."""
    found = [each for each in actions(manifest) if each.get("action") in {"c2pa.created", "c2pa.edited"}]
    return min(found, key=lambda each: each.get("action") != "c2pa.created", default={})


def places(manifest: Manifest) -> dict[str, list[tuple[float, float]]]:
    """Read the places of each ingredient, by its label: start and end in seconds. Music may be heard in several."""
    found = defaultdict[str, list[tuple[float, float]]](list)
    for action in actions(manifest):
        if action.get("action") != "c2pa.placed":
            continue
        try:
            time = mapping(_first(_first(action.get("changes")).get("region")).get("time"))
            span = (float(str(time["start"])), float(str(time["end"])))
        except (KeyError, ValueError):
            continue
        for each in sequence(mapping(action.get("parameters")).get("ingredients")):
            found[text(mapping(each).get("url")).rpartition("/")[2]].append(span)
    return found


def parameters(action: Mapping[str, object]) -> dict[str, object]:
    """Our own parameters of an action, without their prefix."""
    given = mapping(action.get("parameters")).items()
    return {key.removeprefix("com.sora."): value for key, value in given if key.startswith("com.sora.")}


def source_type(action: Mapping[str, object]) -> str:
    """The last word of an action's IPTC digital source type."""
    return text(action.get("digitalSourceType")).rpartition("/")[2]


def generator(manifest: Manifest) -> str:
    """Name and version of the program that made the claim."""
    for each in sequence(manifest.get("claim_generator_info")):
        facts = mapping(each)
        return f"{text(facts.get('name'))} {text(facts.get('version'))}".strip()
    return text(manifest.get("claim_generator"))


def author(manifest: Manifest) -> str:
    """Read the name of the creator."""
    for data in _assertions(manifest, "cawg.metadata"):
        creators = data.get("dc:creator")
        return text(creators) or ", ".join(text(each) for each in sequence(creators))
    return ""


def recipe(manifest: Manifest) -> Mapping[str, object]:
    """Read the recipe that makes the film again, as its signer wrote it; empty where there is none."""
    return next((mapping(data) for data in _assertions(manifest, RECIPE)), {})


def moderation(manifest: Manifest) -> str:
    """What policy the film was held to and what was checked, in one line; nothing where it does not say."""
    checks = next((mapping(data) for data in _assertions(manifest, MODERATION)), {})
    if not checks:
        return ""
    frames, words = mapping(checks.get("frames")), mapping(checks.get("words"))
    texts, looked_at, made = (
        _count(each) for each in (words.get("looked_at"), frames.get("looked_at"), frames.get("made"))
    )
    unable = "; ".join(text(each) for each in sequence(checks.get("could_not_check")))
    checked = f"policy {quoted(text(checks.get('policy')))}, checked: {texts} texts, {looked_at} of {made} frames"
    if files := _count(mapping(checks.get("inputs")).get("files")):
        checked += f", {counted(files, 'file')} that went in"
    if agreed := len(sequence(checks.get("consents"))):
        checked += f"; {counted(agreed, 'consent')}"
    return f"{checked}; could not check: {unable}" if unable else checked


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def training(manifest: Manifest) -> str:
    """`allowed`, `notAllowed`, `constrained`, or nothing where the file does not say."""
    for data in _assertions(manifest, "cawg.training-mining"):
        return text(mapping(mapping(data.get("entries")).get("cawg.ai_generative_training")).get("use"))
    return ""


def _assertions(manifest: Manifest, beginning: str) -> Iterator[Mapping[str, object]]:
    for each in sequence(manifest.get("assertions")):
        if text(mapping(each).get("label")).startswith(beginning):
            yield mapping(mapping(each).get("data"))
