"""Encodings: the bytes before the labels."""

from __future__ import annotations

import codecs

import pytest

from services.extractor.body.charset import decode

SERBIAN = "<p>Председник је рекао да ће одговорити на споразум.</p>"
CROATIAN = "<p>Ministri su potpisali izjavu; šest članova, žurna sjednica, đaci, ćutanje.</p>"


@pytest.mark.parametrize(
    ("body", "header", "expected", "method"),
    [
        (SERBIAN.encode(), "", SERBIAN, "utf8"),
        (SERBIAN.encode(), "text/html; charset=iso-8859-1", SERBIAN, "utf8"),
        (SERBIAN.encode()[:-6], "", SERBIAN[:-6], "utf8"),
        (codecs.BOM_UTF8 + SERBIAN.encode(), "", SERBIAN, "bom"),
        (codecs.BOM_UTF16_LE + SERBIAN.encode("utf-16-le"), "text/html; charset=utf-8", SERBIAN, "bom"),
        (SERBIAN.encode("cp1251"), "text/html; charset=windows-1251", SERBIAN, "header"),
        (b'<meta charset="windows-1250">' + CROATIAN.encode("cp1250"), "text/html",
         '<meta charset="windows-1250">' + CROATIAN, "declaration"),
        (b'<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">' + SERBIAN.encode("cp1251"), "",
         '<meta http-equiv="Content-Type" content="text/html; charset=windows-1251">' + SERBIAN, "declaration"),
    ],
)  # fmt: skip
def test_a_page_is_decoded(body: bytes, header: str, expected: str, method: str) -> None:
    found = decode(body, header)
    assert (found.text, found.method) == (expected, method)


def test_a_few_broken_bytes_leave_utf8_as_it_is() -> None:
    body = (SERBIAN * 30).encode()[:-2] + b"\xff" + SERBIAN.encode()
    found = decode(body, "text/html; charset=utf-8")
    assert (found.encoding, found.text.count("\ufffd")) == ("utf-8", 1)


@pytest.mark.parametrize(("language", "text", "encoding"), [("hr", CROATIAN, "cp1250"), ("bg", SERBIAN, "cp1251")])
def test_without_any_label_the_outlets_language_helps(language: str, text: str, encoding: str) -> None:
    assert decode(text.encode(encoding), "text/html", language).text == text


@pytest.mark.parametrize("label", ["", "utf-8", "nonsense", "utf-16"])
def test_no_bytes_and_no_label_make_it_fail(label: str) -> None:
    for body in (b"", b"\xff\xfe\x00", bytes(range(256)) * 3, b"\x80" * 50):
        assert isinstance(decode(body, f"text/html; charset={label}").text, str)
