"""From what the author wrote of a beat to the words that a model is given, in the dialect of its card."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from sora_cli.engines.base import Ability, EngineCard
from sora_cli.engines.dialect import VIEW, Dialect, Part
from sora_cli.plan import phrases
from sora_cli.plan.labelled import Speakers, Subjects, labelled
from sora_cli.plan.slugline import names_light
from sora_cli.plan.speaking import Heard, muted
from sora_cli.plan.speaking import Part as Stretch
from sora_cli.plan.words import LITTLE
from sora_cli.storyboard.model import MENTION, Beat, CastMember

_LINE = "a line of dialogue"
_BEGINS = "|".join(word.capitalize() for word in sorted(LITTLE))
_LINE_ENDS = re.compile(rf"(\w+)[ \t]*\n(?:\s*\n\s*|\s*(?=(?:{_BEGINS})\b|@))")
"""Ends of lines that end a sentence without a stop: before an empty line, and where one begins as sentences do."""
_OWNS, _GOES_ON = re.compile(r"['\u2019]s\b"), re.compile(r" +\w")
_NOT_SENT = ("`sent` does not say it", False, "write it into `sent` word for word, or run `sora direct` again")


class Frames(Struct, frozen=True):
    """What a take is given beside its words, and how long it is in seconds; `hour` is its shot's.

    `heard` are the lines and the sound that fall into it; None where all of its beat's do, and it begins with the beat.
    """

    first: bool = False
    last: bool = False
    references: bool = False
    seconds: float = 0.0
    hour: str = ""
    heard: tuple[Heard, ...] | None = None


class LeftOut(Struct, frozen=True):
    """Words of a key that the prompt leaves out, and why; `seen`: the film shows them all the same."""

    key: str
    words: str
    why: str
    seen: bool = False
    hint: str = "say it in what is seen: light, colours, faces, weather"


class Prompt(Struct, frozen=True):
    """A model's prompt: its text, what it leaves out of the beat, and what it adds that nobody wrote.

    `not_avoided` is what the engine would avoid by default and the author wants, each with the reason. `picture` is
    the text without the labels that some families want around it, as it is composed, also where `sent` stands in its
    place. `verbatim` are the looks and lines in it, by what they are: another wording must keep them. `avoided` is what
    the dialect avoids for the sake of the camera, beside what the author does.
    """

    text: str
    left_out: tuple[LeftOut, ...] = ()
    added: tuple[str, ...] = ()
    not_avoided: tuple[tuple[str, str], ...] = ()
    picture: str = ""
    verbatim: tuple[tuple[str, str], ...] = ()
    avoided: tuple[str, ...] = ()


def _ended(line: re.Match[str]) -> str:
    """The last word of a line that ends a sentence, with a stop; a little word (`with`) ends none."""
    return f"{line[1]} " if line[1].lower() in LITTLE else f"{line[1]}. "


def lacking(words: str, verbatim: Iterable[tuple[str, str]]) -> Iterator[tuple[str, str]]:
    """The looks and lines of a prompt that other words leave out. Line breaks do not count, nor capitals in looks."""
    there = " ".join(words.split())
    for what, kept in verbatim:
        text = " ".join(kept.split())
        if text not in there and (what == _LINE or text.casefold() not in there.casefold()):
            yield what, kept


def write(beat: Beat, cast: Mapping[str, CastMember], card: EngineCard, given: Frames | None = None) -> Prompt:
    """The prompt of a beat in its engine's dialect."""
    return _Writer(beat, cast, card, given or Frames()).prompt()


def compose(beat: Beat, cast: Mapping[str, CastMember], card: EngineCard) -> str:
    """The words of a beat's prompt, where nothing is given beside them."""
    return write(beat, cast, card).text


def name_cast(prompt: str, cast: Mapping[str, CastMember], *, closed: bool = False) -> str:
    """The prompt with each `@name` put in words: its looks at first, "the ..." when it comes again.

    Looks that end in what somebody wears or carries own nothing themselves: they are told before, and `@mara's hand` is
    "the woman's hand". With `closed` a comma ends looks that have one: `a woman, 30, in red, walks`.
    """
    seen: set[str] = set()
    before: list[str] = []
    there = [_looks(cast, name) for name in dict.fromkeys(MENTION.findall(prompt))]

    def words(match: re.Match[str]) -> str:
        name = match[1]
        looks = _looks(cast, name)
        short, new = phrases.called(looks, there), name not in seen
        seen.add(name)
        if _OWNS.match(prompt, match.end()) and not looks.endswith(short.split()[-1]):
            before.extend([f"{phrases.sentence(looks)} "] if new else [])
            return short
        if closed and phrases.ends_by_comma(looks) > 0 and _GOES_ON.match(prompt, match.end()):
            looks = f"{looks},"
        if not new:
            return phrases.the(looks)
        inside = re.search(r"[^\s.!?\"'\u201c]\s*$", prompt[: match.start()])
        return re.sub(r"^(A|An|The)\b", lambda first: first[0].lower(), looks) if inside else looks

    told = MENTION.sub(words, prompt)
    return "".join(before) + told


def unknown_words(prompt: str, card: EngineCard) -> list[str]:
    """Words of the prompt that a model with a small vocabulary was never taught; none for models without limit.

    Words are what stands between spaces and stops, of any script: a row of Chinese signs or of emoji is one.
    """
    if card.words is None:
        return []
    written = prompt.lower().replace("\N{RIGHT SINGLE QUOTATION MARK}", "'")
    spaced = "".join([sign if _spells(sign) else " " for sign in written])
    words = dict.fromkeys(filter(None, (word.strip("'") for word in spaced.split())))
    return [word for word in words if word not in card.words and word.removesuffix("'s") not in card.words]


@lru_cache(4096)
def _spells(sign: str) -> bool:
    """Whether a sign is a part of a word: a letter, a mark on one, a number, an apostrophe, or an emoji."""
    return sign.isalnum() or sign == "'" or (not sign.isascii() and unicodedata.category(sign)[0] in "LMNS")


def _looks(cast: Mapping[str, CastMember], name: str) -> str:
    member = cast.get(name)
    return member.told if member else name


class _Writer:
    """Writes one prompt."""

    def __init__(self, beat: Beat, cast: Mapping[str, CastMember], card: EngineCard, given: Frames) -> None:
        self.beat, self.cast, self.card, self.given = beat, cast, card, given
        self.left_out: list[LeftOut] = []
        self.added: list[str] = []
        self.dialect: Dialect = card.dialect
        self.plain = self.dialect.form == "plain"
        if not self.plain:
            self.cast = {name: replace(who, looks=self._one_line(who.looks, whole=False)) for name, who in cast.items()}
        self.short = given.first and bool(self.dialect.moving)
        self.loud = card.makes_sound and not muted(beat)
        self.heard = Stretch().heard(beat) if given.heard is None else given.heard
        self.speakers = Speakers.of(beat, self.cast)
        self.subjects = Subjects.of(beat, self.cast, asked=given.references and bool(self.dialect.referenced))
        self.said = dict(self._said())

    def prompt(self) -> Prompt:
        """The whole of it."""
        there = self._there()
        orders = (order for order in self.dialect.order if not there.isdisjoint(order))
        found = [text for order in orders for text in self._sentences(order)]
        if self.plain:
            picture = ". ".join(part.strip().rstrip(".") for part in found if part.strip())
        else:
            picture = " ".join(phrases.sentence(part) for part in [*found, *self._more_terms()] if part.strip())
        verbatim = tuple(self._verbatim(picture))
        if self.beat.sent:
            self.left_out = [LeftOut(what, words, *_NOT_SENT) for what, words in lacking(self._sent(), verbatim)]
            self.added = []
        text = self._sent() or picture
        if self.dialect.fields:
            text = labelled(self.dialect, self.given, self.subjects, text, self._soundscape())
        return Prompt(text, tuple(self.left_out), tuple(self.added), (), picture, verbatim, tuple(self._avoided()))

    def _sent(self) -> str:
        """What the author has sent instead."""
        return self._named(self.beat.sent) if self.subjects else name_cast(self.beat.sent, self.cast)

    def _avoided(self) -> Iterator[str]:
        """What the dialect avoids for the sake of the camera, and the author does not."""
        if self.card.can(Ability.NEGATIVE_PROMPT) and self.dialect.avoids and Part.CAMERA in self.said:
            own = {item.strip().lower() for item in self.beat.avoid.split(",")}
            words = phrases.avoided(self.dialect, self.said[Part.CAMERA])
            yield from (each for each in words if each.lower() not in own)

    def _verbatim(self, picture: str) -> Iterator[tuple[str, str]]:
        """The looks and lines that a text holds."""
        kept = [(f"the looks of {name}", _looks(self.cast, name)) for name in self.beat.cast]
        kept += [(_LINE, self.speakers.told(line, plain=self.plain)["line"]) for line in self.beat.dialogue]
        kept += [("when something is heard", self._when(one).strip(" ,")) for one in self.heard]
        yield from ((what, words) for what, words in kept if words and not [*lacking(picture, [(what, words)])])

    # -- what is told ----------------------------------------------------------------------------

    def _said(self) -> Iterator[tuple[Part, str]]:
        """What the author wrote, part by part, without what this model should not be given."""
        beat = self.beat
        setting, light = self._placed(beat.light or self._light())
        written = {
            Part.STYLE: beat.style,
            Part.SETTING: setting,
            Part.LIGHT: light,
            Part.FRAMING: beat.framing,
            Part.ANGLE: beat.angle,
            Part.LENS: beat.lens,
            Part.DEPTH: beat.depth_of_field,
            Part.CAMERA: beat.camera,
            Part.ACTION: self._action(),
            Part.MOOD: beat.mood,
            Part.PACE: beat.pace,
        }
        for part, text in written.items():
            words = text if self.plain or not text else self._one_line(text, whole=part is Part.ACTION)
            if not words.strip():
                continue
            if part in self.dialect.drops:
                self.left_out.append(LeftOut(part, words, self.dialect.drops[part]))
            elif self.short and part not in self.dialect.moving and not self._of_the_beat(part):
                self.left_out.append(LeftOut(part, words, "the first frame shows it", seen=True))
            else:
                yield part, words

    def _placed(self, light: str) -> tuple[str, str]:
        """The setting, and the light: an hour alone stands behind the setting where the dialect wants that."""
        setting = self.beat.setting
        if not self.plain:
            setting, told = phrases.place(setting)
            light = phrases.with_hour(light, told)
        when = phrases.hour(self.dialect, light)
        if not when or when.split()[-1] in setting.lower().split():
            return setting, light
        return (f"{setting.strip().rstrip('.')} {when}", "") if setting.strip() else ("", when)

    def _light(self) -> str:
        """The light for a model that needs an hour, where no words name one and no frame shows it."""
        shown = self.given.first or self.given.last or names_light(self.beat)
        words = "" if shown else self.dialect.lights.get(self.given.hour, "")
        self.added += [words] if words else []
        return words

    @staticmethod
    def _one_line(words: str, *, whole: bool) -> str:
        """Without breaks, which end a paragraph for some models; a part of a sentence without its capital and stop."""
        text = " ".join(words.split())
        return text if whole else re.sub(r"^(A|An|The)\b", lambda first: first[0].lower(), text.rstrip(" .,;"))

    def _of_the_beat(self, part: Part) -> bool:
        """Whether it is written on the beat itself, a change in the middle of a shot."""
        return "beats" in self.beat.origin.get(part.replace(" ", "_"), ())

    def _action(self) -> str:
        written = self.beat.prompt if self.plain else _LINE_ENDS.sub(_ended, self.beat.prompt.strip())
        if self.subjects:
            return self._named(written)
        if not self.short:
            return self._begun(name_cast(written, self.cast, closed=not self.plain))
        for name in self.beat.cast:
            looks = _looks(self.cast, name)
            if self._who(name).split()[-1] != looks.split()[-1]:
                self.left_out.append(LeftOut(f"looks of {name}", looks, "the first frame shows it", seen=True))
        return self._begun(self._named(written))

    def _begun(self, told: str) -> str:
        """With a capital where a sentence begins with what a name stands for."""
        return told if self.plain else re.sub(r"(?<=[.!?]\s)[a-z]", lambda first: first[0].upper(), told)

    def _named(self, words: str) -> str:
        return MENTION.sub(lambda match: self._who(match[1]), words)

    def _who(self, name: str) -> str:
        """Somebody who is in the picture already; at length where another one would be called the same."""
        others = [_looks(self.cast, other) for other in self.beat.cast if other != name]
        return self.subjects.labels.get(name) or phrases.called(_looks(self.cast, name), others)

    # -- its sentences ---------------------------------------------------------------------------

    def _there(self) -> set[Part]:
        """The parts of which something is said."""
        framed = () if self.plain else (Part.FRAMING,)
        heard = (Part.SPEECH, Part.SOUND) if self.heard else ()
        return {*self.said, *framed, *heard, *((Part.CAMERA,) if self._unmoved else ())}

    def _sentences(self, order: tuple[Part, ...]) -> list[str]:
        """What one place of the order says."""
        if Part.FRAMING in order and self.dialect.form == "tags":
            return [phrases.tags(self.dialect, self.said)[0]]
        if Part.FRAMING in order and self.dialect.form == "prose":
            return [phrases.view(self.dialect, self.said)]
        if order == (Part.SPEECH,):
            return list(self._speech())
        if order == (Part.SOUND,):
            return list(self._sound())
        told = [part for part in order if part in self.said or (part is Part.CAMERA and self._unmoved)]
        words = [self._part(part) for part in told]
        return [", ".join([*(each.rstrip(" .") for each in words[:-1]), words[-1]])] if told else []

    def _more_terms(self) -> list[str]:
        """Film terms that the head of a prompt has no room for."""
        return [phrases.tags(self.dialect, self.said)[1]] if self.dialect.form == "tags" else []

    @property
    def _unmoved(self) -> bool:
        """Whether the camera is told to stand still where nobody says how it moves."""
        return bool(self.dialect.still) and not self.short

    def _part(self, part: Part) -> str:
        words = self.said.get(part, "")
        if part is Part.CAMERA and not words:
            self.added.append(self.dialect.still)
            return self.dialect.still
        if part is Part.CAMERA:
            return phrases.plain_camera(self.dialect, words) if self.plain else phrases.camera(self.dialect, words)
        if part in {*VIEW, Part.PACE}:
            return phrases.term(self.dialect, part, words)
        if part is Part.MOOD and "mood" not in words:
            return f"{words} mood"
        return self.dialect.style.format(style=words) if part is Part.STYLE else words

    # -- speech and sound ------------------------------------------------------------------------

    def _speech(self) -> Iterator[str]:
        """The lines if the model speaks them; else who speaks, so that a silent model moves their mouths."""
        silent: dict[str, None] = {}
        for one in self.heard:
            if (line := one.line) is None:
                continue
            seen = bool(line.cast) and not line.offscreen
            if self.loud and line.path is None:
                template = self.dialect.says if seen or self.plain else self.dialect.unseen
                told = self.speakers.told(line, plain=self.plain)
                yield self._when(one) + template.format(who=self._speaker(line.cast), **told)
            elif seen and not self.loud and self.dialect.speaks:
                silent.setdefault(self.dialect.speaks.format(who=self._speaker(line.cast)))
        yield from silent

    def _sound(self) -> Iterator[str]:
        """The beat's sound, where the model makes it."""
        for one in self.heard if self.loud else ():
            if one.line is None:
                yield self._when(one) + self.dialect.sound.format(sound=self.beat.sound_text)

    def _when(self, one: Heard) -> str:
        return self.dialect.when(one.at, one.pause) if self.loud else ""

    def _speaker(self, name: str) -> str:
        if not name:
            return "a narrator"
        here = name in self.beat.cast or self.short
        return self._who(name) if here and not self.plain else _looks(self.cast, name)

    def _soundscape(self) -> str:
        if not self.loud:
            return "N/A"
        for sound in self._sound():
            return phrases.sentence(sound)
        self.added.append("The natural sounds of the scene.")
        return self.added[-1]
