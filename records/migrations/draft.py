"""Drafts the next migration from the tables in code.

    python -m records.migrations.draft 0003 "why it is needed"

A draft is read and corrected by a person before it is committed; what Alembic cannot see (triggers, checks,
moving data) is written by hand.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from alembic import command

from records.database import Database, alembic_config


def draft(revision: str, message: str) -> None:
    """Write the file into `records/migrations/versions`."""
    with tempfile.TemporaryDirectory() as folder:
        database = Database(f"sqlite:///{Path(folder) / 'draft.db'}")
        database.migrate()
        with database.writing() as session:
            command.revision(alembic_config(session.connection()), message=message, autogenerate=True, rev_id=revision)
        database.dispose()


if __name__ == "__main__":
    if len(sys.argv) != 3:
        raise SystemExit(__doc__)
    draft(sys.argv[1], sys.argv[2])
