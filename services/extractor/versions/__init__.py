"""What was read before: `remember` tells new texts from known ones, `compare` what changed and whether it means
anything, `texts` keeps each article's latest text for that, `withdraw` is the version of one that is gone.

Left out on purpose: the texts of earlier versions. A text that an article had before, word for word, is not told again:
its id would be the one it had then.
"""
