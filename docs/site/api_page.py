"""The HTTP API, from the OpenAPI document that the page's server serves."""

from typing import Any

from otrade.contract.messages import KEY_PATTERN
from otrade.web.rest.openapi import document

HEAD = f"""# HTTP API

Made from the OpenAPI 3.1 document, which a running server serves at `/api/v1/openapi.json` and shows at `/api/v1/docs`.

**Units.** Prices and money end in `_e4`: ten-thousandths of a rupee. Moments end in `_ms`: milliseconds since 1970, of the
engine's clock. Quantities are units.

**Who asks.** A script sends `Authorization: Bearer TOKEN` with a token of `otrade token new`; its scopes (read, trade, admin)
say what it may do ([Security](security.md#who-may-do-what)). A command also sends an `Idempotency-Key` of the form
`{KEY_PATTERN}`: the same key again gets the first answer, and nothing is done twice.

```
otrade token new robot --scope read --days 30
curl -H "Authorization: Bearer TOKEN" http://127.0.0.1:8000/api/v1/status
```

The words of states (`OrdStatus`, `Halt`, `Leg`) are in the [glossary](glossary.md#words-of-states).
"""


def _type(schema: dict[str, Any] | bool | None) -> str:
    """A shape in a few words."""
    if not isinstance(schema, dict):
        return "anything"
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "anyOf" in schema:
        return " or ".join(_type(one) for one in schema["anyOf"])
    if "enum" in schema:
        return ", ".join(f"`{one}`" for one in schema["enum"])
    kind = schema.get("type", "anything")
    if kind == "array":
        return f"list of {_type(schema.get('items'))}"
    if kind == "object" and "additionalProperties" in schema:
        return f"object of {_type(schema['additionalProperties'])}"
    return str(kind)


def _cell(text: str) -> str:
    return " ".join(text.split()).replace("|", "\\|")


def _operation(method: str, path: str, told: dict[str, Any]) -> list[str]:
    lines = [f"### {method.upper()} {path}", "", f"{_cell(told.get('summary', ''))}.", ""]
    if told.get("description"):
        lines += [_cell(told["description"]), ""]
    asked = [one for one in told.get("parameters", []) if "$ref" not in one]
    if asked:
        lines += ["| parameter | in | type | |", "| --- | --- | --- | --- |"]
        lines += [
            f"| `{one['name']}` | {one['in']} | {_type(one.get('schema'))} "
            f"| {'required. ' if one.get('required') else ''}{_cell(one.get('description', ''))} |"
            for one in asked
        ]
        lines.append("")
    for content in told.get("requestBody", {}).get("content", {}).values():
        lines += [f"Body: {_type(content.get('schema'))}.", ""]
    for status, answer in sorted(told.get("responses", {}).items()):
        if status.startswith("2"):
            for content in answer.get("content", {}).values():
                lines += [f"Answer {status}: {_type(content.get('schema'))}.", ""]
    refused = sorted(s for s in told.get("responses", {}) if not s.startswith("2"))
    if refused:
        lines += [f"Refusals: {', '.join(refused)}, each a [Problem](#problem).", ""]
    return lines


def _shape(name: str, schema: dict[str, Any]) -> list[str]:
    lines = [f"### {name}", ""]
    if schema.get("description"):
        lines += [_cell(schema["description"]), ""]
    fields = schema.get("properties")
    if not fields:
        return [*lines, f"{_type(schema)}", ""]
    required = set(schema.get("required", ()))
    lines += ["| field | type | |", "| --- | --- | --- |"]
    lines += [
        f"| `{field}` | {_type(kind)} | {'' if field in required else 'may be absent. '}"
        f"{_cell(kind.get('description', '') if isinstance(kind, dict) else '')} |"
        for field, kind in fields.items()
    ]
    return [*lines, ""]


def page() -> str:
    """Markdown."""
    told = document()
    lines = [HEAD, "## Operations", ""]
    for path, methods in told["paths"].items():
        for method, operation in methods.items():
            if not operation.get("deprecated"):
                lines += _operation(method, path, operation)
    lines += ["## Shapes", ""]
    for name, schema in sorted(told["components"]["schemas"].items(), key=lambda row: row[0]):
        lines += _shape(name, schema)
    return "\n".join(lines)
