"""Get-CimInstance, for the one class that is asked for: Win32_Volume."""

from __future__ import annotations

from collections.abc import Iterator

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.objects.drives import VolumeObject
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance

VOLUME_CLASS = "win32_volume"
NAMESPACE = "root/cimv2"
CIM_EXCEPTION = "Microsoft.Management.Infrastructure.CimException"


@cmdlet("Get-CimInstance")
def get_instances(call: Call) -> Iterator[Instance]:
    """With -Property, the other properties are there and null."""
    name = call.text("ClassName") or ""
    namespace = (call.text("Namespace") or NAMESPACE).replace("\\", "/").casefold()
    if name.casefold() != VOLUME_CLASS or namespace != NAMESPACE:
        error = ShellError(
            "HRESULT 0x80041010", Category.MetadataError, "class-not-found", exception_type=CIM_EXCEPTION, name=name
        )
        call.write_error(error.data(call.host.spec.language, call.name, call.stage.info.class_name))
        return
    wanted = {one.casefold() for one in call.texts("Property")}
    with call.host.moment():
        volumes = [VolumeObject(call.host, one) for one in call.host.storage.volumes]
    for volume in volumes:
        properties = {
            one: volume.get(one) if not wanted or one.casefold() in wanted else None for one in volume.names()
        }
        yield Instance(volume.type_names, properties, volume.text)
