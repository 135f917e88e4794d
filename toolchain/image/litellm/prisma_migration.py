# ruff: noqa: INP001, T201 - a script for the image, which reports to the Job's log
"""Bring LiteLLM's database to the schema of this image, as ``prisma migrate deploy`` would.

The migrations are those of litellm-proxy-extras, applied in their order; each is recorded in
``_prisma_migrations`` with its checksum, so that Prisma itself could go on from here. Several runs at once
are safe.

DATABASE_URL      the database; parameters after "?" are for Prisma and are ignored here
MIGRATE_TIMEOUT   seconds to wait for a database that doesn't answer yet (180)
"""

import hashlib
import importlib.util
import os
import sys
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

import psycopg

ADVISORY_LOCK = 72707369
RETRY_SECONDS = 0.5
CONNECT_TIMEOUT_SECONDS = 3

CREATE_HISTORY = """
CREATE TABLE IF NOT EXISTS _prisma_migrations (
    id VARCHAR(36) PRIMARY KEY NOT NULL,
    checksum VARCHAR(64) NOT NULL,
    finished_at TIMESTAMPTZ,
    migration_name VARCHAR(255) NOT NULL,
    logs TEXT,
    rolled_back_at TIMESTAMPTZ,
    started_at TIMESTAMPTZ NOT NULL DEFAULT now(),
    applied_steps_count INTEGER NOT NULL DEFAULT 0
)
"""
READ_HISTORY = "SELECT migration_name FROM _prisma_migrations WHERE finished_at IS NOT NULL"
RECORD = """
INSERT INTO _prisma_migrations (id, checksum, finished_at, migration_name, started_at, applied_steps_count)
VALUES (%s, %s, now(), %s, now(), 1)
"""


def main() -> None:
    started = time.monotonic()
    url = os.environ.get("DATABASE_URL", "").partition("?")[0]
    if not url:
        sys.exit("DATABASE_URL is not set: it has to name LiteLLM's database.")
    timeout_seconds = float(os.environ.get("MIGRATE_TIMEOUT", "180"))
    migrations = list(shipped_migrations())
    with connect(url, started + timeout_seconds) as database:
        applied = apply(database, migrations)
    elapsed = time.monotonic() - started
    print(f"Applied {applied} of {len(migrations)} migrations in {elapsed:.1f} s.")


def shipped_migrations() -> Iterator[tuple[str, bytes]]:
    """Yield name and SQL of each migration, the oldest first."""
    package = importlib.util.find_spec("litellm_proxy_extras")
    if package is None or package.origin is None:
        sys.exit("litellm-proxy-extras, which holds the migrations, is not installed in this image.")
    for script in sorted(Path(package.origin).parent.glob("migrations/*/migration.sql")):
        yield script.parent.name, script.read_bytes()


def connect(url: str, deadline: float) -> psycopg.Connection:
    while True:
        try:
            return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS)
        except psycopg.OperationalError as error:
            reason = str(error).splitlines()[0]
            if time.monotonic() > deadline:
                sys.exit(f"The database can't be reached: {reason}")
            print(f"Waiting for the database: {reason}", flush=True)
            time.sleep(RETRY_SECONDS)


def apply(database: psycopg.Connection, migrations: list[tuple[str, bytes]]) -> int:
    """Apply what is missing; return how many that were."""
    database.execute("SELECT pg_advisory_lock(%s)", [ADVISORY_LOCK])
    database.execute(CREATE_HISTORY)
    done = {name for (name,) in database.execute(READ_HISTORY)}
    missing = [migration for migration in migrations if migration[0] not in done]
    for name, sql in missing:
        try:
            # Without parameters a query may hold several statements, which run as one transaction.
            database.execute(sql)
        except psycopg.Error as error:
            sys.exit(f"Migration {name} failed: {error}")
        database.execute(RECORD, [str(uuid.uuid4()), hashlib.sha256(sql).hexdigest(), name])
    return len(missing)


if __name__ == "__main__":
    main()
