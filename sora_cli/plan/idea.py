"""A storyboard of an idea, by rules: its sentences are shots, what is done in them are beats. Nothing is made up.

A sentence that names another hour, or says that time has passed, begins a scene. The subject of the first action joins
the cast, so that all shots show the same looks. The rules read some English; of other languages only punctuation.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence

from msgspec import Struct, field

from sora_cli import terms, texts
from sora_cli.errors import Problem
from sora_cli.plan import words
from sora_cli.storyboard.borrowed import without_length
from sora_cli.storyboard.model import MENTION
from sora_cli.storyboard.writing import Inline, Noted, Tree

_ENDS = ".!?;\u3002\uff01\uff1f\uff1b\u061f\u061b\u2026"
_COMMAS = ",\uff0c\u3001\u060c"
"""Stops and commas, also those of Chinese, Japanese and Arabic."""
_STOP = re.compile(rf"(?<=[{_ENDS}])\s*|\s*\b(?:and )?then\b,?\s+|\n+", re.IGNORECASE)
_PART = re.compile(rf"\s*[{_COMMAS}]\s*(?:and\s+)?|\s+\band\b\s+", re.IGNORECASE)
_LATER = re.compile(
    r"^(?:later|meanwhile|elsewhere|the next (?:day|morning|night|week|year)|(?:hours|days|weeks|months|years) later"
    r"|back (?:at|in|on|home))\b",
    re.IGNORECASE,
)
_HE = re.compile(r"^((?:\w+ ){0,3}?)(?:he|she|they)\b(?!-)", re.IGNORECASE)
_FILM = re.compile(
    r"^(?:(?:please )?(?:make|create|generate|show)(?: me)? )?(?:an? )?(?P<style>(?:[\w-]+ ){0,4}?)"
    r"(?:clip|video|film|movie|shot|footage|animation|scene) (?:of|about|showing|where|in which) (?=\w)",
    re.IGNORECASE,
)
"""What asks for a film, and says nothing of what is seen in it."""
_RELATIVE = re.compile(r"(?:^|(?<=[a-z])) (?:that|who|which)(?=$| )", re.IGNORECASE)
"""In "a dog that barks", which is one that barks."""
MOST = 2000
"""Letters of an idea: what is longer is a script."""
_FORMAT = """\
Write a storyboard of this idea as YAML. Answer with the YAML alone. It looks like this:

title: The Lamp
cast:
  mara: {looks: a woman in her thirties with red hair and a blue raincoat}
scenes:
  - name: harbour
    setting: a rainy harbour
    light: dusk
    shots:
      - framing: wide
        camera: slow pan left
        beats:
          - {prompt: "@mara walks along the pier", duration: 3s}
          - {prompt: "@mara looks up at the light", duration: 2s}
      - framing: close
        prompt: the lamp of the lighthouse turns
        duration: 2s

Scenes share a place and a light. A shot has no cut. A beat is one action of two to four seconds. Name the cast with @
in prompts, in quotes. Use no other keys, and name no files.
"""
_VIEWS = ("wide", "medium", "close")


class _Scene(Struct):
    hour: str
    shots: list[list[str]] = field(default_factory=list)
    """The beats of each shot, in words."""


def question(idea: str, wrong: Sequence[Problem] = (), text: str = "") -> str:
    """What a language model is asked; the second time with what was wrong with its text."""
    asked = f"{_FORMAT}\nIdea: {idea}\n"
    mistakes = "\n".join(problem.head for problem in wrong[:10])
    return asked + (
        f"\nYou wrote:\n{text}\n\nThis is wrong with it:\n{mistakes}\n\nWrite it again, right.\n" if mistakes else ""
    )


def board_of(idea: str) -> dict[str, Tree]:
    """The storyboard of an idea, as a tree to be written. A length that it names is shared by its beats."""
    whole, idea = idea, " ".join(idea.split())
    idea, seconds = without_length(idea)
    asked = _FILM.match(idea)
    idea, style = (idea[asked.end() :], asked["style"].strip()) if asked else (idea, "")
    sentences = [part.strip(f" {_ENDS}") for part in _STOP.split(idea)]
    sentences = [sentence for sentence in sentences if sentence] or [idea.strip()]
    who, looks = _subject(sentences[0])
    scenes: list[_Scene] = []
    for sentence in sentences:
        hour = _hour(sentence)
        if not scenes or _LATER.match(sentence) or hour not in {"", scenes[-1].hour}:
            scenes.append(_Scene(hour))
        scenes[-1].shots.append([_named(part, who, looks) for part in _parts(sentence)])
    count = sum(len(scene.shots) for scene in scenes)
    views = iter(_VIEWS[min(number, 1) if number < count - 1 or count == 1 else 2] for number in range(count))
    each = f"{seconds / sum(len(beats) for scene in scenes for beats in scene.shots):.3g}s" if seconds else ""
    trees: list[Tree] = [_scene(number, scene, views, each) for number, scene in enumerate(scenes, 1)]
    members = {**{name: name for name in MENTION.findall(whole)}, **({who: looks} if who else {})}
    cast: dict[str, Tree] = {name: Inline({"looks": seen}) for name, seen in members.items()}
    head: dict[str, Tree] = {"storyboard": 1, "title": _title(idea), **({"style": style} if style else {})}
    note = "The more exact the looks, the more alike they stay."
    return {**head, **({"cast": Noted(cast, [note])} if cast else {}), "scenes": trees}


def _title(idea: str) -> str:
    first = re.split(f"[{_ENDS}{_COMMAS}]", " ".join(idea.split()), maxsplit=1)[0]
    return texts.phrase(first if first.strip() else idea, 60, 10) or "An idea"


def _scene(number: int, scene: _Scene, views: Iterator[str], each: str) -> dict[str, Tree]:
    shots: list[Tree] = [_shot(beats, next(views), {"duration": each} if each else {}) for beats in scene.shots]
    return {"name": f"scene-{number}", **({"light": scene.hour} if scene.hour else {}), "shots": shots}


def _shot(beats: list[str], framing: str, length: dict[str, Tree]) -> dict[str, Tree]:
    if len(beats) == 1:
        return {"framing": framing, "prompt": beats[0], **length}
    trees: list[Tree] = [{"prompt": beat, **length} for beat in beats]
    return {"framing": framing, "beats": trees}


def _hour(sentence: str) -> str:
    """The hour that a sentence names, as a term of light where its word is one; empty for none or several."""
    found = {hour: match[1] for hour, said in words.HOURS.items() if (match := re.search(said, sentence.lower()))}
    if len(found) != 1:
        return ""
    hour, word = next(iter(found.items()))
    term = terms.find("hour", word)
    return term.name if term else hour


def _parts(sentence: str) -> list[str]:
    """The actions, in order; a part without a verb belongs to the one before it."""
    found: list[str] = []
    begin = at = 0
    """Where the last action begins, and where the next part does."""
    for stop in (*_PART.finditer(sentence), None):
        end, after = stop.span() if stop else (len(sentence), len(sentence))
        part = sentence[at:end].strip()
        if found and not _does(part):
            found[-1] = sentence[begin:end].strip() if part else found[-1]
        elif part:
            found.append(part)
            begin = at
        at = after
    return found


def _does(part: str) -> bool:
    """Whether a part says what is done: a verb at its head, or one behind a noun."""
    first = re.findall(r"[a-z]+", part.lower())[:5]
    return bool(words.ACT.match(part)) or any(words.base(word) for word in first)


def _subject(sentence: str) -> tuple[str, str]:
    """The subject of the first action: a name for the cast, and its looks; empty where that is unclear."""
    match = re.match(r"(an?|the|one|two|three) ((?:[a-z-]+ ){0,4}?[a-z]+)(?= (\w+))", sentence, re.IGNORECASE)
    while match and not words.base(match[3].lower()):
        longer = rf"{re.escape(match[0])} \w+(?= (\w+))"
        found = re.match(rf"()({longer})", sentence)
        match = found if found and len(found[2].split()) < 9 else None
    if not match:
        return "", ""
    looks = match[0][0].lower() + _RELATIVE.sub("", match[0][1:])
    head = re.split(r" (?:in|of|with|on|from|at|who|that|whose|wearing) ", looks)[0].split()[-1]
    return (head.lower(), looks) if head.isascii() and head.isalpha() and len(head) > 1 else ("", "")


def _named(part: str, who: str, looks: str) -> str:
    """A part of the idea in which its subject is named."""
    if not who:
        return part
    if part.lower().startswith(looks.lower()):
        rest = part[len(looks) :]
        verbs = [word for word in re.findall(r"[a-z]+", rest.lower()) if words.base(word)]
        return f"@{who}{rest if len(verbs) > 1 else _RELATIVE.sub('', rest, count=1)}"
    again = re.sub(rf"^the {re.escape(who)}\b", f"@{who}", _HE.sub(rf"\1@{who}", part), flags=re.IGNORECASE)
    acts = words.ACT.match(part) or words.base((re.findall(r"[a-z]+", part.lower()) or [""])[0])
    return again if again != part or not acts else f"@{who} {part}"
