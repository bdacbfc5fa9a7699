from __future__ import annotations

import asyncio

from gateway.inbound.admission.occupancy import Occupancy


class Guest:
    def drain(self) -> None: ...

    def abort(self) -> None: ...


async def test_coming_and_going() -> None:
    house, one, two = Occupancy(), Guest(), Guest()
    await house.until_empty()
    for guest in (one, two):
        house.enter(guest)
        house.identify(guest, "192.0.2.1")
    assert (house.total, house.of("192.0.2.1"), house.of("192.0.2.2"), set(house.guests)) == (2, 2, 0, {one, two})
    house.leave(one)
    waiting = asyncio.ensure_future(house.until_empty())
    await asyncio.sleep(0)
    assert not waiting.done()
    house.leave(two)
    await waiting
    assert (house.total, house.of("192.0.2.1")) == (0, 0)


async def test_who_is_not_known_is_counted_for_nobody() -> None:
    house, one = Occupancy(), Guest()
    house.enter(one)
    assert (house.total, house.of("192.0.2.1")) == (1, 0)
    house.identify(one, "192.0.2.1")
    house.identify(one, "192.0.2.2")
    assert (house.of("192.0.2.1"), house.of("192.0.2.2")) == (0, 1)
    house.leave(one)
    assert (house.total, house.of("192.0.2.2")) == (0, 0)
