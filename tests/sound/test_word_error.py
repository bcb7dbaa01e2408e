"""Sixty sentences in six voices, as Whisper tiny.en hears them: names, numbers, questions, exclamations.

None of them was used to choose the voices.
"""

from __future__ import annotations

import pytest

from sora_cli.sound.voices import find
from tests.sound.hearing import errors, transcript

SENTENCES = (
    "Elizabeth walked along the river until the bells stopped ringing.",
    "Mister Jackson keeps seventeen goats behind the old mill.",
    "Where did you put the letters from Amsterdam?",
    "Don't touch that wire!",
    "The train to Oxford leaves in twenty minutes.",
    "She paid three hundred and fifty dollars for a broken clock.",
    "Is anybody there?",
    "My grandmother never trusted the weather in April.",
    "Robert and Susan met in Vienna on the ninth of May.",
    "What a wonderful surprise!",
    "There are forty eight steps to the top of the tower.",
    "Could you tell me the way to the harbor?",
    "He opened the window and listened to the rain.",
    "Captain Wilson, the engine has stopped!",
    "In nineteen sixty nine my father was eleven years old.",
    "The red car turned left and vanished into the fog.",
    "Why would anyone steal a piano?",
    "Michael promised to bring six eggs and a pound of butter.",
    "The lake was frozen, so we crossed it on foot.",
    "Nobody told Christine that the concert was canceled.",
    "How many brothers do you have?",
    "Twenty two people signed the petition.",
    "Look at the stars!",
    "The baker closes at half past five on Sundays.",
    "I have never been to Scotland, but I would love to go.",
    "Patrick lost his keys somewhere between Boston and Chicago.",
    "The child laughed and threw the ball over the fence.",
    "Are you sure that this is the right house?",
    "Our neighbor grows tomatoes, onions and beans.",
    "Wait for me, Benjamin!",
    "The storm took the roof off the church in December.",
    "A hundred years ago this street was a field.",
    "Who left the gate open again?",
    "Doctor Thompson will see you in a moment.",
    "They built the bridge in less than eight months.",
    "The soup is cold, and the bread is stale.",
    "Please hand me the small blue box on the shelf.",
    "Can you hear the ocean from here?",
    "I told you not to come!",
    "Victoria painted the kitchen yellow last summer.",
    "The ship carried ninety tons of coal to Lisbon.",
    "If it snows tomorrow, the school will be closed.",
    "Which of these three doors leads outside?",
    "Help! The boat is sinking!",
    "Peter has two dogs, a cat and a very old parrot.",
    "The mayor of Springfield arrived late and left early.",
    "It takes about fifteen minutes to walk to the station.",
    "Have you ever seen such a big moon?",
    "The thief escaped through the garden.",
    "Charlotte whispered something, but I could not understand it.",
    "Room two hundred and six is on the second floor.",
    "The teacher asked us to write a story about winter.",
    "That is absolutely impossible!",
    "When does the museum open on Friday?",
    "An owl called twice from the dark forest.",
    "The price went up to nine dollars.",
    "George found an old map in the attic of his uncle.",
    "Do you take sugar in your coffee?",
    "The fire burned all night, and in the morning the hill was black.",
    "Thank you, Eleanor, you have been very kind.",
)
VOICES = ("en-us-1", "en-us-2", "en-us-3", "en-us-5", "en-us-8", "en-gb-1")


@pytest.mark.long
@pytest.mark.parametrize("name", VOICES)
def test_a_voice_is_understood(name: str) -> None:
    assert len(SENTENCES) == 60
    wrong = said = 0
    for text in SENTENCES:
        heard = transcript(find(name).speak(text, {}).samples)
        missed, count = errors(text, heard)
        wrong, said = wrong + missed, said + count
        if missed:
            print(f"{name}: {text!r} was heard as {heard!r}")  # noqa: T201  what a person reads of a long test
    print(f"{name}: word error {100 * wrong / said:.1f} % of {said} words")  # noqa: T201
    assert wrong / said <= 0.05
