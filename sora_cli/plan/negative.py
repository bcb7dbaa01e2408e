"""What an engine avoids by default, without what contradicts the author."""

from __future__ import annotations

import re
from collections.abc import Iterator

from sora_cli.storyboard.model import Beat

_DRAWN = (
    r"animat|cartoon|anime|paint|watercolou?r|illustrat|drawing|drawn|sketch|\bink\b|\bclay|stop.motion|cut-?out|pixel"
    r"|comic|storybook|engraving|woodcut|pastel|crayon|collage|\bart\b"
)
CANCELS: tuple[tuple[str, str, str], ...] = (
    (r"static|still picture", r"\b(static|still|motionless|frozen|fixed|locked|stationary)\b", "something stays still"),
    (r"style|works|paintings|images|cartoon", _DRAWN, "the style is a drawn one"),
    (r"blurr", r"blur|shallow|bokeh|out of focus|soft focus|\b(fog|mist|haze)", "something is blurred"),
    (r"overall gray", r"overcast|\bgr[ae]y|fog|mist|monochrome|black.and.white|noir", "the picture is grey"),
    (r"bright tones|overexposed", r"\bbright|high-key|overexposed|blinding|\bglar", "the light is bright"),
    (r"many people", r"crowd|\b(many|lots of|hundreds of) people|audience|parade|stadium", "many people are there"),
    (r"messy background", r"mess|clutter|untidy|rubble|junk", "the place is untidy"),
    (r"walking backwards", r"backward|steps? back", "somebody goes backwards"),
    (r"subtitles", r"subtitle|caption", "there are subtitles"),
    (r"ugly|deformed|disfigured|misshapen", r"ugly|deformed|monst|grotesque|zombie|misshapen", "it is misshapen"),
    (r"jittery", r"hand-?held|shaky|jitter", "the camera is handheld"),
    (r"distorted", r"distort|warped|fun-?house", "something is distorted"),
)
"""What of the default negative words goes, when what the author wrote has this in it, and why."""
_CANCELS = re.compile("|".join(f"(?:{wants})" for _, wants, _ in CANCELS))

_DENIED = re.compile(r"\b(no|not|without|never|nobody)\b[^,.;]*", re.IGNORECASE)


def without_contradictions(words: str, beat: Beat) -> tuple[str, tuple[tuple[str, str], ...]]:
    """The words of a list that do not contradict a beat; and those that do, each with the reason."""
    kept, dropped = [], []
    said = _DENIED.sub("", " . ".join(_wanted(beat)).lower())
    if not _CANCELS.search(said):  # as mostly, and a film may have ten thousand shots
        return words, ()
    wanted = [(topic, why) for topic, wants, why in CANCELS if re.search(wants, said)]
    for item in (part.strip() for part in words.split(",")):
        if reason := next((why for topic, why in wanted if re.search(topic, item.lower())), ""):
            dropped.append((item, reason))
        else:
            kept.append(item)
    return ", ".join(kept), tuple(dict.fromkeys(dropped))


def _wanted(beat: Beat) -> Iterator[str]:
    yield from (beat.prompt, beat.sent, beat.style, beat.setting, beat.light)
    yield from (beat.camera, beat.framing, beat.depth_of_field)
