"""Migrations of the tables that every service shares: fences and leases."""

from shared.migrate_env import run

run()
