from __future__ import annotations

import asyncio

from gateway.inbound.occupancy import Occupancy


class Guest:
    def drain(self) -> None: ...

    def abort(self) -> None: ...


async def test_coming_and_going() -> None:
    house, one, two = Occupancy(), Guest(), Guest()
    await house.until_empty()
    house.enter(one, "192.0.2.1")
    house.enter(two, "192.0.2.1")
    assert (house.total, house.of("192.0.2.1"), house.of("192.0.2.2"), set(house.guests)) == (2, 2, 0, {one, two})
    house.leave(one, "192.0.2.1")
    waiting = asyncio.ensure_future(house.until_empty())
    await asyncio.sleep(0)
    assert not waiting.done()
    house.leave(two, "192.0.2.1")
    await waiting
    assert (house.total, house.of("192.0.2.1")) == (0, 0)
