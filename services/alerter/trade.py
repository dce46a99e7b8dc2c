"""Words of the trade: the names of judging's glossary, whose words mean the same in every language. A rule may follow
them (`terms` of term_shift), so a watch is checked against them."""

from __future__ import annotations

from functools import cache
from importlib import resources

import yaml


@cache
def trade_words() -> frozenset[str]:
    """The names in `judge/glossary.yaml`: alliance, pact, declaration …"""
    file = resources.files("services.alerter").joinpath("judge", "glossary.yaml")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return frozenset(yaml.load(file.read_text(encoding="utf-8"), Loader=loader))  # noqa: S506 - a safe loader, in C
