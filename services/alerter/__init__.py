"""The alerter: which articles satisfy a watch (`match`), and what is new in the story they tell (`judge`).

This level holds what both steps share: what a watch is (`watch`), how its file is read and checked (`load`) and how
checked versions are published in SQL and taken from there (`published`). The two steps meet on the topic between them
and import nothing of each other.

Left out on purpose: judging at the time of matching. Matching is spread by article and keeps no state, judging is
spread by watch and keeps all of it.
"""
