"""Whether a database that an earlier run left can still be used."""

import sqlite3
from contextlib import closing
from pathlib import Path


def is_sound(database: Path) -> bool:
    """False where `database` is damaged; may take a second for a large one."""
    try:
        with closing(sqlite3.connect(database, timeout=1.0)) as connection:
            (answer,) = connection.execute("PRAGMA quick_check(1)").fetchone()
            return answer == "ok"
    except sqlite3.DatabaseError:
        return False
