"""Migrations of the published watches."""

from shared.migrate_env import run

run()
