"""What a reader has in memory, loaded once by the server it is forked from. Never imported by the service itself."""

from __future__ import annotations

import os

# numpy's own threads are never used, and the extractor's workers, of the same server, have a limit on address space
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import services.alerter.judge.readers  # noqa: F401 - after the line above, and for being loaded
from shared.garbage import collect_rarely
from shared.text.inflect import inflections
from shared.workers import die_with_parent

die_with_parent()
inflections()
collect_rarely()  # forked workers also share these pages as long as the collector leaves them alone
