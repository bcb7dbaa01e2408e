"""What a storyboard asks that an engine cannot do: found by its card, before anything is made."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path

from pydantic import BaseModel, ValidationError

from sora_cli import terms
from sora_cli.engines.adapters import left_over, misfit, no_lora, other_half
from sora_cli.engines.base import LIKE, Ability, Carry, EngineCard
from sora_cli.engines.options import LoraOption, Options, avoided, named_by
from sora_cli.engines.tokens import estimate, length
from sora_cli.errors import Problem, first_of
from sora_cli.plan.findings import Findings
from sora_cli.plan.prompt import Prompt, unknown_words
from sora_cli.storyboard.cast import kind_of
from sora_cli.storyboard.model import Beat
from sora_cli.texts import nearest, shortened

_DIRECTED = ("setting", "light", "framing", "angle", "lens", "depth of field", "camera", "mood", "pace", "style")
_SHOWN = ("prompt", "sent")
"""Keys with the words that say who is seen."""
_MOST = 12
"""Unknown words that are named."""


def check_needs(
    findings: Findings, card: EngineCard, beat: Beat, *, opening: Carry | None, closing: Carry | None
) -> None:
    """Note an engine of stills, and a take that lacks the film, or first or last frame, that its engine needs."""
    if not card.makes_video:
        hint = f"write `keyframes: {{engine: {card.name}}}`, and here an engine that makes video"
        findings.wrong(beat, "engine", f"engine {card.name} makes stills, not video", hint)
    if Ability.INSTRUCT in card.needs and beat.edit is None:
        hint = "write `edit: {of: film.mp4, instruct: true}`, or `sora edit film.mp4 WORDS --instruct`"
        findings.wrong(beat, "engine", f"engine {card.name} changes films, and makes none from words", hint)
    lost = {key for key in ("from", "to") if findings.board.lost & {(*beat.loc, key), (*beat.loc[:-2], key)}}
    if Ability.FIRST_FRAMES in card.needs and opening is None and "from" not in lost:
        hint = "add `from:` with a picture or a shot; to `sora generate`, --image FILE"
        findings.wrong(beat, "prompt", f"engine {card.name} needs a first frame", hint)
    if Ability.LAST_FRAME in card.needs and closing is None and "to" not in lost:
        hint = "add `to:` with a picture or a shot; to `sora generate`, --to-image FILE"
        findings.wrong(beat, "prompt", f"engine {card.name} needs a last frame", hint)


def check_length(findings: Findings, card: EngineCard, beat: Beat, needed: int, count: int) -> None:
    """Refuse a beat longer than the longest clip, unless the engine can carry on without a last frame."""
    if count == 1:  # as mostly
        return
    longest = math.floor(100 * card.longest / card.fps) / 100
    limit = f"engine {card.name} makes {longest:g} s in one go, and this takes {float(needed / card.fps):.4g} s"
    if not card.can(Ability.FIRST_FRAMES) and card.makes_video:
        hint = f"write several shots of at most {longest:g}s"
        findings.wrong(beat, "duration", f"{limit}: it cannot carry on from given frames", hint)
    elif Ability.LAST_FRAME in card.needs:
        hint = f"write several beats of at most {longest:g}s, each with a `to:`"
        findings.wrong(beat, "duration", f"{limit}: it needs a last frame for each part", hint)


def check_abilities(findings: Findings, card: EngineCard, beat: Beat) -> None:
    """Say what of the beat the engine cannot do; nothing is dropped in silence."""
    if beat.avoid and not card.can(Ability.NEGATIVE_PROMPT):
        findings.remark(beat, "avoid", f"engine {card.name} has no negative prompt: `avoid` changes nothing")
    if beat.edit is not None and (
        why := cannot_edit(card, whole=bool(beat.edit.strength), instructed=beat.edit.instruct)
    ):
        findings.wrong(beat, "edit", *why)
    kinds = [kind_of(path) for path in beat.references]
    if kinds and not card.can(Ability.REFERENCES) and set(kinds) == {"picture"}:
        findings.remark(beat, "references", f"engine {card.name} takes no pictures: only words describe the cast")
    elif refused := card.refused(kinds):
        place, message, hint = refused
        findings.problems.append(
            Problem(message, hint, findings.board.mark(findings.place_of(beat, beat.references[place])))
        )


def cannot_edit(card: EngineCard, *, whole: bool, instructed: bool) -> tuple[str, str] | None:
    """Why an engine cannot change a part of a film's picture, or the `whole`, and a hint; None where it can.

    `instructed`: the prompt says what is to be done to all of it.
    """
    if instructed:
        if card.can(Ability.INSTRUCT):
            return None
        hint = "use lucy-edit: `sora models` lists who follows instructions; or say what is made anew"
        return f"engine {card.name} follows no instructions: it cannot tell what of a film is to change", hint
    if whole and not card.can(Ability.VIDEO):
        hint = "use nano, Wan, VACE or LTX-2: `sora models` lists who can do video to video"
        return f"engine {card.name} cannot show a film in another light or style", hint
    if not whole and not card.can(Ability.INPAINT):
        hint = "use nano, or a VACE model: `sora models` lists who can inpaint"
        return f"engine {card.name} cannot make a part of a film's picture anew", hint
    return None


def check_start(findings: Findings, card: EngineCard, beat: Beat) -> None:
    """Refuse a draft to an engine that cannot begin with known frames."""
    if not card.can(Ability.VIDEO):
        message = f"engine {card.name} cannot go on from a draft: it begins with noise alone"
        findings.wrong(beat, "engine", message, "leave out --from-draft, or use nano, Wan, VACE or LTX-2 for the shot")


def check_prompt(
    findings: Findings, card: EngineCard, beat: Beat, prompt: Prompt, options: Mapping[str, object]
) -> None:
    """Say what of a beat's words the model does not know, is not told, or does not read to the end.

    A LoRA among its `options` taught it the words that it is named by.
    """
    key, taught = "sent" if beat.sent else "prompt", named_by(options)
    unknown = [word for word in unknown_words(prompt.text, card) if word not in taught]
    for place, words in _by_key(beat, unknown, card) if unknown else ():
        _tell_unknown(findings, card, beat, place, words, prompt.text)
    for left in prompt.left_out:
        if not left.seen and (card.makes_video or beat.sent):  # what a still is not told, its shot is
            what, place = (left.key, key) if beat.sent else ("this", left.key)
            findings.remark(beat, place, f"engine {card.name} is not told {what}: {left.why}", left.hint)
    if told := _too_long("the prompt", prompt.text, card):
        findings.remark(beat, key, told, f"shorten {'it' if beat.sent else 'the prompt, the style or the setting'}")
    _check_avoid(findings, card, beat, options)


def _too_long(what: str, text: str, card: EngineCard) -> str:
    """How much of a text a model does not read, in words; empty where it reads all of it."""
    limit = card.prompt_tokens
    if not limit or 2 * estimate(text) <= limit or (found := length(text, card)).tokens <= limit:
        return ""
    count = f"{found.tokens} tokens" if found.counted else f"about {found.tokens} tokens"
    end = f": it ends at ...{text[: found.read][-40:]!r}" if found.counted else ""
    return f"{what} has {count}, {card.name} reads {limit}{end}"


def _check_avoid(findings: Findings, card: EngineCard, beat: Beat, options: Mapping[str, object]) -> None:
    """Say what of a beat's guidance and `avoid` changes nothing: no pipeline looks at these where guidance is 1."""
    if issubclass(card.options, Options) and card.options.baked and float(str(options.get("guidance", 1))) > 1:
        message = f"engine {card.name} is guided by its weights alone: `guidance` changes nothing"
        findings.remark(beat, "options.guidance", message, "take it out, or use its base model")
    if issubclass(card.options, Options) and float(str(options.get("guidance", 2))) <= 1:
        low = beat.options.get("guidance_low")
        if beat.avoid and card.can(Ability.NEGATIVE_PROMPT):
            where = " of the picture" if float(str(options.get("sound_guidance", 1))) > 1 else ""
            hint = "write a guidance above 1; LoRAs for few steps want 1, and avoid nothing"
            findings.remark(beat, "avoid", f"guidance is 1: `avoid` changes nothing{where}", hint)
        if low is not None and float(str(low)) > 1:
            message = "guidance is 1, which turns guidance off in all steps: `guidance_low` changes nothing"
            findings.remark(beat, "options", message, "write a guidance above 1, such as 1.01")
        return
    if not beat.avoid or not card.can(Ability.NEGATIVE_PROMPT):
        return
    if unknown := list(unknown_words(beat.avoid, card)):
        _tell_unknown(findings, card, beat, "avoid", unknown, beat.avoid)
    whole = avoided(str(options.get("quality_avoid") or ""), beat.avoid)
    if told := _too_long("what is avoided", whole, card):
        findings.remark(beat, "avoid", told, "shorten `avoid`, or the option `quality_avoid`, which stands before it")


def _tell_unknown(  # noqa: PLR0917 - as `check_prompt`, by key
    findings: Findings, card: EngineCard, beat: Beat, place: str, words: list[str], text: str
) -> None:
    told, hint = first_of([shortened(word, 40) for word in words], _MOST), "these words are ignored"
    said = {word.removesuffix("s") for word in re.findall(r"\w+", text.lower())}
    if place in _SHOWN and card.subjects and said.isdisjoint(card.subjects):
        *most, last = card.subjects
        hint += f": it shows a {', '.join(most)} or {last}; `sora models` lists engines that show more"
    findings.remark(beat, place, f"engine {card.name} does not know: {told}", hint)


def _by_key(beat: Beat, unknown: list[str], card: EngineCard) -> Iterator[tuple[str, list[str]]]:
    """Unknown words, by the key under which the author wrote them; those of looks with the prompt that names them."""
    left = dict.fromkeys(unknown)
    for key in () if beat.sent else _DIRECTED:
        written: str = getattr(beat, key.replace(" ", "_"))
        meant = terms.words_of(key, written) if key in terms.TABLE else ""
        here = [word for word in unknown_words(f"{written} {meant} {key}", card) if word in left] if written else []
        if here:
            yield key, here
            left = {word: None for word in left if word not in here}
    if left:
        yield "sent" if beat.sent else "prompt", list(left)


def tell_misfits(
    findings: Findings, card: EngineCard, beat: Beat, error: ValidationError, others: Iterable[EngineCard] = ()
) -> None:
    """Say which of a beat's options its engine does not have, or does not take as they are written.

    `others` are the engines of the other shots: one may be whom an option above them all is for.
    """
    from sora_cli.data import fault_words  # with pydantic's records: only where something is wrong

    for one in error.errors():
        key = str(one["loc"][0]) if one["loc"] else ""
        unknown = f"engine {card.name} has no option {key!r}"
        if key in card.options.model_fields and len(one["loc"]) > 1:  # a key of what is written as a mapping
            part = one["loc"][-1]
            wrong = "there is no such key" if one["type"] == "extra_forbidden" else fault_words(one)
            told = f"option {key}: {f'{part}: ' if isinstance(part, str) else ''}{wrong}"
            hint = _NAMED if one["type"] == "value_error" else _ADAPTER  # of a file, or of how it is written
            findings.wrong(beat, f"options.{key}", told, hint if key == "lora" else "")
            continue
        message = unknown if one["type"] == "extra_forbidden" else f"option {key}: {fault_words(one)}"
        known = sorted(card.options.model_fields)
        near = nearest(key, known) if message == unknown else ""
        hint = f"{f'did you mean `{near}`? ' if near else ''}its options are: {', '.join(known)}"
        takes = _NAMED if key == "lora" else f"what they take: sora models show {card.name}"
        hint = hint if message == unknown else takes
        above = not {"shots", "beats"} & {*beat.origin.get(f"options.{key}", ("shots",))}
        meant = next((each.name for each in others if key in each.options.model_fields), "") if above else ""
        if message == unknown and meant:
            hint = f"{meant} has it: write it on the shots of that engine, not above them all"
        findings.wrong(beat, f"options.{key}", message, hint)


_NAMED = "name a .safetensors file, or a folder that `sora train` wrote"
_ADAPTER = "write it as {path: FILE, scale: 0.8}"


def check_parts(findings: Findings, card: EngineCard, beat: Beat, options: Mapping[str, object]) -> None:
    """Say what these options need and this machine lacks."""
    for name, folder in card.option_parts.items():
        if options.get(name) and card.location is not None and not (card.location / folder).is_dir():
            message = f"option {name}: {card.name} has no {folder} here"
            findings.wrong(beat, f"options.{name}", message, "remove the option, or download the model again", code=3)


def check_adapters(findings: Findings, card: EngineCard, beat: Beat, options: BaseModel) -> None:
    """Say which of these options' LoRA cannot be laid over the engine, and of which a part is not."""
    given = [each for each in getattr(options, "lora", ()) if isinstance(each, LoraOption)]  # others may have their own
    for told, hint in _among_adapters(card, given):
        findings.remark(beat, "options.lora", told, hint)
    for place, name in (("engine", _own_name(card)), *(("options.lora", Path(each.path).stem) for each in given)):
        guidance, steps = getattr(options, "guidance", 1.0), getattr(options, "steps", 0)
        shift = 0.0 if "shift" in beat.options else getattr(options, "shift", 0.0) or 0.0
        also = f", shift: {SHIFT}" if shift > SHIFT else ""
        if name and FAST.search(name) and (guidance > 1 or also):
            here = f"here are {steps}, at {guidance:g}" if guidance > 1 else f"here they lie at a shift of {shift:g}"
            hint = f"write `options: {{steps: 4, guidance: 1{also}}}`, or what its page says"
            findings.remark(beat, place, f"{name} is made for few steps without guidance, by its name: {here}", hint)
    for path in [Path(each.path) for each in given]:
        if wrong := misfit(path, card):
            hint = "name a LoRA" if no_lora(path, card) else "use the engine that it was trained for"
            findings.wrong(beat, "options.lora", wrong, hint)
        elif told := left_over(path, card):
            findings.remark(beat, "options.lora", f"{told}: they change nothing", "use the engine that it was made for")


SHIFT = 5
"""How far those who make Wan's LoRA for few steps move its times; Wan 2.2 from text has more for its many."""
FAST = re.compile(
    r"(?<!un)(?<!de)(?<!de[-_ ])distill(?!er)|lightx2v|causvid|accvid|fusionx|fastwan|self[-_ ]?forcing"
    r"|(?<![a-z])dmd(?![a-z])|(?<![a-z])(?:wan|ltx|image)[\w.-]*(?:lightning(?![-_ ]?(?:bolt|storm|strike))|turbo)"
    r"|(?<!\d)[1-9][-_ ]?steps?(?![a-z\d]|[-_ ]?\d{3})",
    re.IGNORECASE,
)
"""How models and LoRA are called that were trained to need few steps; not how those are whose steps of training stand
behind the word (`e3_step1500`)."""


def _own_name(card: EngineCard) -> str:
    """The name of a model that is like a known one, which has its defaults; empty for a known one."""
    return Path(card.source).name if card.title.startswith(LIKE) else ""


def _among_adapters(card: EngineCard, given: Sequence[LoraOption]) -> Iterator[tuple[str, str]]:
    """What is odd of a take's LoRA beside each other: one twice, halves of a pair, or both where there is no pair."""
    seen: dict[tuple[str, str], Path] = {}
    for each in given:
        if before := seen.get((each.sha256, each.expert)):
            yield f"{Path(each.path).name} is the same as {before.name}: it is laid twice", "leave one of them out"
        seen[each.sha256, each.expert] = Path(each.path)
    halves = {each.expert: Path(each.path) for each in given if each.expert != "both"}
    if len(halves) == 2 and "transformer_2" not in card.weights:
        names = " and ".join(path.name for path in halves.values())
        told = f"{names} are for the two transformers of a pair, and engine {card.name} has one: both are laid over it"
        yield told, "leave one of them out, or use an engine such as wan2.2-t2v-a14b"
    elif len(halves) == 1 and (other := other_half(*halves.values())):
        (expert,) = halves
        yield f"{halves[expert].name} is for one of the two transformers, and {other.name} is not used", "name both"


def unused(findings: Findings, card: EngineCard, beat: Beat, opening: Carry | None, closing: Carry | None) -> bool:
    """Whether references are left out, because the engine takes either frames or references; a remark says so."""
    unused = card.references_alone and bool(beat.references) and (opening is not None or closing is not None)
    if unused:
        message = f"engine {card.name} takes given frames or references, not both: the references are not used here"
        findings.remark(
            beat, "references", message, "say in the prompt what the cast looks like, or use `from: nothing`"
        )
    return unused
