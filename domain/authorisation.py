"""Which channels a person agreed to, where their own word, noted by an operator, and the lender's files differ."""

from __future__ import annotations

from domain.contact import Channel


def channels_after_file(
    told: frozenset[Channel],
    *,
    noted: frozenset[Channel] | None,
    holding: frozenset[Channel] | None,
    told_before: frozenset[Channel] | None,
) -> frozenset[Channel] | None:
    """What holds once a file says that `told` were agreed to.

    `noted`: the person's own word; `told_before`: what the file before said; None where there is none. A file takes
    away, for the lender may know of a withdrawal, and never adds to the person's own word. One that says what the file
    before said may be as old as that one and is no news: what was `holding` goes on.
    """
    if noted is None:
        return told
    if told == told_before:
        return holding
    return told & noted
