"""What every owner's `migrations/env.py` runs: Alembic on the connection that `shared.db.migrate` hands over."""

from __future__ import annotations

from alembic import context


def run() -> None:
    """Run the migrations inside the caller's transaction, with the owner's own version table."""
    attributes = context.config.attributes
    context.configure(
        connection=attributes["connection"],
        version_table=attributes["version_table"],
        transaction_per_migration=False,
    )
    context.run_migrations()
