"""Which of the lender's common questions a message asks, if any."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

from config.faq import Question
from domain.replies.text import plain

if TYPE_CHECKING:
    from sklearn.feature_extraction.text import TfidfVectorizer

CLOSE_ENOUGH = 0.6
"""Cosine of character n-grams from which a message counts as asking the question; below it nobody guesses."""


def question_asked(text: str, questions: tuple[Question, ...]) -> str | None:
    """The id of the nearest question, None where none is near enough."""
    if not questions or len(text) > 500:
        return None
    vectorizer, ways, ids = _index(questions)
    near = (ways @ vectorizer.transform([plain(text)]).T).toarray().ravel()
    best = int(near.argmax())
    return ids[best] if near[best] >= CLOSE_ENOUGH else None


@lru_cache(maxsize=8)
def _index(questions: tuple[Question, ...]) -> tuple[TfidfVectorizer, object, list[str]]:
    # Here, since scikit-learn takes three seconds to import: as long as all else that the web app needs.
    from sklearn.feature_extraction.text import TfidfVectorizer

    vectorizer = TfidfVectorizer(analyzer="char_wb", ngram_range=(2, 4), sublinear_tf=True)
    asked = [(each.id, plain(way)) for each in questions for way in each.asked]
    return vectorizer, vectorizer.fit_transform([way for _, way in asked]), [id for id, _ in asked]
