"""Every key of the configuration, from its JSON Schema."""

import json
from typing import Any

from otrade.config import manager
from otrade.config.manager import RELOADABLE_WORDS

HEAD = f"""# Configuration keys

Made from the JSON Schema (`otrade config schema`). A key that is not listed is refused. May change while trading: {RELOADABLE_WORDS}.
How the file is checked and reloaded: [Configuration](configuration.md).
"""
BOUNDS = (
    ("minimum", ">="),
    ("exclusiveMinimum", ">"),
    ("maximum", "<="),
    ("exclusiveMaximum", "<"),
)


def _kind(schema: dict[str, Any]) -> str:
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_kind(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{json.dumps(one)}`" for one in schema["enum"])
    if "const" in schema:
        return f"`{json.dumps(schema['const'])}`"
    kind = str(schema.get("type", "anything"))
    if kind == "array" and isinstance(schema.get("items"), dict):
        kind = f"list of {_kind(schema['items'])}"
    bounds = [f"{sign} {schema[name]:,}" for name, sign in BOUNDS if name in schema]
    return ", ".join([kind, *bounds])


def _default(schema: dict[str, Any]) -> str:
    if "default" not in schema:
        return "required"
    told = json.dumps(schema["default"])
    return f"`{told}`" if len(told) <= 60 else "see the schema"


def _section(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"## {name}", ""]
    if schema.get("description"):
        lines += [" ".join(schema["description"].split()), ""]
    lines += ["| key | value | default | |", "| --- | --- | --- | --- |"]
    required = set(schema.get("required", ()))
    for key, told in schema.get("properties", {}).items():
        default = _default(told) if key in required or "default" in told else "none"
        words = " ".join(str(told.get("description", "")).split())
        row = (f"`{key}`", _kind(told), default, words)
        lines.append("| " + " | ".join(cell.replace("|", "\\|") for cell in row) + " |")
    return [*lines, ""]


def page() -> str:
    """Markdown."""
    schema = json.loads(manager.json_schema())
    lines = [HEAD]
    for name, told in schema["$defs"].items():
        lines += _section(name, told)
    return "\n".join(lines)
