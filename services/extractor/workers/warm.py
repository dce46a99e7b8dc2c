"""What every worker has in memory, loaded once by the server they are forked from. Never imported by the service.

A worker is ready in some 20 ms instead of 2 s, which is what a page that kills its worker costs its neighbours.
"""

from __future__ import annotations

import gc
import os

# numpy's own threads would reserve address space on every core, against the memory limit, and are never used
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import htmldate  # noqa: F401 - after the line above, and for being loaded
import trafilatura
from trafilatura.external import jt_stoplist_init
from trafilatura.utils import load_html

import services.extractor.workers.pool  # noqa: F401
from services.extractor.language import load_identifier
from shared.text.inflect import inflections
from shared.workers import die_with_parent

die_with_parent()  # waiting for the last worker to end, as the server would, a page that spins would keep both
IDENTIFIER = load_identifier()
IDENTIFIER.classify("a first text builds the tables of the model")
inflections()
jt_stoplist_init()  # 0.3 s at the first page that needs it
trafilatura.bare_extraction(load_html("<html><body><article><p>a first text</p><p>again</p></article></body></html>"))
gc.collect()
gc.freeze()  # forked workers share these pages as long as the collector leaves them alone
