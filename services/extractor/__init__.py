"""The extractor: pages to articles.

`extract` is the step; `pool` keeps the worker processes and `worker` is what runs in them; `read` makes an article of a
page with `charset`, `metadata`, `body`, `titles`, `dates`, `address`, `agency`, `language`, `recognise` and `quote`, or
says through `verdict` what the page is instead; `plain` is the cheap way for monsters; `remember` tells new texts from
known ones. `commands` is the command line.

Left out on purpose: scripts are not run (a page that needs them is counted as such), no model is loaded or downloaded,
texts are not kept (topics have them), and nobody's paywall is walked around.
"""
