"""Which loan or campaign a line is about that a workflow logs."""

from __future__ import annotations

from temporalio import workflow

from domain.loan_state import LoanState


def subject() -> dict[str, str]:
    """The ids of the workflow that runs at this moment; nothing outside one."""
    if not workflow.in_workflow():
        return {}
    info = workflow.info()
    ids = {"workflow_id": info.workflow_id, "run_id": info.run_id}
    state = getattr(workflow.instance(), "_state", None)
    if isinstance(state, LoanState):
        ids |= {"lender": state.facts.lender, "loan_id": state.facts.loan_id}
        if state.facts.campaign is not None:
            ids["campaign_id"] = state.facts.campaign
    elif info.workflow_type == "Campaign":
        ids["campaign_id"] = info.workflow_id.removeprefix("campaign-")
    return ids
