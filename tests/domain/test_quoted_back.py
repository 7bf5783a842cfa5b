"""What is left of a message beside the texts of ours that it quotes."""

from __future__ import annotations

import pytest

from domain.quoted_back import own_words

ES = (
    "ACME: entendemos que pagas 120,00 € el 5 de junio (ref. L1). Responde SI si es correcto, o dinos otra fecha. "
    "Responde BAJA para no recibir SMS"
)
EN = "ACME: we understand you would pay $120 on June 5. Reply YES if that is right. Reply STOP to end texts"
PT = "ACME: entendemos que voce paga R$ 120. Responda SIM se esta certo. Responda SAIR para nao receber SMS"
ONE_WAY = "ACME: tu cuenta L1 tiene 120,00 € pendientes. Llama al 900 100 100. Darse de baja: 900100100"


@pytest.mark.parametrize(
    "text",
    [
        f"Le gusta “{ES}”", f"Le encanta “{ES}”", f"Le gustó “{ES}”", f"No le gusta “{ES}”", f"Se rio de “{ES}”",
        f"Enfatizó “{ES}”", f"Reaccionó con 👍 a “{ES}”", f"Liked “{EN}”", f"Loved “{EN}”", f"Disliked “{EN}”",
        f'Laughed at "{EN}"', f"Emphasized “{EN}”", f"Emphasised “{EN[:60]}…", f"Reacted 👍 to “{EN}”",
        f"Reacted with ❤️ to “{EN}”", f"👍 to “{EN}”", f"Removed a heart from “{EN}”", f"Curtiu “{PT}”",
        f"Amou “{PT}”", f"Riu de “{PT}”", f"Reagiu com 👍 a “{PT}”", "Liked “Sure, thanks”", "Curtiu “STOP”",
        f"“{ES}”", f"> {PT}", f"> {ES[:60]}\n> {ES[60:]}", f"“{ONE_WAY}”",
    ],
)  # fmt: skip
def test_a_reaction_and_a_bare_quotation_of_ours_say_nothing(text: str) -> None:
    assert own_words(text) == ""


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (f"> {ES}\nSí", "Sí"),
        (f"> {EN[:40]}\n> {EN[40:]}\nno", "no"),
        (f"“{ES}” vale", "vale"),
        (f'"{EN}"\nyes', "yes"),
        (f"«{ES}» el viernes pago 50", "el viernes pago 50"),
        (f"Liked “{EN}” but I can only pay Friday", "but I can only pay Friday"),
        (f"Liked “{EN}” STOP", "STOP"),
        (f"“{EN}” STOP", "STOP"),
        (f'Liked "{EN}" "STOP"', '"STOP"'),
        ("> hola, soy de ACME\nya pagué", "ya pagué"),
    ],
)
def test_what_is_said_beside_a_quotation_is_left(text: str, said: str) -> None:
    assert own_words(text) == said


@pytest.mark.parametrize(
    "text",
    [
        "STOP", '"STOP"', "“BAJA”", "«baja»", "Reply STOP", "> STOP", "> no me escriban más\ngracias",
        "“No me llamen ni me escriban más, por ningún medio, nunca”",
        'Les dije: "no me vuelvan a escribir nunca más por este número"',
        'mi hija escribió "ya no puedo más con esto, me quiero morir hoy mismo"',
        "Me gusta el plan", "I liked the plan, STOP", "le gusta hablar mucho", "", "  hola  ", "Liked", "👍",
        "pago > 50 y < 100", "me dijeron “pague”, y ya pagué",
    ],
)  # fmt: skip
def test_what_quotes_nothing_of_ours_is_left_whole(text: str) -> None:
    assert own_words(text) == text
