"""Runs two pipelines with the `psrp` namespace of pypsrp 1.0, in an environment of its own, and prints what came."""

from __future__ import annotations

import json
import sys

import psrp


def main(port: str, scheme: str, auth: str, verify: str) -> None:
    info = psrp.WSManInfo(
        "127.0.0.1",
        port=int(port),
        scheme=scheme,
        auth=auth,
        verify=verify or True,
        encryption="never" if auth == "basic" else "auto",
        username="admin",
        password="pass word",
    )
    answers = []
    with psrp.SyncRunspacePool(info) as pool:
        for name in ("Get-VM", "Get-Nothing"):
            pipeline = psrp.SyncPowerShell(pool)
            pipeline.add_command(name).add_parameter("Name", ["web01", "web[1]"])
            output = [{"Name": vm.Name, "State": int(vm.State), "Text": str(vm)} for vm in pipeline.invoke()]
            errors = [(error.FullyQualifiedErrorId, error.Exception.HResult) for error in pipeline.streams.error]
            percents = [record.PercentComplete for record in pipeline.streams.progress]
            answers.append({"output": output, "errors": errors, "progress": percents})
            pipeline.close()
    print(json.dumps(answers))


main(*sys.argv[1:])
