"""Which language a text is in: the macro language that matching uses, and for display the variety and the script.

`identify` weighs what a statistical model (`model`), frequent words (`words`), letters (`letters`) and the outlet say;
`script` and `variety` tell what a language code does not. The order of that is written in `identify`.

Left out on purpose: models that must be downloaded, and telling languages that have no file here any better than the
model alone does.
"""

from services.extractor.language.identify import identify
from services.extractor.language.model import Identifier, load_identifier
from services.extractor.language.script import script_of
from services.extractor.language.variety import variety_of

__all__ = ["Identifier", "identify", "load_identifier", "script_of", "variety_of"]
