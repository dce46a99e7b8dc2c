"""What stands between marks of all shapes, and what marks that were forgotten or mean something else do."""

from __future__ import annotations

import pytest

from services.extractor.quotes.marks import LONGEST, stretches


@pytest.mark.parametrize(
    ("text", "inside"),
    [
        ("„a b“ “c d” \"e f\" «g h» »i j« ‚k l‘ ‘m n’ ”o p”", ["a b", "c d", "e f", "g h", "i j", "k l", "m n", "o p"]),
        ("„a „b“ c“ «d «e» f»", ["a „b“ c", "d «e» f"]),
        ("“he said ‘no’ to it” 'so be it'", ["he said ‘no’ to it", "so be it"]),
        ("« a b » „ c d “", ["a b", "c d"]),
        ("it's the states' rock 'n roll, don't", []),
        ("“a single pair closes it,’’ and “so on”", ["a single pair closes it,", "so on"]),
        ("a stray \" mark\nand \"a b c\" later", ["a b c"]),
        ("get 'em all, “a b c”", ["a b c"]),
        ("„a b c\n„d e f“", ["a b c", "d e f"]),
        ("“a b c\n“d e f”", ["a b c", "d e f"]),
        ("„a b\nc d“ e", ["a b\nc d"]),
        ("„a b c", ["a b c"]),
        ("\"a b c\nd e f", []),
        ("„" + "a " * LONGEST + "“ „b c d“", ["b c d"]),
    ],
)  # fmt: skip
def test_what_stands_between_marks(text: str, inside: list[str]) -> None:
    assert [text[one.start : one.end] for one in stretches(text)] == inside
