"""Content rules: what may not and what must be said to a borrower, by market."""

from domain.content_rules.checking import ContentBook, Finding, check_content, notice
from domain.content_rules.message import Circumstances, Facts, Wording
from domain.content_rules.model import ContentPack, Need, Part, When

__all__ = [
    "Circumstances",
    "ContentBook",
    "ContentPack",
    "Facts",
    "Finding",
    "Need",
    "Part",
    "When",
    "Wording",
    "check_content",
    "notice",
]
