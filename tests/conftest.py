"""Fixtures for every test: each fake brings its own module of them."""

from hypothesis import HealthCheck, settings

from shared import log

pytest_plugins = ("tests.fakes.fixtures_bus", "tests.fakes.fixtures_db")

log.configure(level="warning", json=True)
settings.register_profile("unhurried", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("unhurried")
"""How fast the machine is decides no test."""
