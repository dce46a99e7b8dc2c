"""Migrations of the notifier's tables."""

from shared.migrate_env import run

run()
