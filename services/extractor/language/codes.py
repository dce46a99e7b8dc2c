"""Codes of languages, and the macro language that some of them share."""

from __future__ import annotations

from functools import lru_cache

HBS = {"sr": "sr", "hr": "hr", "bs": "bs", "cnr": "cnr", "me": "cnr", "sh": "", "hbs": ""}
"""Codes that mean the macro language `hbs`, and the variety each says."""


def base(code: str) -> str:
    """The language of a code with a region or a script: `sr-Latn` is `sr`."""
    return code.split("-", maxsplit=1)[0].lower()


@lru_cache(maxsize=1_024)
def macro(code: str) -> str:
    """The macro language of any code; itself where it is none of ours."""
    return "hbs" if base(code) in HBS else base(code)
