"""`VMIntegrationComponent`: the integration services of a VM."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from backends.simulator.model.enums import HYPERV, EnumValue, ServiceStatus, enum_value
from backends.simulator.model.fleet import SimulatedHost
from backends.simulator.model.machines import SimulatedVM, Vss
from backends.simulator.model.texts import text
from backends.simulator.powershell.objects.base import NO_ID, Getters, View, guid

SERVICES = {
    "service-guest": "6C09BB55-D683-4DA0-8931-C9BF705F6480",
    "service-heartbeat": "84EAAE65-2F2E-45F5-9BB5-0E857DC8EB47",
    "service-kvp": "2A34B1C2-FD73-4043-8A5B-DD2159BC743F",
    "service-shutdown": "9F8233AC-BE49-4C79-8EE3-E7E1985B2077",
    "service-time": "2497F4DE-E9FA-4204-80E4-4B75C46419C0",
    "service-vss": "5CED1297-4598-4915-A5FC-AD21BB4D02A4",
}
"""The integration services and their component ids, which are the same on every host."""


@dataclass(frozen=True, slots=True)
class Service:
    vm: SimulatedVM
    key: str


class ServiceObject(View[Service]):
    """`Microsoft.HyperV.PowerShell.VMIntegrationComponent`. The guest's VSS writers are not its business: it may be OK
    and a production checkpoint fails all the same."""

    type_names: ClassVar[tuple[str, ...]] = (
        HYPERV + "VMIntegrationComponent",
        HYPERV + "VirtualizationObject",
        "System.Object",
    )

    @property
    def name(self) -> str:
        return text(self.host.spec.language, self.model.key)

    def enabled(self) -> bool:
        if self.model.key == "service-guest":
            return False
        return not (self.model.key == "service-vss" and self.model.vm.vss is Vss.DISABLED)

    def status(self) -> EnumValue | None:
        if not self.model.vm.running or not self.enabled():
            return None
        no_contact = self.model.vm.vss is Vss.NO_CONTACT
        number = ServiceStatus.NO_CONTACT if no_contact else ServiceStatus.OK
        return enum_value(HYPERV + "VMIntegrationComponentOperationalStatus", number)

    def status_text(self) -> str:
        found = self.status()
        if found is None:
            return ""
        key = "service-ok" if found.number == ServiceStatus.OK else "service-no-contact"
        return text(self.host.spec.language, key)


SERVICE_GETTERS: Getters[ServiceObject] = {
    "Enabled": lambda o: o.enabled(),
    "OperationalStatus": lambda o: [found] if (found := o.status()) else [],
    "PrimaryOperationalStatus": lambda o: o.status(),
    "PrimaryStatusDescription": lambda o: o.status_text(),
    "SecondaryOperationalStatus": lambda _: None,
    "SecondaryStatusDescription": lambda _: None,
    "StatusDescription": lambda o: [o.status_text()],
    "Name": lambda o: o.name,
    "Id": lambda o: f"Microsoft:{o.model.vm.id.upper()}\\{SERVICES[o.model.key]}",
    "VMId": lambda o: guid(o.model.vm.id),
    "VMName": lambda o: o.model.vm.name,
    "VMSnapshotId": lambda _: guid(NO_ID),
    "VMSnapshotName": lambda _: None,
    "CimSession": lambda _: None,
    "ComputerName": lambda o: o.host.name.upper(),
    "IsDeleted": lambda _: False,
}

ServiceObject.getters = SERVICE_GETTERS


def service_objects(host: SimulatedHost, vm: SimulatedVM) -> list[ServiceObject]:
    return [ServiceObject(host, Service(vm, key)) for key in SERVICES]
