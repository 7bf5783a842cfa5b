"""The workflow sandbox, with every import of ours passed through.

Models re-imported for each workflow cost twice the CPU and memory of a loan's first task; they hold no
state that could leak between loans.
"""

from __future__ import annotations

from temporalio.worker.workflow_sandbox import SandboxedWorkflowRunner, SandboxRestrictions


def workflow_runner() -> SandboxedWorkflowRunner:
    return SandboxedWorkflowRunner(restrictions=SandboxRestrictions.default.with_passthrough_all_modules())
