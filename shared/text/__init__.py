"""Text as every service sees it: one folding, one segmentation, one table of endings, one automaton.

`fold` brings all scripts and spellings to "bald Latin"; `segment` cuts paragraphs, sentences and tokens; `inflect`
knows the endings a stem may take in a language; `lexicon` finds many terms at once; `gazetteer` finds entities;
`languages/` holds one data file a language. A new language is one more file there.

Left out on purpose: models, lemmatisers on the hot path and anything that needs a download.
"""
