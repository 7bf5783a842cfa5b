"""Telephone numbers and e-mail addresses judged in bulk exactly as the libraries judge them one by one."""

import phonenumbers
import polars as pl
import pytest
from email_validator import EmailNotValidError, validate_email
from hypothesis import given, settings
from hypothesis import strategies as st

from intake.emails import to_addresses
from intake.phones import has_extension, to_e164

COUNTRIES = ["ES", "US", "MX", "CL", "CO", "PE", "AR", "BR", "GB", "IT", "FR", "CA", "DO", "KZ", "RU", "SM"]


def judged(text: str, country: str) -> str | None:
    try:
        number = phonenumbers.parse(text, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(number):
        return None
    return phonenumbers.format_number(number, phonenumbers.PhoneNumberFormat.E164)


def in_bulk(text: str, country: str) -> str | None:
    found: str | None = to_e164(pl.Series([text]), pl.Series([country]))[0]
    return found


def test_the_example_numbers_of_every_country_are_read_in_each_way_of_writing_them() -> None:
    forms = phonenumbers.PhoneNumberFormat
    cells, countries, expected = [], [], []
    for country in sorted(phonenumbers.SUPPORTED_REGIONS):
        for kind in (phonenumbers.PhoneNumberType.MOBILE, phonenumbers.PhoneNumberType.FIXED_LINE):
            number = phonenumbers.example_number_for_type(country, kind)
            if number is None:
                continue
            for form in (forms.E164, forms.INTERNATIONAL, forms.NATIONAL):
                text = phonenumbers.format_number(number, form)
                cells.append(text)
                countries.append(country)
                expected.append(judged(text, country))

    read = to_e164(pl.Series(cells), pl.Series(countries)).to_list()

    assert len(cells) > 1000
    assert read == expected


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(COUNTRIES),
    st.from_regex(r"\A(\+|00|\+1|\+34|\+52|\+54|\+39|)[0-9]( ?-?[0-9]){4,13}\Z"),
)
def test_any_digits_are_judged_as_the_library_judges_them(country: str, text: str) -> None:
    assert in_bulk(text, country) == judged(text, country)


@settings(max_examples=200, deadline=None)
@given(st.data())
def test_slightly_wrong_numbers_are_judged_as_the_library_judges_them(data: st.DataObject) -> None:
    country = data.draw(st.sampled_from(COUNTRIES))
    number = phonenumbers.example_number_for_type(country, phonenumbers.PhoneNumberType.MOBILE)
    assert number is not None
    form = data.draw(st.sampled_from([0, 1, 2]))
    text = phonenumbers.format_number(number, form)
    place = data.draw(st.integers(0, len(text) - 1))
    text = text[:place] + data.draw(st.sampled_from([*"0123456789 -()", ""])) + text[place + 1 :]

    assert in_bulk(text, country) == judged(text, country)


@pytest.mark.parametrize("text", ["", "ana@correo.es", "1-800-FLOWERS", "+", "()", "n/a", "12", "x" * 5000])
def test_text_that_is_no_number_is_none(text: str) -> None:
    assert in_bulk(text, "US") is None


@pytest.mark.parametrize(
    ("text", "country"),
    [
        ("912345678 ext. 4", "ES"),
        ("+34 912 345 678 ext 12", "ES"),
        ("912345678x4", "ES"),
        ("912345678 #4", "ES"),
        ("912345678;ext=4", "ES"),
        ("912345678 Ext.: 4", "ES"),
        ("912345678 extensi\u00f3n 4", "ES"),
        ("912345678~4", "ES"),
        ("(202) 555-0143 x123", "US"),
        ("+56 2 2345 6789 anexo 21", "CL"),
        ("011 4321-0000 int. 305", "AR"),
        ("(11) 3456-7890 ramal 7", "BR"),
    ],
)
def test_an_extension_is_not_cut_off_for_the_switchboard_to_hear_of_the_debt(text: str, country: str) -> None:
    assert in_bulk(text, country) is None
    assert has_extension(pl.Series([text]))[0] is ("~" not in text)


@pytest.mark.parametrize("text", ["912345678", "+1 (202) 555-0143", "+34 912-345-678", "call me", "", "x", "ext. 4"])
def test_a_number_alone_has_no_extension(text: str) -> None:
    assert not has_extension(pl.Series([text]))[0]


def library_accepts(text: str) -> bool:
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False, strict=True)
    except EmailNotValidError:
        return False
    return "." in found.ascii_domain and found.ascii_domain[-1].isalpha()


@settings(max_examples=400, deadline=None)
@given(
    st.one_of(
        st.emails(),
        st.from_regex(r"\A[a-z.\-+'\"]{1,4}@[a-z0-9.\-]{1,6}\.[a-z0-9\-]{1,4}\Z"),
        st.text(alphabet='ab.@-+_ \u00f1"(', max_size=12),
    )
)
def test_any_address_is_judged_as_the_library_judges_it(text: str) -> None:
    assert (to_addresses(pl.Series([text]))[0] is not None) == library_accepts(text)


@pytest.mark.parametrize(
    ("text", "address"),
    [
        ("Ana.Ruiz@Correo.ES", "Ana.Ruiz@correo.es"),
        ("ana@pe\u00f1a.es", "ana@xn--pea-8ma.es"),
        ("ana@xn--pea-8ma.es", "ana@xn--pea-8ma.es"),
        ("a" * 65 + "@correo.es", None),
        ("ana@" + "a" * 64 + ".es", None),
        ("ana@correo.123", None),
        ("ana@ruiz@correo.es", None),
        (".ana@correo.es", None),
        ("ana@localhost", None),
    ],
)
def test_addresses_keep_their_local_part_and_get_a_plain_domain(text: str, address: str | None) -> None:
    assert to_addresses(pl.Series([text]))[0] == address
