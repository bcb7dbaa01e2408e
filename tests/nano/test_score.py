"""The measuring code, on rendered clips whose truth is known."""

import pytest

from examples.nano.score import truth


@pytest.mark.long
def test_the_measuring_is_right_on_rendered_clips() -> None:
    shares = truth(200)
    assert min(shares.values()) >= 0.97, shares


def test_the_measuring_is_mostly_right_on_a_few_rendered_clips() -> None:
    shares = truth(24)
    assert min(shares.values()) >= 0.83, shares  # of 24, or of the ten that fall or bounce, one or two may fail
