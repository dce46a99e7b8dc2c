"""Operators' tasks, one file each: `init`, `topics`, `lag`, `dead`, `doctor`, `health`.

Left out on purpose: anything a service owns. These ask the bus and the database what any process may ask.
"""
