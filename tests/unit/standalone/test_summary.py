"""The demo's summary as JSON: the rows of the table, and what is missing or forbidden."""

from __future__ import annotations

import json

from services.standalone.expect import Verdict
from services.standalone.show import json_summary, summary


def test_the_summary_for_programs_has_the_rows_of_the_table() -> None:
    rows = summary([], stories=2, verified=3, repeats=1, seconds=41.0)
    told = json.loads(json_summary(rows, Verdict(("first_seen “савез”",), ())))
    assert told["figures"] == rows and {"what": "deliveries verified", "count": 3} in rows
    assert (told["passed"], told["missing"], told["forbidden"]) == (False, ["first_seen “савез”"], [])
    assert json.loads(json_summary(rows, Verdict((), ())))["passed"] is True
