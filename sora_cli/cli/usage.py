"""What people type out of habit: words that mean a command here, and for all others what to type instead."""

from __future__ import annotations

import re
import shlex
from collections.abc import Collection, Sequence
from itertools import pairwise, takewhile
from pathlib import Path, PurePath

from sora_cli.errors import RequestError
from sora_cli.spelling import YAML, as_stored
from sora_cli.texts import nearest

BOARDS = ("storyboard", "check", "plan", "batch")
"""Commands whose shots are written in a file."""

COMMANDS = {
    "render": "storyboard FILE", "make": "storyboard FILE", "run": "storyboard FILE", "film": "storyboard FILE",
    "build": "storyboard FILE", "create": 'generate "a red ball"', "gen": 'generate "a red ball"',
    "video": 'generate "a red ball"', "init": "new", "start": "new", "list": "models", "engines": "models",
    "engine": "models", "model": "models", "download": "models pull ID", "install": "models pull ID",
    "pull": "models pull ID", "show": "models show ID", "lint": "check FILE", "validate": "check FILE",
    "join": "stitch CLIPS... -o FILM", "concat": "stitch CLIPS... -o FILM", "merge": "stitch CLIPS... -o FILM",
    **dict.fromkeys(("t2v", "txt2vid", "text2video", "text-to-video"), 'generate "a red ball"'),
    **dict.fromkeys(("i2v", "img2vid", "image2video", "image-to-video"), 'generate "a red ball" --image FILE'),
    "cache": "store", "clean": "store clean", "sign": "stamp FILE -o FILM", "info": "verify FILM",
    "clip": 'generate "a red ball"', "animate": 'generate "a red ball" --image FILE',
    **dict.fromkeys(("animatic", "keyframes", "preview"), "stills FILE --animatic"),
    **dict.fromkeys(("estimate", "cost", "dry-run"), "plan FILE"),
    **dict.fromkeys(("remix", "inpaint", "change"), 'edit FILM "a blue ball" --replace "red ball" -o FILM'),
    "restyle": 'edit FILM "a red ball" --restyle "ink drawing" -o FILM',
    "outpaint": 'edit FILM "a beach" --outpaint 16:9 -o FILM',
    "continue": 'extend FILM "it rolls on" -o FILM', "watermark": "stamp FILE -o FILM",
    "finetune": "train NAME --from FOLDER",
    **dict.fromkeys(("subtitle", "subtitles", "captions"), "storyboard FILE --subtitles srt"), "status": "store",
    **dict.fromkeys(("ui", "gui", "web", "server", "api"), "serve"), "speak": 'voices --say "hello" --play-to FILE',
    "score": "review FILM", "convert": "import FILE",
}  # fmt: skip
"""What other programs call a command, and what to type here."""

OPTIONS = {
    "--engine": (
        "engine: NAME", "-e", "-m", "--model", "--checkpoint", "--ckpt", "--ckpt-dir", "--model-path", "--model-id",
        "--repo", "--task",
    ),
    "--avoid": ("avoid: WORDS", "--negative", "--negative-prompt", "--neg"),
    "--steps": (
        "options: {steps: 24}", "--num-inference-steps", "--num-steps", "--sampling-steps", "--sample-steps",
        "--infer-steps",
    ),
    "--option guidance=5": (
        "options: {guidance: 5}", "--guidance", "--guidance-scale", "--guide-scale", "--cfg", "--cfg-scale",
        "--sample-guide-scale",
    ),
    "--option guidance_low=3": ("options: {guidance_low: 3}", "--guidance-low", "--guidance-2", "--guidance-scale-2"),
    "--option shift=5": ("options: {shift: 5}", "--shift", "--flow-shift", "--sample-shift"),
    "--option lora=FILE": ("options: {lora: FILE}", "--lora", "--loras", "--lora-path", "--lora-weights"),
    "--option 'lora={path: FILE, scale: 0.8}'": (
        "options: {lora: {path: FILE, scale: 0.8}}", "--lora-strength", "--lora-scale", "--lora-weight",
        "--lora-multiplier",
    ),
    "--fps": ("output: {fps: 24}", "--frame-rate", "--framerate", "--rate"),
    "--aspect": ("output: {aspect: 16:9, height: 480}", "--aspect-ratio", "--ratio", "--shape"),
    "--size": (
        "output: {size: 640x360}", "--resolution", "--width", "--height", "--res", "-s", "-W", "-H", "--video-size",
    ),
    "--takes": (
        "takes: 3, at a shot or beat", "-n", "--n", "--num", "--count", "--samples", "--batch-size", "--batch-count",
        "--num-videos", "--variations",
    ),
    "--duration": ("duration: 4s, at a shot or beat", "-d", "-t", "--length", "--seconds", "--time"),
    "--duration 81f": (
        "duration: 81f, at a shot or beat", "--frames", "--num-frames", "--frame-num", "--nframes", "--video-length",
    ),
    "--seed": ("seed: 7", "--base-seed", "--noise-seed"),
    "--style": ("style: WORDS",),
    "--camera": ("camera: WORDS, at a shot or beat", "--camera-motion", "--camera-movement"),
    "--image": (
        "from: PICTURE, at a shot or beat", "-i", "--input", "--init-image", "--from", "--first-frame", "--start-image",
        "--start-frame", "--input-reference", "--image-path", "--input-image",
    ),
    "--to-image": (
        "to: PICTURE, at a shot or beat", "--to", "--last-frame", "--end-image", "--end-frame", "--last-image",
    ),
    "--reference": (
        "reference: PICTURE, at a shot or beat", "-r", "--ref", "--references", "--reference-image", "--ref-images",
        "--src-ref-images", "--cameo", "--character", "--characters", "--subject",
    ),
    "--match": ("look: {match: scene}", "--look", "--lut"),
    "--transition": ("transition: dissolve 0.5s, at a shot", "--dissolve", "--fade"),
    "--author": ("provenance: {author: NAME}",),
    "--mark": ("provenance: {watermark: TEXT}", "--watermark", "--no-watermark"),
    "--option": ("options: {KEY: VALUE}", "--opt", "--options"),
    "--output": ("", "--out", "--outfile", "--output-file", "--output-path", "--output-dir", "--dest", "--save-file"),
    "--deliver": ("", "--format", "--codec", "--container"),
    "--memory": ("memory: low", "--low-vram", "--lowvram", "--offload", "--offload-model", "--cpu-offload", "--t5-cpu"),
    "--log": ("", "-v", "--verbose", "--debug"),
    "--json": ("", "-j"),
    "--set": ("vars: {hero: red}", "--var", "--vars", "--define", "-D"),
    "--overwrite": ("", "--force", "-f", "--yes", "-y"),
    "--policy": ("policy: strict", "--strict", "--safe", "--safety"),
    "--title": ("title: NAME",),
    "--subtitles": ("subtitles: srt", "--subs", "--captions"),
    "--music": ("sound: {music: FILE}", "--soundtrack"),
    "--sound": ("sound: off", "--audio", "--no-audio", "--no-sound", "--mute"),
    "--voice": ("narrator: {voice: en-us-1}", "--narrator", "--tts"),
    "--quantize": (
        "memory: {quantize: int8}", "--quantization", "--fp8", "--int8", "--dtype", "--torch-dtype", "--precision",
    ),
    "--upscale": ("output: {upscale: FILE}", "--upscaler", "--upscale-model"),
}  # fmt: skip
"""Options by their names here: how a storyboard has it, and what people call it."""

INSTEAD = {
    "--prompt": 'the prompt needs no option: sora generate "a red ball"',
    "-p": 'the prompt needs no option: sora generate "a red ball"',
    **dict.fromkeys(("--quiet", "-q", "--silent", "--no-progress"), "messages go to stderr: add 2>/dev/null"),
    **dict.fromkeys(("generate --prompt-file", "generate --file"), 'of a file: sora generate "$(cat FILE)"'),
    **dict.fromkeys(("--sampler", "--scheduler", "--sample-solver"), "a model samples by the scheduler in its folder"),
    "--no-overwrite": "leave it out: nothing of yours is replaced",
    "--device": "the first GPU is used; CUDA_VISIBLE_DEVICES=1 names another",
    "--gpu": "the first GPU is used; CUDA_VISIBLE_DEVICES=1 names another",
    "--cpu": "CUDA_VISIBLE_DEVICES= hides the GPU",
    "--version": "sora --version",
    "-V": "sora --version",
    "-v": "sora --version; --log FILE keeps what a command says",
    "export --format": "write --to",
    "plan --prompt": "write --prompts",
    **dict.fromkeys(("edit --prompt", "edit -p"), 'the prompt needs no option: sora edit film.mp4 "a blue ball"'),
    **dict.fromkeys(("extend --prompt", "extend -p"), 'the prompt needs no option: sora extend film.mp4 "it rolls on"'),
    "batch --dry-run": "sora plan FILE says what of each would be made",
    **dict.fromkeys(("--resume", "--continue"), "run the same command again: what is made is not made again"),
}
"""Words that people type as options here, or as options of one command, and what to do instead."""


def meant(words: Sequence[str]) -> list[str]:
    """The command line that `words` mean: `help check` is `check --help`, `version` is `--version`.

    A name of a file is as the disk has it, where that reads the same. `-o=FILE` is `-o FILE`.
    """
    options = words.index("--") if "--" in words else len(words)
    words = [*(_SHORT.sub(r"\1", word) for word in words[:options]), *words[options:]]
    first, rest = words[:1], [*map(_as_stored, words[1:])]
    if first == ["help"]:
        return [*(word for word in rest if not word.startswith("-")), "--help"]
    return ["--version"] if first == ["version"] else first + rest


_SHORT = re.compile("^(-[A-Za-z])=")
"""A short option with its value behind a `=`, which would be the first letter of the value."""


def _as_stored(word: str) -> str:
    option, sign, name = word.partition("=") if word.startswith("--") else ("", "", word)
    stored = as_stored(Path(name))
    return word if stored == Path(name) else f"{option}{sign}{stored}"  # words of a prompt stay to the letter


def refused(
    message: str, *, command: str, known: Collection[str], words: Sequence[str], option: str = ""
) -> RequestError:
    """The error of a command line that cannot be read.

    Args:
        message: what is wrong, as the parser has it.
        command: the command that was asked for, without `sora`; empty where there is none.
        known: the options of that command.
        words: the whole command line.
        option: the option that is not known, where that is what is wrong.
    """
    see, plain = f"see: {f'sora {command}'.strip()} --help", message[:1].lower() + message[1:].rstrip(".")
    if message.startswith("Invalid value"):
        return RequestError(_bad_value(message, words) or plain, hint=see)
    if alone := re.match(r"Option '([^']+)' requires an argument", message):
        see = f"see: {f'sora {command or words[0]}'} --help"
        return RequestError(f"{alone[1]}: nothing stands behind it", hint=f"write its value: {alone[1]} VALUE; {see}")
    named = list(takewhile(lambda word: not word.startswith("-"), words))
    if not command and named[:1] and named[0] in COMMANDS:
        return RequestError(plain.partition(". Did you mean")[0], hint=_command(command, named))
    hint = _option(option, command, known) if option else "" if "Did you mean" in message else _command(command, named)
    return RequestError(plain, hint=hint or see)


def prompt_of(words: Sequence[str]) -> str:
    """The prompt that the words of a command line are.

    Raises:
        RequestError: they name a file, or there is an option among them with another dash.
    """
    for dashed in filter(None, map(_DASHED.fullmatch, words)):
        if f"--{dashed[1]}" in _OPTION_NAMES:
            message = f"{dashed[0]} begins with a dash of text programs, not with hyphens"
            raise RequestError(message, hint=f"write --{dashed[1]}")
    prompt = _CURLY.sub(r"\1", " ".join(words))
    if prompt == "-":
        raise RequestError("- is no prompt", hint='write it in quotes; of a file: sora generate "$(cat FILE)"')
    ending = PurePath(prompt).suffix.lower()
    named = ending in YAML and " " not in prompt
    if not named and (len(prompt) > _LONGEST_NAME or not Path(prompt).is_file()):
        if ending in _FILE_ENDINGS and " " not in prompt:
            raise RequestError(f"{prompt}: there is no such file", hint='a prompt is words: sora generate "a red ball"')
        return prompt
    if ending in YAML:
        hint = f"to make its film: sora storyboard {shlex.quote(prompt)}"
    elif ending in (".txt", ".md", ".csv", ".fountain"):
        hint = f"to make a storyboard of it: sora import {shlex.quote(prompt)}"
    else:
        hint = f'to start from it: sora generate "a red ball rolls" --image {shlex.quote(prompt)}'
    raise RequestError(f"{prompt} is a file, and no prompt", hint=hint)


_FILE_ENDINGS = (
    ".txt", ".md", ".csv", ".tsv", ".json", ".fountain", ".fdx", ".docx", ".pdf", ".xlsx",
    ".png", ".jpg", ".jpeg", ".webp", ".mp4", ".mov", ".webm",
)  # fmt: skip
"""What one word ends in that is a file's name, and no prompt."""
_DASHED = re.compile("[\u2013\u2014\u2212]-?([a-z][a-z-]+)(?:=.*)?")
"""An option whose hyphens a text program made a dash of."""
_OPTION_NAMES = frozenset({
    *OPTIONS, *(name for _, *names in OPTIONS.values() for name in names),
    "--dry-run", "--draft", "--overwrite", "--json", "--events", "--light", "--sound", "--framing",
})  # fmt: skip
_CURLY = re.compile("^[\u201c\u201e\u00ab]([^\u201c\u201d\u201e\u00ab\u00bb]*)[\u201d\u201c\u00bb]$", re.DOTALL)
"""Quotes of a text program around all of a prompt, which a shell does not take away."""
_LONGEST_NAME = 255
_BOUNDS = {
    r"greater than or equal to (\S+)": r"\1 or more", r"less than or equal to (\S+)": r"\1 or less",
    r"a valid integer\b.*": "a whole number", r"a valid number\b.*": "a number",
}  # fmt: skip
"""What a parser says that a value should be, and how it is told."""


def _bad_value(message: str, words: Sequence[str]) -> str:
    """What is wrong with the value of an option, with both as they were typed; '' where that is not told plainly."""
    found = re.match(r"Invalid value for '(-[^']+)'.*?: Input should be (.+)", message.rstrip("."), re.DOTALL)
    if found is None:
        return ""
    option, bound = found.groups()
    for said, told in _BOUNDS.items():
        bound = re.sub(said, told, bound, flags=re.DOTALL)
    typed = [f"{word} {after}" for word, after in pairwise(words) if word == option]
    typed += [word for word in words if word.startswith(f"{option}=")]
    return f"{typed[-1] if typed else option}: it must be {bound}"


def _option(option: str, command: str, known: Collection[str]) -> str:
    option = option if len(option) == 2 else option.replace("_", "-")
    named = {other: (name, key) for name, (key, *others) in OPTIONS.items() for other in (name, *others)}
    if not command and option in {*named, *_OPTION_NAMES} - INSTEAD.keys():
        name = named.get(option, (option,))[0]
        return f'options stand behind their command: sora generate "a red ball" {name}; see: sora --help'
    spelled = {each.lstrip("-"): each for each in (*known, *named) if each.lstrip("-")[0] == option.lstrip("-")[:1]}
    near = spelled.get(nearest(option.lstrip("-"), spelled, cutoff=0.7), "")  # dashes make short words alike
    name, key = named.get(option) or named.get(near, ("", ""))
    behind = _ARGUMENTS.get(command, "") if option in _INPUTS and name not in known else ""
    if own := INSTEAD.get(f"{command} {option}") or INSTEAD.get(option) or behind:
        return own
    if name and name.partition(" ")[0] in known:
        return f"write {name}"
    if key and command in BOARDS:
        return f"that is written in the storyboard, as `{key}`"
    if key and command == "generate":
        return f"that is written in a storyboard, as `{key}`; to write one: sora new"
    return f"did you mean {near}?" if near in known else ""


def _command(command: str, words: Sequence[str]) -> str:
    if command:
        return _ARGUMENTS.get(command, "")
    first = words[0] if words else ""
    files = [word for word in words if PurePath(word).suffix.lower() in (*YAML, *_FILE_ENDINGS)]
    if first in COMMANDS and len(words) > 2 and not files:  # make a film of a dog
        words, first = words[1:], ""
    if first in COMMANDS:
        return f"type: sora {COMMANDS[first]}"
    ending = PurePath(first).suffix.lower()
    if ending in YAML:
        return f"to make its film: sora storyboard {first}"
    if ending in (".mp4", ".mov", ".mkv", ".webm", ".gif", ".webp"):
        return f"to see where it comes from: sora verify {first}"
    prompt = " ".join(words)
    return f"to make a clip of these words: sora generate {_typed(prompt)}" if " " in prompt and not files else ""


def _typed(prompt: str) -> str:
    """A prompt as a shell reads it: in quotes, where it needs them."""
    if all(shlex.quote(word) == word for word in prompt.split()):
        return prompt
    return shlex.quote(prompt) if re.search(r'["$`\\!]', prompt) else f'"{prompt}"'


_INPUTS = frozenset({"-i", "--input", "--input-file", "--file", "--storyboard", "--board", "--script", "--yaml"})
"""Options by which other programs are given the file to work on; here it stands behind the command."""
_ARGUMENTS = {
    "generate": 'say what happens: sora generate "a red ball rolls on the grass"',
    "storyboard": "name one storyboard: sora storyboard FILE; for several: sora batch FILES...; to write one: sora new",
    "check": "name one storyboard: sora check FILE",
    "plan": "name one storyboard: sora plan FILE",
    "batch": "name storyboards, or one and a CSV list: sora batch FILES... -o FOLDER",
    "stitch": "name the clips, and where the film goes: sora stitch CLIPS... -o FILM",
    "grade": "name one film, and what it is held to: sora grade CLIP --match REFERENCE -o FILM",
    "stamp": "name one film, and where the stamped one goes: sora stamp FILE -o FILM",
    "verify": "name one film: sora verify FILM",
    "reproduce": "name one film: sora reproduce FILM",
    "extend": 'name a film, and say what happens next: sora extend FILM "the ball rolls on" -o FILM',
    "edit": 'name a film, and say what is there then: sora edit FILM "a red ball" --restyle "ink drawing" -o FILM',
    "direct": 'name a storyboard, or write an idea: sora direct "a fox crosses a frozen lake"',
    "train": "name what is learned, and from what: sora train NAME --from FOLDER --engine ID",
    "import": "name a script, a shot list or a timeline: sora import FILE",
    "export": "name a film, and a format: sora export FILM --to otio",
    "conform": "name an edited timeline, and where the film goes: sora conform CUT -o FILM",
    "review": "name one film: sora review FILM",
    "takes": "name one film that was made from a storyboard: sora takes FILM",
    "stills": "name one storyboard: sora stills FILE",
    "play": "name one storyboard with choices: sora play FILE",
    "models show": "name one engine: sora models show ID",
    "models pull": "name one engine: sora models pull ID",
}
"""What to type where an argument is missing or too much."""
