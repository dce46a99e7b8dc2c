"""Fault campaigns: things are killed at seeded random moments, and a ledger says whether anything was lost.

The oracle is simple on purpose: every publication carries a word of its own, and a watch of its own waits for it, so
each must end in exactly one alert (under one `webhook-id`, however often that is repeated), and no other may exist.
"""
