"""The plan: a storyboard made exact, its takes, and where they play."""

from sora_cli.plan.place import round_half_up
from sora_cli.plan.plan import Plan, PlannedShot, film_id, in_file_order
from sora_cli.plan.survey import plan_takes, survey

__all__ = ["Plan", "PlannedShot", "film_id", "in_file_order", "plan_takes", "round_half_up", "survey"]
