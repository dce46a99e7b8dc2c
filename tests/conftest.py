"""Fixtures for every test: each fake brings its own module of them."""

from shared import log

pytest_plugins = ("tests.fakes.fixtures_bus", "tests.fakes.fixtures_db")

log.configure(level="warning", json=True)
