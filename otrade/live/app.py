"""The composition root: options and files become a running engine. `otrade run` is this call."""

import asyncio
from pathlib import Path

import uvloop

from otrade.calendar import Calendar
from otrade.config import ConfigManager, RunOptions
from otrade.live.monitoring.day_report import DaySummary
from otrade.live.runtime.process_memory import hide_memory

EXIT_OK = 0
EXIT_FAULT = 1
EXIT_OPEN = 6
"""Ended with open positions or orders, or with positions that nobody here can explain; they are
listed.
"""


def run(options: RunOptions) -> int:
    """Trade; the exit code of what became of it. OTradeError, whose words a person can act on, when
    it cannot be done.
    """
    hide_memory()
    manager = ConfigManager(options.config)
    calendar_path = manager.config.paths.calendar
    calendar = Calendar.load(Path(calendar_path) if calendar_path else None)
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        summaries = runner.run(_run(manager, options, calendar))
    if any(summary.has_fault for summary in summaries):
        return EXIT_FAULT
    return EXIT_OK if all(summary.is_clean for summary in summaries) else EXIT_OPEN


async def _run(manager: ConfigManager, options: RunOptions, calendar: Calendar) -> list[DaySummary]:
    # Imported when chosen: a live engine carries no simulator.
    if manager.config.mode == "paper":
        from otrade.live.paper_mode import run_paper

        return await run_paper(manager, options, calendar)
    from otrade.live.live_mode import run_live

    return await run_live(manager, options, calendar)
