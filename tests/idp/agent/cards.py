"""Cards of the cast, for whoever tests what reads them."""

from typing import Any

from tests.servers.id_card import IdCard, memory_of

SOMCHAI = "3999000010035"
FACTS: dict[str, Any] = {
    "national_id": SOMCHAI,
    "name_th": "นาย#สมชาย##ใจสมมติ",
    "name_en": "Mr.#Somchai##Jaisommut",
    "born": "25220413",
    "request": "999000010030",
}


def card(**changes: Any) -> IdCard:
    """Somchai's card, or a changed one."""
    return IdCard(memory_of(**(FACTS | changes)))
