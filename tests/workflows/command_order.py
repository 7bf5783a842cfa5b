"""Which commands each workflow issues, in the order they stand in its code.

`python -m tests.workflows.command_order` writes what is there now to command_order.json.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

WORKFLOWS = Path(__file__).parents[2] / "workflows"
KEPT = Path(__file__).with_name("command_order.json")
INSIDE = "from temporalio import workflow\n"

_COMMANDS = frozenset(
    {
        "all_handlers_finished",
        "continue_as_new",
        "create_task",
        "deprecate_patch",
        "execute_activity",
        "execute_activity_method",
        "execute_child_workflow",
        "execute_local_activity",
        "execute_local_activity_method",
        "gather",
        "patched",
        "sleep",
        "start_activity",
        "start_activity_method",
        "start_child_workflow",
        "start_local_activity",
        "start_local_activity_method",
        "upsert_memo",
        "upsert_search_attributes",
        "wait",
        "wait_condition",
        "wait_for",
    }
)


def commands_of(source: str, elsewhere: frozenset[str] = frozenset()) -> dict[str, list[str]]:
    """For each function of the module, what it asks of Temporal or of functions that do, in order.

    Those are its own and, by name, the ones `elsewhere`. A class stands for what happens when one is made.
    """
    tree = ast.parse(source)
    classes = {id(f): c.name for c in ast.walk(tree) if isinstance(c, ast.ClassDef) for f in c.body}
    functions = {
        f: classes.get(id(f), f.name) if f.name == "__init__" else f.name
        for f in ast.walk(tree)
        if isinstance(f, ast.FunctionDef | ast.AsyncFunctionDef)
    }
    issuing = {name for f, name in functions.items() if any(_command(call) for call in _calls(f))} | elsewhere
    while True:
        more = {name for f, name in functions.items() if any(_called(c, elsewhere) in issuing for c in _calls(f))}
        if more <= issuing:
            break
        issuing |= more
    found: dict[str, list[str]] = {}
    for function in sorted(functions, key=lambda f: f.lineno):
        asked = [_command(call) or _called(call, elsewhere) for call in _calls(function)]
        kept = [each for each in asked if each is not None and ("(" in each or each in issuing)]
        if kept:
            found[functions[function]] = kept
    return found


def _calls(function: ast.FunctionDef | ast.AsyncFunctionDef) -> list[ast.Call]:
    calls = [node for node in ast.walk(function) if isinstance(node, ast.Call)]
    return sorted(calls, key=lambda call: (call.lineno, call.col_offset))


def _command(call: ast.Call) -> str | None:
    """`sleep(...)` of Temporal or asyncio, with the activity's or workflow's name where there is one."""
    called = call.func
    if not (isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name)):
        return None
    if called.value.id not in ("workflow", "asyncio") or called.attr not in _COMMANDS:
        return None
    first = (
        ast.unparse(call.args[0])
        if call.args and called.attr.endswith(("activity", "method", "workflow", "patched"))
        else ""
    )
    timed = any(keyword.arg == "timeout" for keyword in call.keywords)
    return f"{called.attr}({first}{' with a timeout' if timed else ''})"


def _called(call: ast.Call, elsewhere: frozenset[str]) -> str | None:
    """The name of a function of the module itself, or of one `elsewhere`, whatever it is called on."""
    called = call.func
    if isinstance(called, ast.Name):
        return called.id
    if not isinstance(called, ast.Attribute):
        return None
    own = isinstance(called.value, ast.Name) and called.value.id == "self"
    return called.attr if own or called.attr in elsewhere else None


def today() -> dict[str, dict[str, list[str]]]:
    """For each module that runs inside a workflow; functions of one another they know by their public names."""
    sources = {file.stem: file.read_text() for file in sorted(WORKFLOWS.glob("*.py"))}
    inside = {name: source for name, source in sources.items() if INSIDE in source}
    elsewhere: frozenset[str] = frozenset()
    while True:
        found = {name: commands_of(source, elsewhere) for name, source in inside.items()}
        public = frozenset(name for commands in found.values() for name in commands if not name.startswith("_"))
        if public == elsewhere:
            return {name: commands for name, commands in found.items() if commands}
        elsewhere = public


if __name__ == "__main__":
    KEPT.write_text(json.dumps(today(), indent=1) + "\n")
