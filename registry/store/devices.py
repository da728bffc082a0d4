"""Devices and their interfaces, in and out of the store."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any, Final

from sqlalchemy import Connection, bindparam, delete, func, insert, select, update

from registry.model.criticality import Criticality
from registry.model.device import Device, DeviceId, DeviceState
from registry.model.product import Product
from registry.store.quick import Driver, Quick
from registry.store.tables import DeviceRow, MacRow, table

_DEVICE: Final = table(DeviceRow)
_MAC: Final = table(MacRow)
_OF_ID: Final = _DEVICE.c.device_id == bindparam("of_id")
_GET: Final = Quick(select(_DEVICE).where(_OF_ID))
_MACS: Final = Quick(select(_MAC.c.mac).where(_MAC.c.device_id == bindparam("of_id")))
_SET_STATE: Final = Quick(update(_DEVICE).where(_OF_ID), "state")


class Devices:
    """Who the devices are."""

    def __init__(self, connection: Connection, driver: Driver) -> None:
        self._connection = connection
        self._driver = driver

    def add(self, device: Device) -> None:
        """Insert; the same id or UDI with serial number again is a Conflict."""
        self._connection.execute(insert(_DEVICE).values(**_row(device)))
        self._write_macs(device)

    def save(self, device: Device) -> None:
        """Replace the row of this id, and its addresses."""
        where = _DEVICE.c.device_id == device.device_id
        self._connection.execute(update(_DEVICE).where(where).values(**_row(device)))
        self._connection.execute(delete(_MAC).where(_MAC.c.device_id == device.device_id))
        self._write_macs(device)

    def set_state(self, device_id: DeviceId, state: DeviceState) -> None:
        """Only the state."""
        _SET_STATE.run(self._driver, {"of_id": device_id, "state": state.value})

    def get(self, device_id: str) -> Device | None:
        """By id."""
        row = _GET.first(self._driver, {"of_id": device_id})
        return None if row is None else _device(row, self._macs_of(device_id))

    def by_udi(self, agency: str | None, udi_di: str, serial_number: str) -> Device | None:
        """The physical device that a label names."""
        return self._one(
            (_DEVICE.c.udi_agency == agency)
            & (_DEVICE.c.udi_di == udi_di)
            & (_DEVICE.c.serial_number == serial_number)
        )

    def by_mac(self, mac: str) -> Device | None:
        """The device that an interface belongs to."""
        found = self._connection.execute(select(_MAC.c.device_id).where(_MAC.c.mac == mac)).scalar()
        return self.get(found) if found else None

    def all(self, state: DeviceState | None = None) -> list[Device]:
        """Every device, oldest first."""
        query = select(_DEVICE).order_by(_DEVICE.c.registered_at, _DEVICE.c.device_id)
        if state is not None:
            query = query.where(_DEVICE.c.state == state.value)
        macs: dict[str, list[str]] = {}
        for device_id, mac in self._connection.execute(select(_MAC.c.device_id, _MAC.c.mac)):
            macs.setdefault(device_id, []).append(mac)
        return [_device(r, macs.get(r["device_id"], [])) for r in self._connection.execute(query).mappings()]

    def count(self) -> int:
        """How many there are."""
        return int(self._connection.execute(select(func.count()).select_from(_DEVICE)).scalar_one())

    def _one(self, where: Any) -> Device | None:  # noqa: ANN401 - a SQL expression
        row = self._connection.execute(select(_DEVICE).where(where)).mappings().first()
        if row is None:
            return None
        return _device(row, self._macs_of(row["device_id"]))

    def _macs_of(self, device_id: str) -> list[str]:
        return [row["mac"] for row in _MACS.rows(self._driver, {"of_id": device_id})]

    def _write_macs(self, device: Device) -> None:
        if device.macs:
            rows = [{"mac": mac, "device_id": device.device_id} for mac in device.macs]
            self._connection.execute(insert(_MAC), rows)


def _row(device: Device) -> dict[str, object]:
    return {
        "device_id": device.device_id,
        "state": device.state.value,
        "product": asdict(device.product),
        "criticality": device.criticality.value,
        "criticality_reasons": list(device.criticality_reasons),
        "udi_carrier": device.udi_carrier,
        "udi_agency": device.udi_agency,
        "udi_di": device.udi_di,
        "serial_number": device.serial_number,
        "lot_number": device.lot_number,
        "ward": device.ward,
        "conflicts": list(device.conflicts),
        "registered_at": device.registered_at,
    }


def _device(row: Mapping[Any, Any], macs: list[str]) -> Device:
    return Device(
        DeviceId(row["device_id"]),
        DeviceState(row["state"]),
        Product(**row["product"]),
        Criticality(row["criticality"]),
        tuple(row["criticality_reasons"]),
        row["registered_at"],
        row["udi_carrier"],
        row["udi_agency"],
        row["udi_di"],
        row["serial_number"],
        row["lot_number"],
        tuple(sorted(macs)),
        row["ward"],
        tuple(row["conflicts"]),
    )
