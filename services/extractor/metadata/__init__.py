"""What is said about an article: by its page's head, by the feed, by the text's own first and last lines.

`head` and `visible` collect what the page claims; `titles`, `dates` (by `statements`), `authors`, `address` and
`agency` weigh the claims of one field each.
Left out on purpose: nothing here fetches, and nobody is asked who an author is.
"""
