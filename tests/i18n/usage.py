"""Which words the sources ask for: keys that stand there whole, and patterns of keys that are put together."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from pathlib import Path

#: Functions of Python whose first argument is a key.
LOOKUPS = {"text", "say", "_words"}
#: In TypeScript a key is a string that begins with the first part of one.
QUOTED = re.compile(r"""(["'`])((?:\$\{[^}]*\}|[\w.])+)\1""")


def used_keys(package: Path, frontend: Path) -> tuple[set[str], list[re.Pattern[str]]]:
    """Keys asked for literally, and patterns: what begins like ``option.<anything>`` counts as asked for."""
    english = json.loads((package / "i18n" / "en.json").read_text("utf-8"))
    rooms = {key.split(".")[0] for key in english}
    literal: set[str] = set()
    patterns: set[str] = set()
    for parts in [*_of_python(package), *_of_typescript(frontend, rooms)]:
        if len(parts) == 1:
            literal.add(parts[0])
        elif parts[0]:
            patterns.add(r"[\w-]+".join(re.escape(part) for part in parts))
    return literal, [re.compile(rf"{pattern}(\.|$)") for pattern in sorted(patterns)]


def _of_python(package: Path) -> Iterator[list[str]]:
    """Each key as the pieces between what is only known when it runs."""
    for path in sorted(package.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if not isinstance(node, ast.Call) or not node.args:
                continue
            name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if name in LOOKUPS:
                yield from _keys(node.args[0])


def _keys(node: ast.expr) -> Iterator[list[str]]:
    match node:
        case ast.Constant(value=str() as key) if "." in key and key.islower():  # README.md is a file
            yield [key]
        case ast.JoinedStr(values=values):
            pieces = [""]
            for value in values:
                if isinstance(value, ast.Constant):
                    pieces[-1] += str(value.value)
                else:
                    pieces.append("")
            yield pieces
        case ast.IfExp(body=body, orelse=orelse):
            yield from _keys(body)
            yield from _keys(orelse)


def _of_typescript(frontend: Path, rooms: set[str]) -> Iterator[list[str]]:
    for path in sorted([*frontend.rglob("*.ts"), *frontend.rglob("*.tsx")]):
        if ".test." in path.name:
            continue
        for _, key in QUOTED.findall(path.read_text("utf-8")):
            if key.split(".")[0] in rooms and "." in key:
                yield re.split(r"\$\{[^}]*\}", key)
