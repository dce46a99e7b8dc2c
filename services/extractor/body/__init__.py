"""From the bytes of a page to its running text, or to the name of what the page is instead.

`charset` makes text of bytes, `choose` picks the running text, `plain` is the cheap way for monsters, `verdict` names
what has no text. Left out on purpose: scripts are not run and nobody's paywall is walked around.
"""
