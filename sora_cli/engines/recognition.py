"""Which of the known models a checkpoint is, by what its configurations say."""

from __future__ import annotations

from collections.abc import Mapping

from sora_cli.engines.cards import KnownModel
from sora_cli.engines.cards import known as released
from sora_cli.engines.checkpoint import Checkpoint
from sora_cli.errors import EngineMissing

NAMED = 1.5
"""How alike is what a model's name says: more than its configurations do, less than the repository that it is from."""


def recognise(found: Checkpoint, source: str) -> tuple[KnownModel, bool]:
    """The known model that a checkpoint is, or is most like, and whether it is exactly that.

    One that came from a known model's repository is that model; else its configurations decide.

    Raises:
        EngineMissing: its pipeline class belongs to no family.
    """
    best: tuple[float, KnownModel] | None = None
    kinds = {kind for template in released() for kind in template.pipelines}
    for template in released():
        if found.pipeline in template.pipelines and all(_same(found, template.shape)):
            same = _same(found, template.traits)
            share = sum(same) / len(same) if same else 1.0
            share = NAMED if _is_named_distilled(found, source, template) else share
            share = 2.0 if source == template.card.source else share
            if best is None or share > best[0]:
                best = (share, template)
    if best is None:
        what = found.pipeline or "nameless pipeline"
        kind = f"a {what} of a kind" if what in kinds else f"a {what},"
        raise EngineMissing(
            f"{found.folder} holds {kind} which sora does not run", hint="it runs " + ", ".join(sorted(kinds))
        )
    return best[1], best[0] >= 1.0


def _is_named_distilled(found: Checkpoint, source: str, template: KnownModel) -> bool:
    """Whether a checkpoint is a distilled model by its name: configurations may be those of the full one."""
    if "distilled" not in template.card.name or "distill" not in f"{source} {found.folder.name}".lower():
        return False
    return all(_same(found, {key: value for key, value in template.traits.items() if not key.startswith("scheduler.")}))


def _same(found: Checkpoint, wanted: Mapping[str, object]) -> list[bool]:
    values = ((found.value(key), value) for key, value in wanted.items())
    return [bool(is_) if value is ... else (not is_ if value is None else is_ == value) for is_, value in values]
