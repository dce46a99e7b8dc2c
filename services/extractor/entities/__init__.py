"""Who and what an article is about.

`recognise` finds the entities of the pack; `unknown` finds names that are none of them; `tally` counts which outlets
wrote each, in SQL; `review` is the list for a person to look at, on the command line as `wirewatch entities`; `model`
lets a model from a local path find more.

Left out on purpose: an unknown name never becomes an entity by itself. Somebody adds it to the pack's list, or to its
`ignore` entries so that it is not asked about again.
"""
