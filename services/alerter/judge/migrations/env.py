"""Migrations of the tables of judging."""

from shared.migrate_env import run

run()
