"""Writers of one process line up: in the order of arrival, one at a time, and nobody waits for ever."""

from __future__ import annotations

import threading
import time

from app.db.turnstile import Turnstile


def test_whoever_came_first_goes_first_and_never_two_at_once():
    turnstile, order, inside = Turnstile(), [], []
    assert turnstile.enter(1)

    def go(number: int) -> None:
        assert turnstile.enter(10)
        inside.append(number)
        assert len(inside) == 1
        order.append(number)
        time.sleep(0.002)
        inside.remove(number)
        turnstile.leave()

    threads = [threading.Thread(target=go, args=(number,)) for number in range(20)]
    for thread in threads:
        thread.start()
        time.sleep(0.01)  # so that they arrive in this order
    turnstile.leave()
    for thread in threads:
        thread.join()
    assert order == list(range(20))


def test_whoever_waits_too_long_gives_up_and_is_not_let_in_later():
    turnstile = Turnstile()
    assert turnstile.enter(1)
    assert not turnstile.enter(0.05)
    turnstile.leave()
    assert turnstile.enter(0.05)
    turnstile.leave()


def test_it_may_be_left_by_another_thread():
    turnstile = Turnstile()
    assert turnstile.enter(1)
    leaving = threading.Thread(target=turnstile.leave)
    leaving.start()
    leaving.join()
    assert turnstile.enter(0.05)
