"""Makes emprestimos_br.csv: invented loans of an invented Brazilian lender, always the same for a seed.

    python portfolios/make_emprestimos_br.py --as-of 2026-11-30 > portfolios/emprestimos_br.csv

Columns are Recobro's own. Instalments run from 120 to 1500 BRL, states are drawn by rough size. No name, telephone or
e-mail is made up: those columns are there and empty. The language is left empty: Portuguese is what is filled in.
"""

import argparse
import csv
import random
import sys
from datetime import date, timedelta

HEADER = (
    "loan_id", "person_id", "name", "phone", "email", "language", "country", "region", "city", "timezone",
    "currency", "amount_due_minor", "due_date", "grade",
)  # fmt: skip
PLACES = {
    ("SP", "São Paulo", "America/Sao_Paulo"): 22,
    ("SP", "Campinas", "America/Sao_Paulo"): 6,
    ("MG", "Belo Horizonte", "America/Sao_Paulo"): 10,
    ("RJ", "Rio de Janeiro", "America/Sao_Paulo"): 10,
    ("BA", "Salvador", "America/Bahia"): 7,
    ("RS", "Porto Alegre", "America/Sao_Paulo"): 6,
    ("PR", "Curitiba", "America/Sao_Paulo"): 6,
    ("PE", "Recife", "America/Recife"): 5,
    ("CE", "Fortaleza", "America/Fortaleza"): 5,
    ("AM", "Manaus", "America/Manaus"): 3,
    ("MT", "Cuiabá", "America/Cuiaba"): 2,
}
DAYS_LATE = [(-5, -1, 15), (0, 0, 5), (1, 7, 30), (8, 30, 28), (31, 60, 14), (61, 85, 8)]
"""First day, last day, weight."""


def rows(as_of: date, loans: int, seed: int) -> list[list[str]]:
    chance = random.Random(seed)  # nosec B311 # the same invented loans for a seed
    made: list[list[str]] = []
    for number in range(1, loans + 1):
        first, last, _ = chance.choices(DAYS_LATE, [weight for *_, weight in DAYS_LATE])[0]
        due = as_of - timedelta(days=chance.randint(first, last))
        minor = chance.randint(120_00, 1500_00)
        state, city, zone = chance.choices(list(PLACES), list(PLACES.values()))[0]
        grade = chance.choices("ABCD", [2, 4, 3, 1])[0]
        made.append(
            [f"EP-{number:05d}", f"C{number:06d}", "", "", "", "", "BR", state, city, zone, "BRL", str(minor),
             due.isoformat(), grade]
        )  # fmt: skip
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description="Invented loans of a Brazilian lender, as CSV.")
    parser.add_argument("--as-of", type=date.fromisoformat, required=True, help="day the due dates lie around")
    parser.add_argument("--loans", type=int, default=40)
    parser.add_argument("--seed", type=int, default=7)
    given = parser.parse_args()
    out = csv.writer(sys.stdout, lineterminator="\n")
    out.writerow(HEADER)
    out.writerows(rows(given.as_of, given.loans, given.seed))


if __name__ == "__main__":
    main()
