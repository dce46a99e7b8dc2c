"""Migrations of the fetcher's tables."""

from shared.migrate_env import run

run()
