"""What to write for a key that nobody knows: the one that was meant, where it stands, or what stands there."""

from __future__ import annotations

import re
from collections.abc import Collection

from sora_cli.storyboard.direction import CameraForm
from sora_cli.storyboard.forms import Wrong, duration
from sora_cli.storyboard.model import Loc
from sora_cli.storyboard.nodes import Node, Pairs, Scalar
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
)
from sora_cli.storyboard.shapes import Form
from sora_cli.storyboard.source import quoted
from sora_cli.texts import shortened

OTHER_WORDS = {
    "prompt": "text description desc action caption shot beat content visual visuals visual_description video_prompt "
    "shot_description scene_description positive positive_prompt subject",
    "duration": "length lenght len seconds secs time frames num_frames frame_count duration_seconds duration_s "
    "duration_sec duration_secs length_seconds clip_length total_duration timing timestamp time_range",
    "avoid": "negative negative_prompt neg_prompt", "engine": "model checkpoint video_model", "seed": "random_seed",
    "from": "image picture start first_frame start_image init_image input_reference",
    "to": "end last_frame end_image", "reference": "ref refs image picture photo", "takes": "candidates variations",
    "move": "movement motion type",
    "camera": "movement camera_motion camera_move camera_movement camera_work motion movement_type",
    "framing": "shot_size shot_type type_of_shot composition", "angle": "camera_angle shot_angle",
    "lens": "focal_length", "light": "lighting time_of_day lighting_style", "pace": "pacing",
    "style": "visual_style art_style aesthetic", "mood": "tone atmosphere vibe",
    "setting": "location place background environment", "sound": "audio sfx effects sound_effects ambient",
    "cast": "characters character who speaker", "line": "say says text words speech",
    "title": "name caption heading project project_name project_title film_title", "transition": "transition_type cut",
    "output": "settings format render video",
    "shots": "clips panels segments shot", "scenes": "sequences acts scene",
    "name": "id shot scene label number nr shot_number shot_no shot_id shot_name scene_number scene_no scene_id "
    "scene_name",
    "dialogue": "dialog lines voiceover voice_over vo narration speech script say", "subtitles": "captions",
    "options": "steps num_inference_steps cfg cfg_scale guidance guidance_scale sampler scheduler", "vars": "variables",
    "storyboard": "version schema",
    "size": "resolution dimensions width", "aspect": "ratio aspect_ratio", "fps": "framerate frame_rate",
    "looks": "look appearance description desc prompt text style", "kind": "type style effect name",
    "at": "start start_time begin from time when", "first": "start from first_frame", "last": "end to last_frame",
    "up to": "max most count number takes", "level": "volume gain db loudness",
    "words": "text prompt description line file path sound",
}  # fmt: skip
"""Words that people bring from other tools, by our keys; of several keys the one that may stand there is meant."""
_SEEN = frozenset({"prompt", *OTHER_WORDS["prompt"].split()} - {"shot", "beat"})
"""What people call that which is seen in a shot."""
_ELSEWHERE: tuple[tuple[type[Form], str, str], ...] = (
    (
        Form,
        "include includes extends import imports inherit $ref",
        "a storyboard is one file: write here what stands in the other one",
    ),
    (
        FilmForm,
        "defaults default common globals",
        "what holds for all shots stands at the top, as `style: ...`; a key of yours begins with `x-`",
    ),
    (Form, "notes note comment comments remarks", "a note is a comment: `# ...`"),
    (
        FilmForm,
        "metadata meta project_info info",
        "title and the like stand at the top; a key of yours begins with `x-`",
    ),
    (
        CameraForm,
        "angle lens framing shot shot_type shot_size size camera_angle focal_length",
        "`framing:`, `angle:` and `lens:` stand beside `camera:`",
    ),
    (FilmForm, "author authors artist creator director", "who made it: `provenance: {author: NAME}`"),
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


def known_keys(loc: Loc, form: type[Form], parent: Node, problems: Problems) -> str:
    """A hint at what to write for the unknown key at `loc`, which stands in a mapping, `parent`, that is this form."""
    key, pairs = str(loc[-1]), parent.pairs if isinstance(parent, Pairs) else {}
    value = pairs[key][1] if key in pairs else None
    if form is SceneForm and "shots" not in pairs and _spelled(key) in _SEEN:
        return one_shot(parent)
    if form is FilmForm and re.fullmatch(r"(?:shot|scene|clip)_?[0-9]+", _spelled(key)):
        return _NUMBERED if isinstance(value, Pairs) else _NOTES
    known = _elsewhere(key, form) or _named(key, value, form, alone=len(pairs) == 1)
    return known or _meant(loc, form, pairs, problems) or _quotes(key, value) or _listed(form)


def one_shot(scene: Node) -> str:
    """What to write for a scene without shots that says what is seen, as a shot does; empty for others."""
    if isinstance(scene, Pairs) and any(_spelled(key) in _SEEN for key in scene.pairs):
        return "a scene holds shots: where each is one shot, write `shots:` in the place of `scenes:`"
    return ""


def _spelled(key: str) -> str:
    return re.sub(r"[\s-]+", "_", key.lower())


def _elsewhere(key: str, form: type[Form]) -> str:
    found = (hint for where, keys, hint in _ELSEWHERE if issubclass(form, where) and _spelled(key) in keys.split())
    return next(found, "")


def _meant(loc: Loc, form: type[Form], written: Collection[str], problems: Problems) -> str:
    """A hint at the key that was meant: one that is not `written` yet, or one of another form."""
    key = str(loc[-1])
    ours = [ours for ours, others in OTHER_WORDS.items() if _spelled(key) in others.split()]
    inside = next((each for each in ours if each in loc[-2:-1]), "")
    meant = next((each for each in ours if each in form.keys and each not in written), "")
    if inside and not (meant and len(written) > 1):
        return f"write it as `{inside}: ...`"
    if meant:
        return f"did you mean {quoted(meant)}?"
    belongs = _belongs(key) or _belongs(ours[0] if ours else "")
    if issubclass(form, LevelForm) and belongs:
        return belongs
    return problems.meant(key, form.keys) or ("" if ours else belongs)


def _belongs(key: str) -> str:
    fitting = [home for home, place in _HOMES.items() if key in place.keys]
    return f"{quoted(key)} belongs to {' or '.join(fitting)}" if fitting else ""


def _named(key: str, value: Node | None, form: type[Form], *, alone: bool) -> str:
    """A hint at a name, or the word for the thing, that stands before all of its keys."""
    if not (alone and isinstance(value, Pairs) and value.pairs.keys() & form.keys.keys()):
        return ""
    if key.lower() in ("shot", "beat", "scene", "take") or "name" not in form.keys:
        return f"take {quoted(key)} out: its keys stand here"
    return f"write `name: {shortened(key, 40)}` beside its keys"


def _quotes(key: str, value: Node | None) -> str:
    """A hint at a text that its colon has made a key of."""
    if " " not in key:
        return ""
    if isinstance(value, Scalar) and _is_length(value):
        return f"write it as {{prompt: {shortened(key, 40)}, duration: {value.text}}}"
    return f'a text with `: ` in it needs quotes: "{shortened(key, 40)}: ..."'


def _is_length(value: Scalar) -> bool:
    try:
        return bool(duration(value.value))
    except Wrong:
        return False


def _listed(form: type[Form]) -> str:
    written = f"; write it as {form.example}" if form.example else ""
    own = "; a key of your own begins with `x-`" if form is FilmForm else ""
    return f"known keys here: {', '.join(form.keys)}{written}{own}"
