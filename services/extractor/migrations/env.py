"""Migrations of the extractor's tables."""

from shared.migrate_env import run

run()
