"""The page on order states is what the table says."""

import runpy
from pathlib import Path

DOCS = Path(__file__).parents[3] / "docs"


def test_the_page_is_drawn_from_the_table():
    drawn = runpy.run_path(str(DOCS / "make_order_states.py"))["page"]()
    assert (DOCS / "order-states.md").read_text() == drawn, (
        "run: python docs/make_order_states.py > docs/order-states.md"
    )
