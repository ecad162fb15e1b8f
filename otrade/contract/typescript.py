"""The page's half of the contract: `python -m otrade.contract.typescript > web/src/api/contract.ts`.

Everything public in `views`, `queries` and `results` becomes TypeScript in the same order: a `Literal` a union
of words, a struct an interface. A test holds that the committed file equals what is printed here.
"""

import inspect
import sys
import types
from typing import Annotated, Any, Literal, Union, get_args, get_origin

import msgspec

from otrade.contract import queries, results, views

HEAD = """\
// The JSON contract, made from otrade/contract/views.py, queries.py and results.py by `python -m otrade.contract.typescript`. Do not edit.
// _e4: ten-thousandths of a rupee. ts_*_ms: a moment of the engine's clock. null: there is none.
"""

PLAIN: dict[Any, str] = {
    int: "number",
    float: "number",
    bool: "boolean",
    str: "string",
    type(None): "null",
    msgspec.Raw: "unknown",
}
BASES = (views.Row, views.SecretRow)


def generate() -> str:
    """The whole text of `contract.ts`."""
    public = {
        name: value
        for name, value in (vars(views) | vars(queries) | vars(results)).items()
        if not name.startswith("_")
    }
    names = {value: name for name, value in public.items() if _is_alias(value)}
    parts = [HEAD]
    for name, value in public.items():
        if _is_alias(value):
            parts.append(f"export type {name} = {_spell(value, {})};\n")
        elif isinstance(value, type) and issubclass(value, views.Row) and value not in BASES:
            if value.__name__ == name:
                parts.append(_interface(value, names))
            else:
                parts.append(f"export type {name} = {value.__name__};\n")
    return "\n".join(parts)


def _is_alias(value: object) -> bool:
    return get_origin(value) in (Literal, Union, types.UnionType)


def _interface(struct: type[views.Row], names: dict[Any, str]) -> str:
    lines = []
    tag = struct.__struct_config__.tag
    if tag is not None:
        lines.append(f'  {struct.__struct_config__.tag_field}: "{tag}";')
    for field in msgspec.structs.fields(struct):
        mark = "" if field.required else "?"
        lines.append(f"  {field.encode_name}{mark}: {_spell(field.type, names)};")
    if lines:
        lines = [f"export interface {struct.__name__} {{", *lines, "}\n"]
    else:
        lines = [f"export type {struct.__name__} = Record<string, never>;\n"]
    doc = struct.__dict__.get("__doc__")
    if doc:
        words = inspect.cleandoc(doc).split("\n")
        lines.insert(0, "\n".join(["/**", *(f" * {line}".rstrip() for line in words), " */"]))
    return "\n".join(lines)


def _spell(kind: Any, names: dict[Any, str]) -> str:
    if kind in names:
        return names[kind]
    if kind in PLAIN:
        return PLAIN[kind]
    origin, args = get_origin(kind), get_args(kind)
    if origin is Annotated:
        return _spell(args[0], names)
    if origin is Literal:
        return " | ".join(f'"{word}"' if isinstance(word, str) else str(word) for word in args)
    if origin in (Union, types.UnionType):
        return " | ".join(_spell(arg, names) for arg in args)
    if origin is list:
        item = _spell(args[0], names)
        return f"({item})[]" if "|" in item else f"{item}[]"
    if origin is dict:
        return f"Record<{_spell(args[0], names)}, {_spell(args[1], names)}>"
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return kind.__name__
    raise TypeError(f"views.py uses {kind!r}, which has no spelling in TypeScript here")


if __name__ == "__main__":
    sys.stdout.write(generate())
