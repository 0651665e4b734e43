"""The card in a PC/SC reader, by pyscard (the optional extra `agent`)."""

from collections.abc import Sequence
from typing import Any

from idp.agent import apdu, chip
from idp.agent.apdu import CardFault
from idp.agent.chip import Record


class PcscReader:
    """The first reader that holds a card, or the one of that name."""

    def __init__(self, name: str = "") -> None:
        self._name = name

    def read(self) -> Record:
        """What the chip says. Raises: CardFault no_reader, no_card, not_an_id_card, removed, garbled."""
        from smartcard.Exceptions import CardConnectionException, NoCardException  # noqa: PLC0415 -- the extra

        for reader in self._readers():
            connection = reader.createConnection()
            try:
                connection.connect()
            except NoCardException:
                continue
            except CardConnectionException as error:
                raise CardFault("removed") from error
            try:
                return chip.record(apdu.dump(_transmit(connection), atr=bytes(connection.getATR())))
            except (NoCardException, CardConnectionException) as error:
                raise CardFault("removed") from error
            finally:
                connection.disconnect()
        raise CardFault("no_card")

    def _readers(self) -> Sequence[Any]:
        from smartcard.Exceptions import SmartcardException  # noqa: PLC0415
        from smartcard.System import readers  # noqa: PLC0415

        try:
            found = [reader for reader in readers() if self._name in str(reader)]
        except SmartcardException as error:  # PC/SC itself does not run
            raise CardFault("no_reader") from error
        if not found:
            raise CardFault("no_reader")
        return found


def _transmit(connection: Any) -> apdu.Transmit:
    def transmit(command: bytes) -> tuple[bytes, int]:
        data, high, low = connection.transmit(list(command))
        return bytes(data), high << 8 | low

    return transmit
