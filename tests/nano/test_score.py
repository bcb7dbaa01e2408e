"""The measuring code, on rendered clips whose truth is known."""

import pytest

from examples.nano.edits import SHOWN, box_of, cases
from examples.nano.score import truth
from examples.nano.world import render


@pytest.mark.long
def test_the_measuring_is_right_on_rendered_clips() -> None:
    shares = truth(200)
    assert min(shares.values()) >= 0.97, shares


def test_the_measuring_is_mostly_right_on_a_few_rendered_clips() -> None:
    shares = truth(24)
    assert min(shares.values()) >= 0.83, shares  # of 24, or of the ten that fall or bounce, one or two may fail


def test_the_box_of_an_edit_holds_the_old_actor_and_the_new_one_in_all_frames() -> None:
    (case,) = cases(1)
    actors = [render([scene]).actor[0] for scene in (case.old, case.new)]
    box = box_of(*actors)
    assert case.old.shape != case.new.shape
    assert case.old.colour != case.new.colour
    assert all(bool((box >= (actor > SHOWN)).all()) for actor in actors)
    assert 0.02 < float(box.mean()) < 0.95
