"""The model check: the real core against a broker that may do anything, every order of events up to a depth.

`state.py` is what the world outside the core looks like, `events.py` what may happen next, `world.py` does it to a real
engine, `canonical.py` says when two states are the same, `invariants.py` what must hold at each, `friendly.py` that a
way out exists from each, `explorer.py` walks, `__main__.py` prints. By hand: `python -m tests.model --help`.
"""
