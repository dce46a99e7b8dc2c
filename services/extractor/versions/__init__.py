"""What was read before: `remember` tells new texts from known ones, `withdraw` is the version of one that is gone.

Left out on purpose: texts are not kept, only their hashes; the topics have the texts.
"""
