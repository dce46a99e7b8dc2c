"""The processes that read pages: `pool` reads with them, `crew` keeps them, `worker` runs in them, `warm` is what they
are forked with.

Left out on purpose: what reading a page means (`services.extractor.read`); a worker is told the names of two functions.
"""
