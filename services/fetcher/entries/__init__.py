"""Entries: which of those that a body lists are new articles, which are told again, and which can be news.

`recall` asks, with what is remembered of the source; `discover` finds entries never seen before, `names` says what else
an entry goes by, `recognise` which entries are one article. Pure but for `recall`.
"""
