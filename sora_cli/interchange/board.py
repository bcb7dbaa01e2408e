"""An outline as the text of a storyboard."""

from __future__ import annotations

from sora_cli.interchange.outline import Outline, OutlineBeat, OutlineLine, OutlineScene, OutlineShot
from sora_cli.storyboard.writing import Inline, Noted, Tree, comments, written


def board_text(outline: Outline, head: str) -> str:
    """The storyboard, under the comment `head`."""
    output = Inline({key: value for key, value in (("fps", outline.fps), ("aspect", outline.aspect)) if value})
    cast: dict[str, Tree] = {name: Inline({"looks": looks}) for name, looks in outline.cast.items()}
    tree = _kept(
        {
            "storyboard": 1,
            "title": outline.title,
            "provenance": Inline({"author": outline.author}) if outline.author else "",
            "output": output,
            "style": outline.style,
            "mood": outline.mood,
            "avoid": outline.avoid,
            "cast": Noted(cast, ["How each looks: the better the words, the more they stay themselves."])
            if cast
            else "",
            "scenes": [_scene(scene) for scene in outline.scenes],
        }
    )
    return "\n".join([*comments([head]), *comments(outline.notes), written(tree)])


def _kept(values: dict[str, Tree]) -> dict[str, Tree]:
    return {key: value for key, value in values.items() if value not in ("", {}, [])}


def _noted(value: Tree, notes: list[str]) -> Tree:
    return Noted(value, notes) if notes else value


def _scene(scene: OutlineScene) -> Tree:
    shots: list[Tree] = [_shot(shot) for shot in scene.shots]
    values = {"name": scene.name, "setting": scene.setting, "light": scene.light, "shots": shots}
    return _noted(_kept({**values}), scene.notes)


_WORDS_OF_A_SHOT = (
    "name", "framing", "angle", "lens", "light", "camera", "transition", "picture", "sound", "speed", "style", "mood",
    "avoid", "title",
)  # fmt: skip
"""What of a shot is written as it is, in this order."""


def _shot(shot: OutlineShot) -> Tree:
    values = _kept({"from" if key == "picture" else key: getattr(shot, key) for key in _WORDS_OF_A_SHOT})
    if shot.seed:
        values["seed"] = int(shot.seed)
    notes = list(shot.notes)
    if len(shot.beats) == 1:
        values |= _beat(shot.beats[0])
        notes += shot.beats[0].notes
    elif shot.beats:
        values["beats"] = [_noted(_beat(beat), beat.notes) for beat in shot.beats]
    elif shot.title:
        values["duration"] = "3s"
    return _noted(values, notes)


def _beat(beat: OutlineBeat) -> dict[str, Tree]:
    lines: list[Tree] = [_line(line) for line in beat.lines]
    return _kept({"prompt": beat.prompt, "duration": beat.duration, "dialogue": lines})


def _line(line: OutlineLine) -> Tree:
    value = Inline({"cast": line.who} if line.who else {})
    value["line"] = line.words
    if line.at:
        value["at"] = line.at
    if line.offscreen:
        value["offscreen"] = True
    return _noted(value, line.notes)
