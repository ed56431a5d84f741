"""Every pipeline the bot can send, as data: on a plain endpoint, and on the bot's own JEA endpoint.

The cmdlets treat names as wildcards (`Remove-VMSnapshot -Name *` removes everything), so each pipeline starts from a
GUID and pipes the object on. `-Confirm:$false` stands where the cmdlet asks. There is no script text, no filter and no
calculated property, so a value that a person typed stays a value.
"""

from backends.hyperv.pipelines.dialect import Pipelines
from backends.hyperv.pipelines.endpoint import ENDPOINT_VERSION, OLDEST_ENDPOINT, Endpoint
from backends.hyperv.pipelines.plain import Plain
from backends.hyperv.pipelines.samples import samples

__all__ = ["ENDPOINT_VERSION", "OLDEST_ENDPOINT", "Endpoint", "Pipelines", "Plain", "samples"]
