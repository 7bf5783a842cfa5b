"""Which commands each workflow issues, in the order they stand in its code.

`python -m tests.workflows.command_order` writes what is there now to command_order.json.
"""

from __future__ import annotations

import ast
import json
from pathlib import Path

WORKFLOWS = Path(__file__).parents[2] / "workflows"
KEPT = Path(__file__).with_name("command_order.json")

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


def commands_of(source: str) -> dict[str, list[str]]:
    """For each function of the module, what it asks of Temporal or of its own functions that do, in order."""
    functions = [n for n in ast.walk(ast.parse(source)) if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    issuing = {f.name for f in functions if any(_command(call) for call in _calls(f))}
    while True:
        more = {f.name for f in functions if any(_own(call) in issuing for call in _calls(f))} - issuing
        if not more:
            break
        issuing |= more
    found: dict[str, list[str]] = {}
    for function in sorted(functions, key=lambda f: f.lineno):
        lines = [_command(call) or _own(call) for call in _calls(function)]
        kept = [line for line in lines if line and (line not in issuing or line.split("(")[0] in issuing)]
        kept = [line for line in kept if "(" in line or line in issuing]
        if kept:
            found[function.name] = kept
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


def _own(call: ast.Call) -> str | None:
    called = call.func
    own = isinstance(called, ast.Attribute) and isinstance(called.value, ast.Name) and called.value.id == "self"
    return called.attr if own and isinstance(called, ast.Attribute) else None


def today() -> dict[str, dict[str, list[str]]]:
    modules = {file.stem: file.read_text() for file in sorted(WORKFLOWS.glob("*.py"))}
    return {name: commands_of(source) for name, source in modules.items() if "@workflow.defn" in source}


if __name__ == "__main__":
    KEPT.write_text(json.dumps(today(), indent=1) + "\n")
