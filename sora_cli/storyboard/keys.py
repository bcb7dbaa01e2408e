"""What to write for a key that nobody knows: the one that was meant, where it stands, or what stands there.

In words, as a hint; and, where one answer is likely, what a `Mend` puts in the key's place.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import NamedTuple

from sora_cli.storyboard.direction import CameraForm
from sora_cli.storyboard.forms import Wrong, time
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Items, Node, Pairs, Scalar, by_name
from sora_cli.storyboard.prices import CostForm
from sora_cli.storyboard.problems import Problems
from sora_cli.storyboard.schema import (
    BeatForm,
    CastForm,
    DialogueForm,
    FilmForm,
    LevelForm,
    LookForm,
    OutputForm,
    ProvenanceForm,
    SceneForm,
    ShotForm,
    SoundForm,
    StretchForm,
)
from sora_cli.storyboard.shapes import Fault, Form
from sora_cli.storyboard.source import quoted
from sora_cli.terms import TABLE, camera, find
from sora_cli.texts import nearest, shortened

OTHER_WORDS = {
    "prompt": "text description desc action caption shot beat content visual visuals visual_description video_prompt "
    "shot_description scene_description positive positive_prompt subject",
    "duration": "length lenght len seconds secs time duration_seconds duration_s "
    "duration_sec duration_secs length_seconds clip_length total_duration timing timestamp time_range",
    "avoid": "negative negative_prompt neg_prompt",
    "engine": "model checkpoint video_model target_model ai_model model_name", "seed": "random_seed",
    "from": "image picture start first_frame start_image init_image input_reference",
    "to": "end last_frame end_image", "reference": "ref refs image picture photo", "takes": "candidates variations",
    "move": "movement motion type",
    "camera": "movement camera_motion camera_move camera_movement camera_work motion movement_type shot_type",
    "framing": "shot_size shot_type type_of_shot composition type camera_angle",
    "angle": "camera_angle shot_angle shot_type type",
    "lens": "focal_length", "light": "lighting time_of_day lighting_style", "pace": "pacing",
    "style": "visual_style art_style global_style overall_style aesthetic color_palette palette color_grading",
    "mood": "tone atmosphere vibe",
    "setting": "location place background environment scene", "sound": "audio sfx effects sound_effects ambient",
    "cast": "characters character who speaker", "line": "say says text words speech",
    "title": "name caption project project_name project_title film_title text_overlay on_screen_text title_card",
    "transition": "transition_type cut",
    "output": "settings format render video",
    "shots": "clips panels segments shot", "scenes": "sequences acts scene",
    "author": "authors artist creator director",
    "name": "id title heading shot scene label number nr shot_number shot_no shot_id shot_name scene_number scene_no "
    "scene_id scene_name",
    "dialogue": "dialog lines voiceover voice_over vo narration speech script say", "subtitles": "captions",
    "options": "steps num_inference_steps cfg cfg_scale guidance guidance_scale sampler scheduler", "vars": "variables",
    "storyboard": "version schema",
    "size": "resolution dimensions width", "aspect": "ratio aspect_ratio format", "fps": "framerate frame_rate",
    "looks": "look appearance description desc prompt text style", "kind": "type style effect name",
    "at": "start start_time begin from time when", "first": "start from first_frame", "last": "end to last_frame",
    "up to": "max most count number takes", "level": "volume gain db loudness",
    "words": "text prompt description line file path sound sfx effects sound_effects",
}  # fmt: skip
"""Words that people bring from other tools, by our keys; of several keys the one that may stand there is meant."""
_SEEN = frozenset({"prompt", *OTHER_WORDS["prompt"].split()} - {"shot", "beat"})
"""What people call that which is seen in a shot."""
_WRAPS = (
    "metadata meta project project_info info settings project_settings global_settings global globals config defaults "
    "default common video film movie production"
)
"""Mappings that people put the film's keys into."""
_WHEN = ("start", "end", "start_time", "end_time", "start_seconds", "end_seconds", "in", "out")
"""When a shot begins and ends, as edit lists have it."""
_FRAMES = ("frames", "num_frames", "frame_count", "n_frames")
_UNSURE = {"framing": "framing", "move": "camera"}
"""What `type` means only where its value is a term of this kind."""
_COMMENT = "make it a comment, `# ...`"
_ELSEWHERE: tuple[tuple[type[Form], str, str], ...] = (
    (
        Form,
        "include includes extends import imports inherit $ref",
        "a storyboard is one file: write here what stands in the other one",
    ),
    (Form, "notes note comment comments remarks", f"a note: {_COMMENT}"),
    (
        FilmForm,
        "description genre logline synopsis summary theme concept target_audience",
        f"what a film is about: {_COMMENT}",
    ),
    (
        FilmForm,
        "prompt positive_prompt text_prompt video_prompt visual_prompt action visual beats",
        "a film is made of shots: write `shots:`, and under it `- prompt: ...`",
    ),
    (SceneForm, "description summary synopsis purpose", f"what a scene is about: {_COMMENT}"),
    (
        CameraForm,
        "angle lens framing shot shot_type shot_size size camera_angle focal_length",
        "`framing:`, `angle:` and `lens:` stand beside `camera:`",
    ),
    (OutputForm, "width", "write `size: WIDTHxHEIGHT`"),
    (OutputForm, "file path filename out folder", "the film's name is an option: `sora storyboard FILE -o FILM`"),
    (SoundForm, "loop fade fade_in fade_out start from begin", "it is heard as its file is: cut or fade the file"),
    (CostForm, "budget max limit max_cost most", "`--max-cost 5` is an option of `sora storyboard`"),
    (DialogueForm, "voice", "a voice is somebody's: `cast: {NAME: {voice: ...}}`, or `narrator: {voice: ...}`"),
    (CastForm, "name id", "the name stands before it: `cast: {NAME: {looks: WORDS}}`"),
)
"""What is written otherwise: in which form, under which keys, and how."""
_NUMBERED = "shots are a list: `shots:`, and under it for each `- prompt: ...` with its other keys below"
_NOTES = (
    "of notes, `sora import FILE` makes a storyboard (FILE ends in .txt or .md); in one, shots are a list: `shots:`"
)
_HOMES: dict[str, type[Form]] = {
    "the film": FilmForm,
    "a scene": SceneForm,
    "a shot": ShotForm,
    "a beat": BeatForm,
    "`output`": OutputForm,
    "`sound`": SoundForm,
    "`look`": LookForm,
    "`provenance`": ProvenanceForm,
}


class Known(NamedTuple):
    """A hint at what to write, and what a `Mend` puts in the key's place; None where that is not known."""

    hint: str
    now: str | None = None


class _Asked(NamedTuple):
    """An unknown key, in a mapping of this form: what is `written` there, and the key that the mapping is under."""

    key: str
    value: Node | None
    form: type[Form]
    written: Mapping[str, tuple[int, Node]]
    under: str
    problems: Problems

    @property
    def spelled(self) -> str:
        return _spelled(self.key)

    @property
    def ours(self) -> list[str]:
        """Our keys that may be meant."""
        named = self.form is SceneForm and self.spelled == "scene"
        return [each for each in _ours(self.key) if not (named and each == "setting")]


def known_keys(loc: Loc, form: type[Form], parent: Node, problems: Problems) -> Known:
    """What to write for the unknown key at `loc`, which stands in a mapping, `parent`, that is this form."""
    key, pairs = str(loc[-1]), parent.pairs if isinstance(parent, Pairs) else {}
    value = pairs[key][1] if key in pairs else None
    asked = _Asked(key, value, form, pairs, str(loc[-2]) if len(loc) > 1 else "", problems)
    if form is SceneForm and asked.spelled in _SEEN and one_shot(parent):
        return Known(one_shot(parent))
    looks = (_around, _timed, _cased, _elsewhere, _named, _meant, _placed, _there, _near)
    found = next((known for look in looks if (known := look(asked))), None)
    return found or Known(_quotes(key, value) or _listed(form))


def one_shot(scene: Node) -> str:
    """What to write for a scene without shots that says what is seen, as a shot does; empty for others."""
    pairs = scene.pairs if isinstance(scene, Pairs) else {}
    lists = any(isinstance(node, Items) and "shots" in {key, *_ours(key)} for key, (_, node) in pairs.items())
    if not lists and any(_spelled(key) in _SEEN for key in pairs):
        return "a scene holds shots: where each is one shot, write `shots:` in the place of `scenes:`"
    return ""


def _spelled(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.lower())


def _around(asked: _Asked) -> Known | None:
    """Shots that are keys of the film, and mappings that people put its keys into."""
    if asked.form is FilmForm and re.fullmatch(r"(?:shot|scene|clip)_?[0-9]+", asked.spelled):
        return Known(_NUMBERED if isinstance(asked.value, Pairs) else _NOTES)
    if asked.form is FilmForm and isinstance(asked.value, Pairs) and asked.spelled in _WRAPS.split():
        return Known(f"take {quoted(asked.key)} out: its keys stand at the top; a key of yours begins with `x-`", "")
    return None


def _timed(asked: _Asked) -> Known | None:
    """Lengths: of all shots together, by begin and end, in frames."""
    words = asked.value.text if isinstance(asked.value, Scalar) else ""
    if asked.form in (FilmForm, SceneForm) and _is_length_of_all(asked.key, asked.written):
        whole = "a film" if asked.form is FilmForm else "a scene"
        return Known(f"{whole} is as long as its shots: {_COMMENT}", "#")
    if issubclass(asked.form, StretchForm) and asked.spelled in _WHEN and _is_length(asked.value):
        return Known("shots follow each other: write how long each is, `duration: 4s`")
    if issubclass(asked.form, StretchForm) and asked.spelled in _FRAMES and words.isdecimal():
        return Known(f"frames are a length: write `duration: {words}f`")
    return None


def _cased(asked: _Asked) -> Known | None:
    """One of our keys in other letters: `Title`, `depth_of_field`."""
    own = next((each for each in asked.form.keys if _spelled(each) == asked.spelled), "")
    if not own or own in asked.written:
        return None
    return Known(f"did you mean {quoted(own)}?", own if _takes(asked.form, own, asked.value) else None)


def _elsewhere(asked: _Asked) -> Known | None:
    fitting = (row for row in _ELSEWHERE if issubclass(asked.form, row[0]) and asked.spelled in row[1].split())
    return next((Known(hint, "#" if hint.endswith(_COMMENT) else None) for _, _, hint in fitting), None)


def _named(asked: _Asked) -> Known | None:
    """A name, or the word for the thing, that stands before all of its keys."""
    value, keys = asked.value, asked.form.keys
    if len(asked.written) > 1 or not (isinstance(value, Pairs) and value.pairs.keys() & keys.keys()):
        return None
    if asked.key.lower() in ("shot", "beat", "scene", "take") or "name" not in keys:
        return Known(f"take {quoted(asked.key)} out: its keys stand here")
    return Known(f"write `name: {shortened(asked.key, 40)}` beside its keys")


def _meant(asked: _Asked) -> Known | None:
    """The key that was meant: one that is not written yet, and takes the value where there is one that does."""
    free = [each for each in asked.ours if each in asked.form.keys and each not in asked.written]
    fitting = [each for each in free if _takes(asked.form, each, asked.value)]
    fitting.sort(key=lambda each: not _is_term(each, asked.value))
    if asked.under in asked.ours and not (free and len(asked.written) > 1):
        return Known(f"write it as `{asked.under}: ...`", next(iter(fitting), None))
    if not free or (not fitting and _home(asked)):
        return None
    meant = (fitting or free)[0]
    rivals = _rivals(asked, meant)
    if meant == "prompt" and len(rivals) > 1:
        return Known(f"write one `prompt:` of {' and '.join(map(quoted, rivals))}")
    unsure = asked.spelled == "type" and meant in _UNSURE and not _is_term(_UNSURE[meant], asked.value)
    sure = rivals[:1] == [asked.key] and not unsure
    return Known(f"did you mean {quoted(meant)}?", meant if fitting and sure else None)


def _rivals(asked: _Asked, meant: str) -> list[str]:
    """All unknown keys that may mean one of ours and have a value for it: first words for a name, a move for `move`."""
    unknown = {key: value for key, (_, value) in asked.written.items() if key not in asked.form.keys}
    found = [key for key, value in unknown.items() if meant in _ours(key) and _takes(asked.form, meant, value)]
    if meant == "move":
        return sorted(found, key=lambda key: not _is_term("camera", unknown[key]))
    numbers = {key for key in found if isinstance(getattr(unknown[key], "value", ""), (int, float))}
    return sorted(found, key=numbers.__contains__) if meant == "name" else found


def _placed(asked: _Asked) -> Known | None:
    """Where a key of the film stands that is written at its top."""
    if not (found := _home(asked)):
        return None
    home, _, inner = found.partition(": ")
    return Known(f"{quoted(inner)} belongs to {quoted(home)}: write `{home}: {{{inner}: ...}}`", found)


def _there(asked: _Asked) -> Known | None:
    """What is meant is written already, or belongs to another form."""
    there = next((each for each in asked.ours if each in asked.form.keys), "")
    belongs = _belongs(asked.key) or _belongs(next(iter(asked.ours), ""))
    if there == "name":
        return Known(f"`name` is written here already: {_COMMENT}", "#")
    if there:
        return Known(f"{quoted(there)} is written here already: put both into one")
    return Known(belongs) if belongs and issubclass(asked.form, LevelForm) else None


def _near(asked: _Asked) -> Known | None:
    """A key that is spelled nearly so."""
    near = asked.problems.nearest(asked.key, asked.form.keys)
    if not near:
        belongs = "" if asked.ours else _belongs(asked.key)
        return Known(belongs) if belongs else None
    sure = near not in asked.written and nearest(asked.key, [near], cutoff=0.8)
    return Known(f"did you mean {quoted(near)}?", near if sure and _takes(asked.form, near, asked.value) else None)


def _ours(key: str) -> list[str]:
    """Our keys that a key of others may mean."""
    return [ours for ours, others in OTHER_WORDS.items() if _spelled(key) in others.split()]


def _takes(form: type[Form], key: str, value: Node | None) -> bool:
    """Whether a key takes a value; what is wrong inside of it does not count."""
    value = by_name(value) if value and key == "cast" else value
    plain = ["-"] if isinstance(value, Items) else {} if isinstance(value, Pairs) else getattr(value, "value", None)
    faults: list[Fault] = []
    form.keys[key].shape.read(plain, ("",), faults)
    return (isinstance(value, Scalar) and "${" in value.text) or all(
        len(fault.loc) > 1 or fault.like for fault in faults
    )


def _is_term(kind: str, value: Node | None) -> bool:
    """Whether a value is a film term of this kind, which tells what stands under `shot_type`."""
    words = value.text if isinstance(value, Scalar) else ""
    return bool(camera(words) if kind == "camera" else kind in TABLE and find(kind, words))


def _is_length_of_all(key: str, written: Mapping[str, tuple[int, Node]]) -> bool:
    """Whether a key is the length of all shots below it, each of which has its own."""
    words = {"duration", "runtime", *OTHER_WORDS["duration"].split()}
    lists = (node for name, (_, node) in written.items() if {name, *_ours(name)} & {"shots", "scenes", "beats"})
    shots = [item.pairs if isinstance(item, Pairs) else {} for node in lists for item in getattr(node, "items", ())]
    each = (any(_spelled(name) in words for name in shot) or _is_length_of_all(key, shot) for shot in shots)
    return _spelled(key) in words and bool(shots) and all(each)


def _home(asked: _Asked) -> str:
    """Under which of the film's keys one stands that takes the value, as `output: fps`; empty where under none."""
    for key in (asked.key, *asked.ours) if asked.form is FilmForm else ():
        for home, place in ((home.strip("`"), place) for home, place in _HOMES.items() if key in place.keys):
            if home in FilmForm.keys and _takes(place, key, asked.value):
                return f"{home}: {key}"
    return ""


def _belongs(key: str) -> str:
    fitting = [home for home, place in _HOMES.items() if key in place.keys]
    return f"{quoted(key)} belongs to {' or '.join(fitting)}" if fitting else ""


def _quotes(key: str, value: Node | None) -> str:
    """A hint at a text that its colon has made a key of."""
    if " " not in key:
        return ""
    if isinstance(value, Scalar) and _is_length(value):
        return f"write it as {{prompt: {shortened(key, 40)}, duration: {value.text}}}"
    return f'a text with `: ` in it needs quotes: "{shortened(key, 40)}: ..."'


def _is_length(value: Node | None) -> bool:
    try:
        return isinstance(value, Scalar) and bool(time(value.value))
    except Wrong:
        return False


def _listed(form: type[Form]) -> str:
    written = f"; write it as {form.example}" if form.example else ""
    own = "; a key of your own begins with `x-`" if form is FilmForm else ""
    return f"known keys here: {', '.join(form.keys)}{written}{own}"
