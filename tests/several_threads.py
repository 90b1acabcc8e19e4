"""Work in several threads at once."""

from __future__ import annotations

import threading
from collections.abc import Callable

WORKERS = 8


def in_threads(work: Callable[[int], None], workers: int = WORKERS) -> None:
    """Run the work in each thread; the first failure is raised here."""
    failures: list[BaseException] = []
    start = threading.Barrier(workers)

    def body(number: int) -> None:
        start.wait()
        try:
            work(number)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=body, args=(i,)) for i in range(workers)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
