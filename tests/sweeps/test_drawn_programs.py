"""Drawn programs over every operation of the table, in mixed modes and orders.

`FASTAD_PROGRAMS=100000 pytest tests/sweeps/test_drawn_programs.py -n 2` tries more of them.
"""

from __future__ import annotations

import os

import pytest
from drawing import CALLS, KINDS, drawn, fault_of, report

PROGRAMS = int(os.environ.get("FASTAD_PROGRAMS", "4000"))
BATCH = 50


@pytest.mark.parametrize("first", range(0, PROGRAMS, BATCH))
def test_drawn_programs(first):
    failed = []
    for seed in range(first, min(first + BATCH, PROGRAMS)):
        steps = drawn(seed)
        if fault_of(steps, seed):
            failed.append(report(seed, steps))
    assert not failed, "\n".join(failed)


def test_programs_reach_every_operation_and_kind():
    used = [step for seed in range(2000) for step in drawn(seed)]
    assert {step.case.name for step in used} == set(CALLS)
    assert {step.kind for step in used} == set(KINDS)
