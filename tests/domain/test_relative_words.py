"""Who says that they are near to the borrower, and who only has a family of their own."""

from __future__ import annotations

import pytest

from domain.relative_words import says_relative

JUAN, MARIA = "Juan Pérez", "María López"
NEAR_JUAN = """soy la mujer de Juan|soy la mujer de Juan, está en el hospital muy grave|I'm Juan's wife|
im juans brother hes in hospital|I'm Juan's wife, how much does he owe?|sou esposa do Juan|
sou a esposa do Juan, ele está internado na UTI|sou a mãe dele, ele morreu|soy la hija de Juan, yo pago el viernes|
soy su esposa, él perdió el trabajo|habla la esposa de Juan, aceptamos el plan|
le escribe la hija de Juan Pérez, mi papá falleció|Juan is my husband, he had a stroke|mi esposo Juan falleció|
o Juan é meu marido, está internado|this is his mum, he's in prison|it's Juan's mum here, he's in A&E|
Juan's wife here, can we get a payment plan?|hola soy Rosa, esposa de Juan, no puede pagar|soy la viuda de Juan|
buenas tardes soy Rosa la hermana de Juan me pide que les diga que paga el lunes|de parte de mi esposo Juan|
escribo de parte de mi mamá, está enferma|I'm writing on behalf of my dad, he has dementia|
soy la esposa, él está trabajando|aqui é a filha dele, ele está no hospital|aqui quem fala é a esposa do Juan|
quem fala é a filha, meu pai faleceu|soy amigo de Juan, tuvo un accidente|he is my husband, he is at work|
Juan es mi hermano, está preso|im his girlfriend he tried to kill himself|ele é meu marido, faleceu ontem|
soy el hijo del señor Pérez, falleció ayer|soy su nuera, el señor está en coma|sou o genro dele, ele sofreu um AVC|
soy la cuidadora de Juan, tiene alzheimer|I'm Juan's carer, he has dementia"""
NEAR_MARIA = """hi this is marias husband she is in hospital|
Hi, my name is Tom, I'm Maria's partner. She's lost her job.|my mum, Maria, died in August|speaking for maria, her son|
soy el esposo de la señora María López|soy hija de doña María|soy su hijo, ella está internada|
hola buenas tardes habla con Pedro el hijo de maria|su hija al habla|
soy la vecina de María, se la llevaron al hospital|soy la prima de la Mari|somos los hijos de María, ella falleció|
María es mi madre y tiene cáncer|ella es mi esposa, está en terapia|meu nome é Pedro, sou marido da Maria|
aqui é o marido da Maria|a Maria é minha mãe e está internada|respondendo por parte da minha mãe, ela está doente|
sí, soy su esposo, aceptamos el acuerdo|Pedro, esposo de María. ¿Cuánto debe?|
escribo a nombre de mi esposa, está en coma|I'm her carer|this is the husband|
I'm texting for my mum, she's in hospital|on behalf of my wife, she is in labour|le habla un familiar de María|
I'm a friend of hers|I'm not her, I'm her sister|ya no soy su esposo, nos divorciamos|mi señora María tuvo un derrame|
soy la mujer de Pepe|I'm the daughter of the account holder"""
NOT_NEAR_JUAN = """soy madre soltera de dos hijos y no tengo trabajo|soy padre de familia, estoy sin trabajo|
soy hijo único y cuido a mi mamá enferma|I'm a father of two and lost my job|sou mãe de 3 filhos e estou desempregada|
mi esposa está en el hospital|minha esposa está internada|soy abuela y cuido a mis nietos|
soy la mamá de un niño con cáncer|no soy la esposa de Juan|soy Juan, mi esposa murió|
soy Juan Pérez, el esposo de Rosa, ya pagué|I'm a widow|soy el hermano mayor y mantengo a todos|
aquí la mujer de mi hermano está grave|mi hermano paga por mi el viernes|soy su cliente desde hace años|
mi papá es quien paga, el viernes|hablé con la esposa de mi jefe y me presta el viernes"""
NOT_NEAR_MARIA = """soy María López, esposa de Pedro, ya pagué|soy María, la mamá de Luis, ya pagué|
my husband Pedro lost his job|soy esposa y madre y no tengo trabajo|I'm a wife and mother of four|
I'm a carer for my mum|sou mãe e pai dos meus filhos|it's my friend's account|this is my husband's number, use mine|
hablé con su compañera ayer|habla con mi esposo, él paga|soy una mujer de palabra|soy la señora María|soy hija de Dios|
it's mother's day|it's Father's Day on Sunday|a nombre de mi mamá deposité|transferi em nome do meu marido|
mi ex se llevó todo|no soy el papá de nadie"""


def split(block: str) -> list[str]:
    return [words.strip() for words in block.split("|")]


@pytest.mark.parametrize(
    ("words", "name"),
    [(each, JUAN) for each in split(NEAR_JUAN)] + [(each, MARIA) for each in split(NEAR_MARIA)],
)
def test_who_says_that_they_are_near_to_the_borrower(words: str, name: str) -> None:
    assert says_relative(words, name)


@pytest.mark.parametrize(
    ("words", "name"),
    [(each, JUAN) for each in split(NOT_NEAR_JUAN)] + [(each, MARIA) for each in split(NOT_NEAR_MARIA)],
)
def test_who_has_a_family_of_their_own_has_not_said_that(words: str, name: str) -> None:
    assert not says_relative(words, name)


@pytest.mark.parametrize("words", ["soy la mujer de Juan", "I'm Maria's wife", "sou esposa do João", "soy su hijo"])
def test_it_is_heard_of_a_borrower_whose_name_is_not_known(words: str) -> None:
    assert says_relative(words)


@pytest.mark.parametrize(
    "piece", ["soy ", "soy juan ", "mi ", "la hija ", "hola | ", "this is ", "de parte de ", "i m juan s "]
)
def test_a_word_said_over_and_over_is_read(piece: str) -> None:
    assert says_relative(piece * (8_000 // len(piece)), JUAN) in (True, False)


ASKS_FOR_JUAN = """cuánto debe mi papá?|how much does my husband owe?|quanto meu marido deve?|how much does Juan owe|
can I pay my son's loan?|quiero pagar la deuda de mi papá|yo pago la deuda de mi hijo, pásame el link|
soy la esposa del Sr. Juan Pérez|mi esposo, el Sr. Juan Pérez, está internado|soy la polola de Juan|soy su conviviente|
soi la mujer d juan|sou filha do seu Juan|respondo pelo meu marido|contesto por mi hermano que no tiene saldo|
actúo en representación de mi padre|escribo de parte de él|el titular es mi esposo|
mi papá, titular del crédito, falleció|I'm Juan's power of attorney|I'm his next of kin|I'm married to Juan|
you're speaking to his wife|soy un familiar|quien escribe es la esposa|estás hablando con la hija de Juan|
él está preso, soy la hermana y yo pago el lunes"""
OWES_AND_HAS_KIN = """soy el padre, pero el préstamo es mío|soy el esposo de Rosa, el crédito está a mi nombre|
I'm Maria's husband and it's my loan|soy jubilado, su compañera me dijo que podía pagar en cuotas|
me escribe su colega a cada rato|aquí su compañero me confirmó la quita|le saluda su amigo Juan Pérez|
I'm Juan mate I'll pay Friday|soy Juan hermano no me cobres tanto|soy Juan Pérez esposo de Rosa|soy la jefa de hogar|
soy la mujer de la limpieza, gano poco|I'm the father of a disabled child|I'm a friend of the bank|
I'm somebody's mother too|ella es mi hija, tiene cáncer y por eso no pude pagar|cuánto debo?|
puedo pagar con la tarjeta de mi esposa?|how much do I owe, my wife needs to know|
this is the other half of the payment|de parte de mi jefe me van a pagar el lunes"""


@pytest.mark.parametrize("words", split(ASKS_FOR_JUAN))
def test_who_asks_or_acts_for_the_borrower_is_near_to_them(words: str) -> None:
    assert says_relative(words, JUAN)


@pytest.mark.parametrize("words", split(OWES_AND_HAS_KIN))
def test_who_owes_and_has_kin_of_their_own_is_the_borrower(words: str) -> None:
    assert not says_relative(words, JUAN)


@pytest.mark.parametrize("phone_is_mine", ["el celular es mío, soy la esposa", "el préstamo no es mío, soy la esposa"])
def test_a_telephone_or_a_denied_loan_is_no_loan_of_theirs(phone_is_mine: str) -> None:
    assert says_relative(phone_is_mine, JUAN)


def test_will_is_a_name_and_a_word() -> None:
    """Given a borrower called Will, when their wife is to pay, nobody else has written; when she writes, she has."""
    assert not says_relative("my wife will pay on Friday", "Will Smith")
    assert not says_relative("my mum will send it tomorrow", "Will Smith")
    assert says_relative("my husband Will died", "Will Smith")
    assert says_relative("I'm Will's wife", "Will Smith")
