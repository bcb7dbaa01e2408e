"""The plan: a storyboard made exact, its takes, and where they play."""

from sora_cli.plan.plan import Plan, PlannedShot, film_id, in_file_order, plan_takes, round_half_up, survey

__all__ = ["Plan", "PlannedShot", "film_id", "in_file_order", "plan_takes", "round_half_up", "survey"]
