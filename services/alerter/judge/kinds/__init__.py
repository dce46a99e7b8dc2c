"""The kinds of alert, one file each, in the order they are asked.

A kind answers an article (`judged`) and a timer of its own (`due`) with drafts of what should be told; it remembers
what it must, history included, and never decides on budgets, cooldowns or revisions: that is `tell`. What it keeps
stands on shelves. A new kind is one file here and one line in `registry`.
"""
