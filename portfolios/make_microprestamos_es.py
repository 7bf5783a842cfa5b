"""Makes microprestamos_es.csv: invented loans of an invented Spanish microlender, always the same for a seed.

    python portfolios/make_microprestamos_es.py --as-of 2026-11-23 > portfolios/microprestamos_es.csv

Amounts run from 50 to 1000 EUR and most loans are a few days late, as microloans of one instalment are.
Provinces are drawn by rough size. No name, telephone or e-mail is made up: those columns are there and empty.
"""

import argparse
import csv
import random
import sys
from datetime import date, timedelta

HEADER = [
    "Nº préstamo",
    "Nº cliente",
    "Cliente",
    "Teléfono",
    "Correo electrónico",
    "Población",
    "Provincia",
    "Importe pendiente",
    "Fecha de vencimiento",
    "Calificación",
]
PROVINCES = {
    ("Madrid", "Madrid"): 14,
    ("Barcelona", "Barcelona"): 12,
    ("Valencia", "València"): 6,
    ("Sevilla", "Sevilla"): 5,
    ("Málaga", "Málaga"): 4,
    ("Alicante", "Alicante"): 4,
    ("Murcia", "Murcia"): 4,
    ("Cádiz", "Cádiz"): 3,
    ("Bilbao", "Vizcaya"): 3,
    ("A Coruña", "A Coruña"): 3,
    ("Las Palmas de Gran Canaria", "Las Palmas"): 3,
    ("Santa Cruz de Tenerife", "Santa Cruz de Tenerife"): 2,
    ("Zaragoza", "Zaragoza"): 2,
    ("Palma", "Islas Baleares"): 2,
    ("Badajoz", "Badajoz"): 1,
    ("León", "León"): 1,
}
DAYS_LATE = [(-5, -1, 15), (0, 0, 5), (1, 7, 30), (8, 30, 28), (31, 60, 14), (61, 85, 8)]
"""First day, last day, weight."""


def spanish(cents: int) -> str:
    euros, rest = divmod(cents, 100)
    return f"{euros:,}".replace(",", ".") + f",{rest:02d}"


def rows(as_of: date, loans: int, seed: int) -> list[list[str]]:
    chance = random.Random(seed)  # nosec B311 # the same invented loans for a seed
    made: list[list[str]] = []
    for number in range(1, loans + 1):
        # Every tenth loan is a second one of the person before.
        person = number - 1 if number % 10 == 0 else number
        first, last, _ = chance.choices(DAYS_LATE, [weight for *_, weight in DAYS_LATE])[0]
        due = as_of - timedelta(days=chance.randint(first, last))
        borrowed = chance.choice([50, 100, 150, 200, 250, 300, 400, 500, 600, 800])
        cents = borrowed * 100 + round(borrowed * chance.uniform(0, 0.25) * 100)
        city, province = chance.choices(list(PROVINCES), list(PROVINCES.values()))[0]
        if number % 10 == 0:
            city, province = made[-1][5], made[-1][6]
        grade = chance.choices("ABCD", [2, 4, 3, 1])[0]
        made.append(
            [
                f"MP-{number:05d}",
                f"C{person:06d}",
                "",
                "",
                "",
                city,
                province,
                spanish(cents),
                f"{due:%d/%m/%Y}",
                grade,
            ]
        )
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Invented loans of a Spanish microlender, as CSV.")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="day the due dates lie around")
    parser.add_argument("--loans", type=int, default=60)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    out = csv.writer(sys.stdout, delimiter=";", lineterminator="\n")
    out.writerow(HEADER)
    out.writerows(rows(given.as_of, given.loans, given.seed))


if __name__ == "__main__":
    main()
