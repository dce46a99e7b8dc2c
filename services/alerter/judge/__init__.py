"""The alerter's second step: ArticleMatched in, AlertRaised out.

It turns the matched articles of a watch into copy groups and stories and says what is new in a story, once, with proof:
a story that opened or grew (`match`), a term nobody in this watch had used before (`first_seen`), the first reaction of
an actor (`reaction`). Every decision is stored under its cause and published again when the cause comes again.

The way through one article: `reading` (what judging needs of a text) - `copies` (whose copy it is) - `story` (which
story it belongs to) - the three kinds - `wording` (plain words) - `judge` (one fenced transaction per batch).

Left out on purpose: the text of the watch's concepts (matching is done; judging works on hits), bodies of articles in
SQL (only hashes, names and counts are kept), and anything that happens without an event to cause it (durable timers
are a later part: what they need is in the tables, ordered by story time).
"""
