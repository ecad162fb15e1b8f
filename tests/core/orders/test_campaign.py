"""100,000 random lives of brackets: after every event protected == open, or the difference is being
worked on and timed.
"""

import pytest

from tests.core.orders.campaign import PLANS, campaign

SEQUENCES = 20_000  # for each of five plans
FIRST_SEED = 1


@pytest.mark.parametrize("plan", PLANS)
def test_protected_equals_open(plan):
    print(
        f"seeds {FIRST_SEED}..{FIRST_SEED + SEQUENCES - 1}; one of them: python -m tests.core.orders.campaign --seed N --sequences 1"
    )
    seen = campaign(FIRST_SEED, SEQUENCES, 14, plan)
    # A campaign in which nothing happened proves nothing.
    for what in (
        "lost request",
        "lost answer",
        "refused",
        "too late",
        "doubled",
        "out of order",
        "rejected by the exchange",
        "exit SIGNAL",
        "exit FLATTEN",
        "exit ENTRY_FAILED",
    ):
        assert seen[what] > 50, (what, dict(seen))
    assert seen["brackets"] > SEQUENCES / 2


def test_freeze_slices_too():
    seen = campaign(FIRST_SEED, 2_000, 20, "stop resting", freeze_qty=4)
    assert seen["brackets"] > 3_000
