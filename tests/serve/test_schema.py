"""What our own OpenAPI page promises, tried with requests that nobody would write."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from sora_cli.serve.desk import Desk
from tests.serve.conftest import listening

FEW = 3
"""Examples of the quick run, which orders no videos: each of these is planned and held to the policy."""
schemathesis = pytest.importorskip("schemathesis")


def no_request_is_a_fault_of_ours(desk: Desk, examples: int) -> None:
    with listening(desk) as address:
        schema = schemathesis.openapi.from_url(f"{address}/openapi.json", wait_for_schema=60)
        each_path(schema if examples > FEW else schema.exclude(path="/v1/videos", method="POST"), examples)


def each_path(schema: Any, examples: int) -> None:
    for each in schema.get_all_operations():
        operation = each.ok()

        @settings(
            max_examples=examples, database=None, derandomize=True,
            suppress_health_check=list(HealthCheck), phases=[Phase.explicit, Phase.generate],
        )  # fmt: skip
        @given(case=operation.as_strategy())
        def tried(case: Any) -> None:
            answer = case.call(timeout=600)
            assert answer.status_code < 500, (case.method, case.path, case.body, answer.text)
            case.validate_response(answer, checks=[schemathesis.checks.not_a_server_error])

        tried()


def test_no_request_is_a_fault_of_ours(desk: Callable[..., Desk]) -> None:
    no_request_is_a_fault_of_ours(desk(), FEW)


@pytest.mark.long
def test_no_request_is_a_fault_of_ours_at_length(desk: Callable[..., Desk]) -> None:
    no_request_is_a_fault_of_ours(desk(rate=100_000), 300)
