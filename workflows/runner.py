"""The workflow sandbox, with every import of ours passed through.

Models re-imported for each workflow cost twice the CPU and memory of a loan's first task; they hold no
state that could leak between loans.
"""

from __future__ import annotations

from typing import Any

from temporalio.converter import StorageDriverStoreContext
from temporalio.worker import WorkflowInstance, WorkflowInstanceDetails
from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions
from temporalio.workflow import Info


class _WithoutContexts(WorkflowInstance):
    """A workflow in its sandbox that names no serialization context for its payloads.

    The SDK asks for one at every payload of every task, and the sandbox is entered and left to answer: a quarter of
    a worker's CPU. No converter and no codec of ours looks at it.
    """

    def __init__(self, sandboxed: WorkflowInstance) -> None:
        self._sandboxed = sandboxed

    def activate(self, act: Any) -> Any:
        return self._sandboxed.activate(act)

    def get_info(self) -> Info:
        return self._sandboxed.get_info()

    def get_thread_id(self) -> int | None:
        return self._sandboxed.get_thread_id()

    def get_serialization_context(self, command_info: object) -> None:
        return None

    def get_external_store_context(self, command_info: object) -> StorageDriverStoreContext:
        return StorageDriverStoreContext(target=None)


class LoanRunner(SandboxedWorkflowRunner):
    def create_instance(self, det: WorkflowInstanceDetails) -> WorkflowInstance:
        return _WithoutContexts(super().create_instance(det))


def workflow_runner() -> SandboxedWorkflowRunner:
    return LoanRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())
