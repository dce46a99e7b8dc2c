"""What a reader has in memory, loaded once by the server it is forked from. Never imported by the service itself."""

from __future__ import annotations

import services.alerter.judge.readers  # noqa: F401 - for being loaded
from shared.garbage import collect_rarely
from shared.text.inflect import inflections
from shared.workers import die_with_parent

die_with_parent()
inflections()
collect_rarely()  # forked workers also share these pages as long as the collector leaves them alone
