"""What a language model of the user's says of the prompts of a storyboard: its opinion, told as no more than that."""

from __future__ import annotations

from collections.abc import Iterator

from sora_cli.engines.language import Heard, LanguageModel
from sora_cli.errors import Problem, RequestError, WorkError
from sora_cli.plan import Plan
from sora_cli.plan.advice import Advice, places
from sora_cli.plan.rewording import cleaned
from sora_cli.texts import shortened

TOKENS, LETTERS = 96, 300
"""What an opinion may be: tokens that are written, letters that are shown."""
ASKED = """\
A film-maker wrote this prompt for a video model that makes one clip of {seconds:.1f} seconds.
Name the one thing that is most likely to come out badly, in one sentence. Write OK where there is none.
Prompt: {prompt}
Answer:"""


def opinions(plan: Plan, model: LanguageModel, heard: Heard) -> Iterator[Advice]:
    """What the model says of each beat, at the line of its prompt; a beat that it cannot read costs no other."""
    for place in places(plan):
        asked = ASKED.format(seconds=place.seconds, prompt=place.beat.prompt)
        if not place.still and (said := _said(model, asked, heard)):
            problem = Problem(said, "a model says so, no rule: judge it yourself", plan.board.mark(place.loc))
            yield Advice("opinion", problem, grave=False)


def _said(model: LanguageModel, asked: str, heard: Heard) -> str:
    """Its opinion, or why it has none; nothing where it finds nothing."""
    try:
        said = cleaned(model.answer(asked, limit=TOKENS, seed=None, heard=heard).text)
    except (RequestError, WorkError) as error:
        return f"{model.name} has no opinion: {error.message}"
    finally:
        heard("\n")
    return "" if said.strip(".! ").upper() in {"", "OK"} else f"the opinion of {model.name}: {shortened(said, LETTERS)}"
