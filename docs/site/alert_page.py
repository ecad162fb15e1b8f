"""The table of alerts, from `otrade/live/alerts/rules.py`."""

from otrade.live.alerts.rules import ALERTS, AlertLevel

WORDS = {
    AlertLevel.LOUDEST: "ACT NOW",
    AlertLevel.ALARM: "alarm",
    AlertLevel.ERROR: "error",
    AlertLevel.WARN: "warn",
    AlertLevel.INFO: "info",
}


def page() -> str:
    """Markdown."""
    rows: dict[str, list[str]] = {words: [] for words in (*WORDS.values(), "as the notice", "none")}
    for code, level in ALERTS.items():
        if level is None:
            rows["none"].append(code)
        elif isinstance(level, AlertLevel):
            rows[WORDS[level]].append(code)
        else:
            rows["as the notice"].append(code)
    lines = [
        "# Alerts by code",
        "",
        "Made from `otrade/live/alerts/rules.py`: the level at which each notice becomes an alert. A code that is not listed becomes",
        "an alert when its notice is an ALARM. How targets, quiet hours and repetitions work: [Alerts](alerts.md).",
        "",
        "| level | notices |",
        "| --- | --- |",
    ]
    lines += [
        f"| {level} | {', '.join(f'`{code}`' for code in sorted(codes))} |"
        for level, codes in rows.items()
    ]
    return "\n".join(lines) + "\n"
