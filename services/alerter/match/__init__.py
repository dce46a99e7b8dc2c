"""The alerter's first step: ArticleExtracted in, one ArticleMatched out for every watch the article satisfies.

The way through one article: `match` folds it once - `compile` has all terms of all watches in one automaton and names
the few watches that can match - `evaluate` decides those and explains the decision - the event goes out with score,
hits and the tree of clauses. `publish` keeps the watches in force, `check` and `commands` are what editors use.

Left out on purpose: state about articles. The same article always gives the same matches from the same watches, so
replicas share nothing but the published watches.
"""
