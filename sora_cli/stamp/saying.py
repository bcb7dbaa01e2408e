"""What a verdict says, in one plain sentence of which every word is true."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Literal, TypedDict

from sora_cli.stamp import statements
from sora_cli.stamp.meaning import meaning
from sora_cli.stamp.reading import ValidationStatus

Trust = Literal["this installation", "anchor", "unknown"]

NOT_PROVEN: Mapping[str, str] = {
    "remote": "{name} has its credential on the network, where it was not read: nothing is proven about it.",
    "none": "{name} carries no credential: nothing is proven about where it comes from.",
    "unsupported": "{name} cannot carry a credential, and none lies beside it: nothing is proven about it.",
    "unreadable": "{name} is damaged or is not what its name says: nothing is proven about it.",
    "beside": "{name} has a credential that is damaged: nothing is proven about it.",
    "broken": "{name} or its credential is damaged: nothing is proven about it.",
}
"""What is said where nothing could be validated, by how the file reads; `beside`: a broken credential is not in it."""

STAMPING = frozenset({"c2pa.opened", "c2pa.addedText", "c2pa.transcoded", "c2pa.repackaged", "c2pa.published"})
"""Actions after which a film is what it was, with a mark or a credential."""

ALONE = "{name} tells what was signed. It is a credential without its file, so nothing is proven about one."


class Facts(TypedDict):
    """What a verdict tells of a film and of its signer."""

    signer: str
    issuer: str
    serial: str
    certificate_ends: str
    time_stamp: str
    generator: str
    title: str
    author: str
    created: str
    source: str
    training: str
    moderation: str
    actions: tuple[str, ...]
    parameters: Mapping[str, object]


def say(
    name: str,
    facts: Facts,
    trust: Trust,
    *,
    harm: Sequence[ValidationStatus],
    broken: Sequence[str],
    lapsed: Sequence[str],
) -> str:
    """One plain sentence: what was proven, by whom, whether that one is trusted, what was changed."""
    signer = statements.quoted(facts["signer"])
    who = {
        "this installation": f"this installation's own self-made signer, {signer}",
        "anchor": f"{signer}, whom a trusted certificate vouches for",
        "unknown": f"an unknown signer who goes by {signer}",
    }[trust]
    if harm:
        reasons = "; ".join(dict.fromkeys(meaning(each.code) for each in harm))
        claimed = f" It names {signer} as its signer." if facts["signer"] else ""
        return f"{name} does not verify: {reasons}.{claimed}"
    if broken:
        parts = "; ".join(broken)
        return f"{name} is as it was signed by {who}, but a part of it had been tampered with before: {parts}."
    if lapsed:
        return f"{name} was not changed since it was signed by {who}, but {'; '.join(lapsed)}."
    made = f"{_done(facts['actions'])} with {facts['generator'] or 'an unnamed program'}"
    when = f" on {facts['created'][:10]}" if facts["created"] else ""
    stamped = f" (time-stamped {facts['time_stamp'][:10]})" if facts["time_stamp"] else ""
    whole = f"{name} was {made}{when}, is signed by {who}{stamped}, and was not changed since"
    if trust == "unknown":
        return f"{name} was not changed since it was signed, but by {who}: anybody could have signed it so."
    return f"{whole}."


def _done(actions: Sequence[str]) -> str:
    """What was done to a file whose credential tells of these actions."""
    if "c2pa.opened" not in actions:
        return "made"
    return "changed" if set(actions) - STAMPING else "stamped"
