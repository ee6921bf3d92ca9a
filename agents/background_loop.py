"""Runs a coroutine to its end where a loop may be running already, as in a notebook, or in any thread."""

import asyncio
import threading
from collections.abc import Coroutine
from concurrent.futures import Future
from contextlib import suppress
from typing import Any, TypeVar

Outcome = TypeVar("Outcome")
POLL_SECONDS = 0.2  # a join without a limit cannot be interrupted on Windows


def run_in_background(coroutine: Coroutine[Any, Any, Outcome]) -> Outcome:
    """As ``asyncio.run``, in a loop and a thread of its own; an interrupt of the caller (Ctrl-C) cancels it."""
    runner, outcome = asyncio.Runner(loop_factory=asyncio.new_event_loop), Future[Outcome]()
    loop = runner.get_loop()

    def work() -> None:
        try:
            with runner:
                result = runner.run(coroutine)
        except BaseException as error:  # the caller's, in whose thread it is raised again
            outcome.set_exception(error)
        else:
            outcome.set_result(result)

    thread = threading.Thread(target=work, name="background loop", daemon=True)
    thread.start()
    try:
        while thread.is_alive():
            thread.join(POLL_SECONDS)
    except BaseException:
        with suppress(RuntimeError):  # the loop has just been closed
            loop.call_soon_threadsafe(lambda: [task.cancel() for task in asyncio.all_tasks(loop)])
        thread.join()
        raise
    return outcome.result()
