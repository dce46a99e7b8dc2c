"""Folding: every script and spelling of a word to one "bald Latin" form, with the way back to the original.

Case, diacritics and script disappear: Вучић, Вучиќ, Вучич, Vučić and Vucic all become `vucic`; воен сојуз becomes
`voen sojuz`. Quotation marks, dashes and spaces are unified, soft hyphens and zero-width characters vanish. It is what
Lucene's SerbianNormalizationFilter does (đ to dj), extended to Macedonian, Bulgarian, Russian and Ukrainian.

Lost on purpose: č/ć/c, š/s, ž/z. A term that needs the difference asks for it (`= Šar`, see `lexicon`). Not folded
away: Albanian q and ç for Slavic ć (Vuçiq), Bulgarian ъ against Serbian r (Хърватия); these are aliases in the data.

Stored folded keys depend on the table: whoever stores one stores `FOLD_VERSION` with it.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable
from functools import cached_property, lru_cache
from itertools import accumulate, compress

from shared.text.alphabets import CYRILLIC, LATIN, Alphabet
from shared.text.offsets import Offsets

FOLD_VERSION = 1

_CYRILLIC = {
    "а": "a", "б": "b", "в": "v", "г": "g", "д": "d", "ђ": "dj", "ѓ": "dj", "е": "e", "ё": "e", "ѐ": "e", "є": "e",
    "ж": "z", "з": "z", "ѕ": "dz", "и": "i", "ѝ": "i", "і": "i", "ї": "i", "й": "j", "ј": "j", "к": "k", "л": "l",
    "љ": "lj", "м": "m", "н": "n", "њ": "nj", "о": "o", "п": "p", "р": "r", "с": "s", "т": "t", "ћ": "c", "ќ": "c",
    "у": "u", "ў": "u", "ф": "f", "х": "h", "ц": "c", "ч": "c", "џ": "dz", "ш": "s", "щ": "st", "ъ": "a", "ы": "i",
    "ь": "", "э": "e", "ю": "ju", "я": "ja", "ґ": "g", "ѣ": "e", "ѫ": "a", "ѳ": "f", "ѵ": "i",
}  # fmt: skip
_LATIN = {
    "đ": "dj", "ð": "d", "ħ": "h", "ı": "i", "ł": "l", "ø": "o", "œ": "oe", "æ": "ae", "þ": "th", "ŋ": "n", "ß": "ss",
    "ə": "e", "ƒ": "f", "ɓ": "b", "ŧ": "t",
}  # fmt: skip
_MARKS = {
    **dict.fromkeys("„“”‟«»″〝〞＂", '"'),
    **dict.fromkeys("‘’‚‛‹›ʼʹ′`´＇", "'"),
    **dict.fromkeys("‐‑‒–—―−⁃﹘﹣－", "-"),
    **dict.fromkeys("\u00ad\u200b\u200c\u200d\u200e\u200f\u2060\ufeff", ""),
    **dict.fromkeys("\u2028\u2029\u0085", "\n"),
}
_EXPLICIT = _CYRILLIC | _LATIN | _MARKS
_CLUSTER = re.compile("[^\u0300-\u036f][\u0300-\u036f]+")
"""A letter with combining marks: composed before folding, so that г + acute is ѓ and not г."""


class _Table(dict[int, str]):
    """Code point to folded text, worked out at the first meeting (str.translate asks `__missing__`)."""

    def __missing__(self, point: int) -> str:
        self[point] = folded = _fold_character(chr(point))
        return folded


def _fold_character(character: str) -> str:
    known = _EXPLICIT.get(character.casefold())  # before any decomposing: й and ѓ are letters of their own
    if known is not None:
        return known
    if character.isspace():
        return character if character in "\n\r\t" else " "
    loose = unicodedata.normalize("NFKD", character.casefold())
    bare = "".join(one for one in loose if not unicodedata.combining(one) and unicodedata.category(one) != "Mn")
    return bare if bare == character else "".join(_fold_character(one) for one in bare)


# ASCII keeps everything but its capitals, so that `str.lower` is the same function there and much faster.
_TABLE = _Table({point: chr(point).lower() for point in range(128)})


_ALPHABETS = tuple(Alphabet(letters, lambda letter: _TABLE[ord(letter)]) for letters in (LATIN, CYRILLIC))


def fold_text(text: str) -> str:
    """The folded form of `text`, without the way back: 100 to 1,000 million characters a second where an alphabet
    knows all of them, else 10."""
    if text.isascii():
        return text.lower()
    fitting = _fitting(text)
    return _composed(text).translate(_TABLE) if fitting is None else fitting[0].fold(fitting[1])


def _fitting(text: str) -> tuple[Alphabet, bytes] | None:
    """The alphabet a text keeps to and the text in it. Combining marks are in none, so such a text is composed."""
    for alphabet in _ALPHABETS:
        encoded = alphabet.encode(text)
        if encoded is not None:
            return alphabet, encoded
    return None


def _composed(text: str) -> str:
    if unicodedata.is_normalized("NFC", text):
        return text
    return _CLUSTER.sub(lambda cluster: unicodedata.normalize("NFC", cluster[0]), text)


@lru_cache(maxsize=65_536)
def fold_word(word: str) -> str:
    """`fold_text` with a memory, for words of a vocabulary."""
    return fold_text(word)


class Folded:
    """A folded text that remembers its original. The offset map and the tokens are made when first asked for.

    `text` is folded, `original` is what it was made from; positions named *folded* count in the one, *original* in the
    other, both in code points.
    """

    def __init__(self, original: str) -> None:
        self.original = original
        self._fitting = None if original.isascii() else _fitting(original)
        self.text = fold_text(original) if self._fitting is None else self._fitting[0].fold(self._fitting[1])

    @cached_property
    def words(self) -> str:
        """The folded text with a blank for everything that is no letter or digit; same length."""
        if self.text.isascii():
            return self.text.encode().translate(_BLANKED).decode()
        return self.text.translate(_BLANKS)

    @cached_property
    def offsets(self) -> Offsets:
        """For each folded position the original one it came from, and the length of the original at the end."""
        places = _uneven(self.original) if self._fitting is None else self._fitting[0].uneven(self._fitting[1])
        return Offsets(places, len(self.original))

    @cached_property
    def token_starts(self) -> list[int]:
        """Where each token begins, folded: a token is a run of letters and digits."""
        lengths = list(map(len, self.words.split(" ")))
        return list(compress(accumulate(map((1).__add__, lengths), initial=0), lengths))

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Folded start and end to original ones; the end of half a letter (л of љ) is the end of the letter."""
        offsets = self.offsets
        if end <= start:
            return offsets[start], offsets[start]
        last = offsets[end - 1]
        while end < len(offsets) - 1 and offsets[end] <= last:
            end += 1
        return offsets[start], offsets[end]

    def at(self, original: int) -> int:
        """The folded position of an original one (of the next character that left a trace)."""
        return self.offsets.folded(original)

    def token_at(self, start: int) -> int:
        """The number of the token that holds the folded position `start`, counted from 0."""
        block = start // BLOCK
        before, words = self._tokens_before, self.words
        while len(before) <= block:
            until = len(before) * BLOCK
            before.append(before[-1] + _begun(words, until - BLOCK, until))
        return before[block] + _begun(words, block * BLOCK, start + 1) - 1

    @cached_property
    def _tokens_before(self) -> list[int]:
        """How many tokens begin before each block of the text: enough to count the rest quickly, since an article is
        asked for a dozen of its positions and has six hundred tokens."""
        return [0]


def fold(text: str) -> Folded:
    """Fold `text` and keep the way back."""
    return Folded(text)


def _uneven(text: str) -> Iterable[tuple[int, int, int]]:
    """Every place that does not fold one to one, the slow way: original start and end, folded length."""
    if text.isascii():
        return ()
    odd = frozenset(one for one in set(text) if len(_TABLE[ord(one)]) != 1)
    if unicodedata.is_normalized("NFC", text):
        found = _finder(odd).finditer(text) if odd else ()
        return ((one.start(), one.end(), len(_TABLE[ord(one[0])])) for one in found)
    places = [(one.start(), one.end(), len(fold_text(one[0]))) for one in _CLUSTER.finditer(text)]
    taken = {at for start, end, _ in places for at in range(start, end)}
    places += [(at, at + 1, len(_TABLE[ord(one)])) for at, one in enumerate(text) if one in odd and at not in taken]
    return sorted(places)


@lru_cache(maxsize=256)
def _finder(characters: frozenset[str]) -> re.Pattern[str]:
    return re.compile("[" + "".join(re.escape(one) for one in sorted(characters)) + "]")


class _Blanks(dict[int, str]):
    def __missing__(self, point: int) -> str:
        self[point] = blank = chr(point) if chr(point).isalnum() else " "
        return blank


BLOCK = 512
"""Positions between two counts of tokens."""


def _begun(words: str, start: int, end: int) -> int:
    """How many tokens begin from `start` up to `end`; one that goes on across `start` began before."""
    goes_on = 0 < start < end and words[start - 1] != " " and words[start] != " "
    return len(words[start:end].split()) - goes_on


_BLANKS = _Blanks()
_BLANKED = bytes(point if chr(point).isalnum() and point < 128 else 32 for point in range(256))
