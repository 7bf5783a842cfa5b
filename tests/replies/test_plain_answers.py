"""Every word for yes or no, as the shipped model reads it, where nothing was asked."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from domain.conversation.yes_no import read_yes_no
from replies.classify import shipped
from tests.domain.conversation.test_answering import after, said, talking

AT = datetime(2026, 11, 27, 15, tzinfo=UTC)
YES = """sí|s|sip|claro|claro que sí|de acuerdo|de acordo|ok|okay|okey|okas|vale|dale|listo|perfecto|correcto|exacto|
así es|confirmo|confirmado|lo confirmo|está bien|está ok|bueno|va|sale|ya|hecho|de una|cabal|sim|certo|combinado|
pode ser|isso|beleza|blz|fechado|yes|yep|yeah|sure|confirmed|correct|that's right|agreed|deal|fine|acepto|aceptado|
me parece|me parece bien|por supuesto|seguro|afirmativo|aceito|👍|✅|👌|sí, es correcto|
estoy de acuerdo|estou de acordo|I agree|I accept|I confirm|sin problema|sem problema|tudo bem|tudo certo|tá bom|
está certo|isso mesmo|hágale|que sí|aceptamos"""
NO = """no|nop|nel|negativo|para nada|no es correcto|incorrecto|así no|não|not|nope|no acepto|no me sirve|
no me conviene|no aceito|that's not right|wrong|no thanks|no gracias|mejor no|ese día no|ese día no puedo|
esa fecha no|esa fecha no puedo|❌|👎"""
CANNOT = "no puedo|não posso"


def circumstances(words: str, country: str) -> dict[str, str | None]:
    held: dict[str, str | None] = {}
    for word in (each.strip() for each in words.split("|")):
        answer, read = read_yes_no(word), shipped().understand(word, AT, country)
        assert answer is not None, word
        intents = [intent.value for intent in read.intents]
        heard = said(*intents, says=answer, confidence=read.confidence, needs_human=read.needs_human)
        held[word] = after(talking(), heard).circumstance
    return held


@pytest.mark.parametrize("country", ["ES", "BR", "US"])
def test_no_word_for_yes_or_no_holds_a_loan_where_nothing_was_asked(country: str) -> None:
    """Given no question of ours, when a borrower writes any word for yes or no, then their loan is not held for what
    the model makes of it; only who cannot pay is in hardship."""
    assert set(circumstances(f"{YES}|{NO}", country).values()) == {None}
    assert set(circumstances(CANNOT, country).values()) == {"hardship"}
