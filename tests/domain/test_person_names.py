"""The same person, written by two systems of a lender; and two people."""

from __future__ import annotations

import pytest

from domain.person_names import one_person


@pytest.mark.parametrize(
    "names",
    [
        (),
        ("Ana García",),
        ("GARCIA LOPEZ, ANA", "Ana  García López"),
        ("Ana", "ana garcía lópez"),
        ("Ana García", "Ana López", "Ana García López"),
        ("A. García López", "Ana García López"),
        ("Mª Carmen Ruiz", "M.ª Carmen Ruiz", "MARIA CARMEN RUIZ GIL"),
        ("Fco. Javier Rguez. Gil", "Francisco Javier Rodríguez Gil"),
        ("Juan de la Cruz Pérez", "CRUZ PEREZ JUAN"),
        ("Juan Delacruz", "Juan dela Cruz"),
        ("D. Luis Gil Ruiz", "Luis Gil Ruiz"),
        ("Seán O'Neill", "SEAN ONEILL"),
        ("Ana García-López", "Ana García López"),
        ("João da Silva", "JOAO SILVA SANTOS"),
        ("Ana Gil", "---"),
        ("De la", "DE LA"),
    ],
)
def test_names_that_one_person_is_written_by(names: tuple[str, ...]) -> None:
    assert one_person(names)


@pytest.mark.parametrize(
    "names",
    [
        ("Ana Gil", "Luis Ruiz"),
        ("Ana García López", "Luis García López"),
        ("Juan Gil Ruiz", "Juana Gil Ruiz"),
        ("Eva Gil Ruiz", "Elvira Gil Ruiz"),
        ("Ana García López", "Antonio García López", "A. García López"),
        ("Ana Gil Gil", "Ana Gil Ruiz"),
        ("Ana García", "Ana López"),
        ("Ana", "Luis"),
        ("José Gil Ruiz", "José Gil Ruz"),
    ],
)
def test_names_of_two_people(names: tuple[str, ...]) -> None:
    assert not one_person(names)
    assert not one_person(names[::-1])
