"""A process aside: answers in order, what it raises, and that a question never waits for one that is gone."""

from __future__ import annotations

import asyncio
import multiprocessing
import os
import signal
import time
from collections.abc import AsyncIterator
from multiprocessing import forkserver

import pytest

from shared.aside import Aside, Lost

LARGE = 8 * 1024 * 1024
"""More than the sockets and the loop hold."""


class Awkward(Exception):
    """One that cannot be made anew from its arguments."""

    def __init__(self, one: str, two: str) -> None:
        super().__init__(f"{one} and {two}")


def answer(question: bytes) -> bytes:
    """What the process does: words in capitals, and some more."""
    match question:
        case b"who":
            return str(os.getpid()).encode()
        case b"sleep":
            time.sleep(60)
        case b"awkward":
            raise Awkward("this", "that")
        case b"exit":
            os._exit(3)
    return question.upper() if question != b"zero" else bytes(1 // int(question == b""))


@pytest.fixture
async def aside() -> AsyncIterator[Aside]:
    found = await Aside.start(answer, "shared.aside")
    yield found
    await found.close()


async def test_answers_come_in_the_order_of_the_questions(aside: Aside) -> None:
    asked = [aside.ask(f"word {number}".encode()) for number in range(50)]
    assert aside.open_questions == 50
    assert await asyncio.gather(*asked) == [f"WORD {number}".encode() for number in range(50)]
    assert aside.open_questions == 0


async def test_it_is_another_process(aside: Aside) -> None:
    assert int(await aside.ask(b"who")) in [one.pid for one in multiprocessing.active_children()]


async def test_large_questions_and_answers_pass_while_more_are_asked(aside: Aside) -> None:
    asked = [aside.ask(bytes([97 + number]) * LARGE) for number in range(3)]
    assert [await one == bytes([65 + number]) * LARGE for number, one in enumerate(asked)] == [True] * 3


async def test_what_answering_raises_is_raised_here_and_the_next_is_answered(aside: Aside) -> None:
    failed, fine = aside.ask(b"zero"), aside.ask(b"fine")
    with pytest.raises(ZeroDivisionError):
        await failed
    assert await fine == b"FINE"


async def test_an_exception_that_cannot_be_sent_is_told_in_words(aside: Aside) -> None:
    failed, fine = aside.ask(b"awkward"), aside.ask(b"fine")
    with pytest.raises(RuntimeError, match="Awkward: this and that"):
        await failed
    assert await fine == b"FINE"


async def test_a_process_that_ends_loses_all_it_was_asked_and_nothing_waits_for_it(aside: Aside) -> None:
    asked = [aside.ask(b"exit"), aside.ask(b"fine")]
    assert [type(one) for one in await asyncio.gather(*asked, return_exceptions=True)] == [Lost, Lost]
    with pytest.raises(Lost, match="has ended"):
        await aside.ask(b"fine")


async def test_a_server_that_has_just_ended_is_started_anew(aside: Aside) -> None:
    """As it does with the thread that started it. Killed at the worst moment: that it is gone shows in the middle."""
    for _ in range(3):
        server = forkserver._forkserver._forkserver_pid  # type: ignore[attr-defined]  # there is no public way to it
        os.kill(server, signal.SIGKILL)
        other = await Aside.start(answer, "shared.aside")
        assert await other.ask(b"fine") == b"FINE"
        await other.close()


async def test_a_question_may_be_given_up(aside: Aside) -> None:
    given_up, fine = aside.ask(b"one"), aside.ask(b"two")
    given_up.cancel()
    assert await fine == b"TWO"


async def test_closing_ends_a_process_that_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shared.aside.PATIENCE", 0.1)
    aside = await Aside.start(answer, "shared.aside")
    asked = aside.ask(b"sleep")
    await aside.close()
    assert not aside._process.is_alive()
    with pytest.raises(Lost):
        await asked
