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
    (r"style|works|paintings|images|cartoon|3d cgi|stylized|unrealistic", rf"{_DRAWN}|\b3d\b|\bcgi\b",
     "the style is a drawn one"),
    (r"blur|out of focus", r"blur|shallow|bokeh|out of focus|soft focus|\b(fog|mist|haze)", "something is blurred"),
    (r"too sharp", r"\. deep(?= \.|$)|deep focus|all in focus", "all is sharp"),
    (r"overall gray", r"overcast|\bgr[ae]y|fog|mist|monochrome|black.and.white|noir", "the picture is grey"),
    (r"low contrast|washed out", r"overcast|\bgr[ae]y|fog|mist|\bhaz[ey]|monochrome|black.and.white|faded|pastel",
     "the colours are faint"),
    (r"bright tones|overexposed", r"\bbright|high-key|overexposed|blinding|\bglar", "the light is bright"),
    (r"underexposed|poor lighting", r"low-key|darkness|\bdim(ly)?\b|silhouette|underexposed|noir", "the light is dark"),
    (r"harsh shadows", r"\. hard\b|\bhard (light|sun|shadow)|harsh|noir|high.contrast", "the light is hard"),
    (r"flat lighting", r"\bflat light|overcast|high-key", "the light is flat"),
    (r"oversaturation", r"saturat|\bvivid|neon|technicolor", "the colours are strong"),
    (r"grainy|noise$", r"\bgrainy|film grain|\b(8|16|35) ?mm film|super.?8|\bvhs\b|home video|film stock|found footage",
     "the picture has grain"),
    (r"flickering", r"flicker|strob|candle|firelight|lightning", "the light flickers"),
    (r"reflections", r"reflect|mirror|chrome|puddle", "something is reflected"),
    (r"many people", r"crowd|\b(many|lots of|hundreds of) people|audience|parade|stadium", "many people are there"),
    (r"messy background|clutter", r"mess|clutter|untidy|rubble|junk", "the place is untidy"),
    (r"walking backwards", r"backward|steps? back", "somebody goes backwards"),
    (r"subtitles", r"subtitle|caption", "there are subtitles"),
    (r"ugly|deformed|disfigured|misshapen|extra limbs|skin tones|asymmetrical|uncanny",
     r"ugly|deformed|monst|grotesque|zombie|misshapen", "it is misshapen"),
    (r"exaggerated", r"exaggerat|grimac|slapstick|clown|\bmime\b", "faces are exaggerated"),
    (r"jittery|camera shake", r"hand-?held|shaky|shaking|jitter|earthquake", "the camera is handheld"),
    (r"tilted camera", r"dutch|\bcanted|\btilted", "the camera is tilted"),
    (r"distorted", r"distort|warped|fun-?house", "something is distorted"),
    (r"silent", r"\bsilen(t|ce)\b|\bmuted\b", "it is silent"),
    (r"robotic|distorted voice", r"robot|android|cyborg|\bradio\b|megaphone|loudspeaker", "a voice is a machine's"),
    (r"echo", r"\becho|reverb|\bcaves?\b|cavern|cathedral|tunnel", "sounds echo"),
    (r"background noise", r"\bsound of|\bnois[ey]|\bhum\b", "there are sounds"),
    (r"repetitive", r"repeat|again and again|chant", "words are repeated"),
)  # fmt: skip
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
    yield from (beat.camera, beat.framing, beat.angle, beat.depth_of_field)
    yield f"sound of {beat.sound_text}" if beat.sound_text else ""
