"""The alerter's second step: ArticleMatched in, AlertRaised out.

It turns the matched articles of a watch into copy groups, topics and stories and says what is new in a story, once,
with proof. Every decision is stored under its cause and published again when the cause comes again.

The way through one article: `reading` (a text as judging sees it) - `findings` (all that is read off it, in a backlog
by `readers` in another process) - `copies` (whose copy it is), `story` and `topic`
(where it belongs), `merge` and `split` (stories that turn out to be one, or two) - `kinds` (one file each: what is
worth telling) - `tell` (revisions, cooldown, inhibition, budget, rest) - `wording` (plain words) - `judge` (one fenced
transaction per batch). Beside it: `timers` and `advance` (what happens when no article comes), `causes` (time, feedback
and requests of operators), `late` (what was met too late to be told by itself).

Left out on purpose: the text of the watch's concepts (matching is done; judging works on hits), bodies of articles in
SQL (only hashes, names, titles and counts are kept), and any decision that depends on the clock.
"""
