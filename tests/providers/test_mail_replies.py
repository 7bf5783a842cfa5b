"""What a borrower answered to a mail of ours: the new words, and which of our mails they answer."""

from __future__ import annotations

import pytest

from domain.contact import Channel
from domain.webhook_news import Ignored, InboundNews
from providers.webhooks import mail_reports


def mail(body: str, *headers: str, kind: str = "text/plain; charset=utf-8") -> bytes:
    lines = ["From: Ana <ana@example.com>", "Message-ID: <a1@mail.example>", f"Content-Type: {kind}", *headers]
    return ("\n".join([*lines, "", body])).replace("\n", "\r\n").encode()


OURS = "In-Reply-To: <m-1@credialba.example>"
QUOTES = [
    "El mié, 4 mar 2026 a las 10:00, Credialba (<cobros@credialba.example>) escribió:\n> Tiene una deuda\n> BAJA",
    "On Wed, Mar 4, 2026 at 10:00 AM Credialba <c@credialba.example> wrote:\n\n> You owe us\n> Reply STOP",
    "Em qua., 4 de mar. de 2026 às 10:00, Credialba <c@credialba.example> escreveu:\n> Você deve\n> SAIR",
    "De: Credialba <c@credialba.example>\nEnviado: miércoles, 4 de marzo de 2026 10:00\nPara: Ana\nAsunto: A\n\nBAJA",
    "-- \nAna Gómez\nTel. 600 000 001",
    "Enviado desde mi iPhone",
    "Enviado do meu iPhone\n\n> Em 4 de mar. de 2026, à(s) 10:00, Credialba <c@x.example> escreveu:\n>\n> SAIR",
    "De: Credialba <c@x.example>\nEnviada em: quarta-feira, 4 de março de 2026 10:00\nPara: Ana\nAssunto: A\n\nSAIR",
    "-----Mensaje original-----\nDe: Credialba\nEnviado el: martes, 3 de marzo de 2026\nPara: Ana\nAsunto: A\n\nBAJA",
    "-----Mensagem original-----\nDe: Credialba\nEnviada em: terça\n\nSAIR",
]


@pytest.mark.parametrize("quoted", QUOTES)
def test_only_what_was_written_now_is_read(quoted: str) -> None:
    (news,) = mail_reports.parse(mail(f"Pago el viernes\n\n{quoted}", OURS))

    assert isinstance(news, InboundNews)
    assert (news.channel, news.text, news.answers) == (Channel.EMAIL, "Pago el viernes", ("m-1",))
    assert news.sender_address == "ana@example.com"


def test_a_page_is_read_as_its_words() -> None:
    page = "<style>p{}</style><p>Pago&nbsp;el lunes</p><blockquote>Tiene una deuda</blockquote>"

    (news,) = mail_reports.parse(mail(page, OURS, kind="text/html; charset=utf-8"))

    assert isinstance(news, InboundNews)
    assert news.text.split() == ["Pago", "el", "lunes"]


def test_a_mail_whose_plain_part_is_empty_is_read_by_its_page() -> None:
    """Given a program that leaves the plain part empty, when BAJA stands in the page, then it is heard."""
    parts = "--b\nContent-Type: text/plain\n\n \n--b\nContent-Type: text/html\n\n<p>BAJA</p>\n--b--\n"

    (news,) = mail_reports.parse(mail(parts, OURS, kind="multipart/alternative; boundary=b"))

    assert isinstance(news, InboundNews)
    assert news.text == "BAJA"


@pytest.mark.parametrize("subject", ["BAJA", "Re: stop", "RE: Re: Unsubscribe", "=?utf-8?q?Darme_de_baja?="])
def test_a_stop_that_stands_in_the_subject_alone_is_heard(subject: str) -> None:
    (news,) = mail_reports.parse(mail("", OURS, f"Subject: {subject}"))

    assert isinstance(news, InboundNews)
    assert news.text.lower() in ("baja", "stop", "unsubscribe", "darme de baja")


@pytest.mark.parametrize("subject", ["Re: Su cuenta con Credialba", "Re:", "Ya pagué", "Re: Responde BAJA"])
def test_an_empty_mail_is_shown_to_a_person_with_the_mail_it_answers(subject: str) -> None:
    """Given a subject that is ours or no stop, when nothing else is written, then nothing is put into their mouth."""
    shown = Ignored(kind="mail:no_report", needs_person=True, reference="m-1")

    assert mail_reports.parse(mail("", OURS, f"Subject: {subject}")) == (shown,)


def test_what_is_written_counts_and_not_the_subject() -> None:
    (news,) = mail_reports.parse(mail("Pago el viernes", OURS, "Subject: Re: BAJA"))

    assert isinstance(news, InboundNews)
    assert news.text == "Pago el viernes"


@pytest.mark.parametrize("mark", ["Auto-Submitted: auto-replied", "Precedence: bulk", "X-Autoreply: yes"])
def test_an_absence_notice_is_nobodys_answer(mark: str) -> None:
    assert mail_reports.parse(mail("Estoy de vacaciones", OURS, mark)) == (Ignored(kind="mail:by_a_machine"),)


@pytest.mark.parametrize("headers", [[], ["In-Reply-To: not an id"]])
def test_who_names_no_mail_of_ours_is_not_believed(headers: list[str]) -> None:
    assert mail_reports.parse(mail("Soy Ana, pago el viernes", *headers)) == (
        Ignored(kind="mail:no_report", needs_person=True),
    )


def test_a_very_long_answer_is_cut() -> None:
    (news,) = mail_reports.parse(mail("hola " * 30_000, OURS))

    assert isinstance(news, InboundNews)
    assert len(news.text) <= 4000


@pytest.mark.parametrize(("theirs", "kept"), [("<a.1@mail.example>", True), ("no id", False), ("<a b@c>", False)])
def test_the_id_of_their_mail_is_kept_where_an_answer_can_name_it(theirs: str, kept: bool) -> None:
    raw = mail("Pago el lunes", OURS).replace(b"Message-ID: <a1@mail.example>", f"Message-ID: {theirs}".encode())
    (news,) = mail_reports.parse(raw)

    assert isinstance(news, InboundNews)
    assert news.mail_id == (theirs if kept else None)


ABOVE = [
    "El 4/3/26 a las 10:00, Credialba escribió:",
    "El mié, 4 mar 2026 a las 10:00, Credialba (<c@credialba.example>) escribió:",
    "Em 04/03/2026 10:00, Credialba escreveu:",
    "On Wed, Mar 4, 2026 at 10:00 AM Credialba <c@credialba.example> wrote:",
]


@pytest.mark.parametrize("above", ABOVE)
def test_an_answer_beneath_what_it_answers_is_heard(above: str) -> None:
    """Given a program that puts the quoted mail first, when the borrower writes BAJA under it, then that is heard."""
    (news,) = mail_reports.parse(mail(f"{above}\n> Tiene una deuda\n> con nosotros\n\nBAJA", OURS))

    assert isinstance(news, InboundNews)
    assert news.text == "BAJA"


def test_a_quote_without_marks_and_nothing_else_is_not_heard_as_theirs() -> None:
    (news,) = mail_reports.parse(mail(f"{ABOVE[0]}\nTiene una deuda. BAJA", OURS))

    assert isinstance(news, Ignored)


@pytest.mark.timeout(30)
def test_a_mail_of_empty_lines_is_read_at_once() -> None:
    """Given tens of thousands of them, which took minutes, when the mail is read, then its words are there."""
    (news,) = mail_reports.parse(mail("Pago" + "\n" * 60_000 + "el viernes", OURS))

    assert isinstance(news, InboundNews)
    assert news.text.split() == ["Pago", "el", "viernes"]
