"""Where reports leave the way of other mail: the courier's carrier, with a reader before the mailbox of reports."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from gateway.delivery.carrier import Carrier
from gateway.delivery.handover import Ending, Handover, Parcel, Takeover
from gateway.delivery.routes import Route
from gateway.mail.address import Address
from gateway.mail.replies import REPORT_KEPT, REPORT_NOT_KEPT
from gateway.reports.reading import ReportReader
from gateway.telemetry import log


class ReadingCarrier(Carrier):
    """A carrier that has reports read. `mailbox` is where they are sent to; `deliver` says whether one that was read is
    delivered there too. A report that could not be stored is tried again like mail."""

    def __init__(self, reader: ReportReader, *, mailbox: Address, deliver: bool, **carrying: Any) -> None:
        super().__init__(**carrying)
        self._reader = reader
        self._mailbox = str(mailbox).lower()
        self._deliver = deliver

    async def carry(self, parcel: Parcel, route: Route) -> tuple[Handover, ...]:
        """As `Carrier.carry`, once the report in the parcel, if it is one, has been kept."""
        at = next((at for at, each in enumerate(parcel.recipients) if str(each.address).lower() == self._mailbox), None)
        if at is None:
            return await super().carry(parcel, route)
        try:
            kept = await self._reader.read(parcel.octets)
        except OSError as error:
            log().error("report_not_kept", alert=True, error=str(error))
            return (Handover(Ending.DEFERRED, REPORT_NOT_KEPT),) * len(parcel.recipients)
        if not kept or self._deliver:
            return await super().carry(parcel, route)
        done = Handover(Ending.DELIVERED, REPORT_KEPT, takeover=Takeover.MAILBOX)
        if len(parcel.recipients) == 1:
            return (done,)
        others = (*parcel.recipients[:at], *parcel.recipients[at + 1 :])
        carried = await super().carry(replace(parcel, recipients=others), route)
        return (*carried[:at], done, *carried[at:])
