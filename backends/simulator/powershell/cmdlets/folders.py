"""Get-ChildItem, for folders of disk files."""

from __future__ import annotations

import ntpath
from collections.abc import Iterator
from dataclasses import replace

from backends.simulator.model.errors import Category, ShellError
from backends.simulator.powershell.cmdlets.registry import cmdlet
from backends.simulator.powershell.cmdlets.targets import matching
from backends.simulator.powershell.objects.base import moment
from backends.simulator.powershell.runtime import Call
from backends.simulator.powershell.shell import Instance


@cmdlet("Get-ChildItem")
def get_files(call: Call) -> Iterator[Instance]:
    """The files right in the folders. A folder that is not there, or not this account's to see, is an error."""
    pattern = call.text("Filter") or "*"
    for folder in call.texts("LiteralPath") or call.texts("Path"):
        with call.host.moment():
            hidden = folder.casefold() in call.host.hidden_folders
            files = call.host.storage.in_folder(folder)
        if hidden:
            _fail(call, "DirUnauthorizedAccessError", Category.PermissionDenied, "unauthorized", folder)
            continue
        if not files:
            _fail(call, "PathNotFound", Category.ObjectNotFound, "path-not-found", folder)
        for file in files:
            if matching(pattern, ntpath.basename(file.path)):
                yield Instance(
                    ("System.IO.FileInfo", "System.IO.FileSystemInfo", "System.Object"),
                    {
                        "FullName": file.path,
                        "Name": ntpath.basename(file.path),
                        "Length": file.file_size,
                        "CreationTimeUtc": moment(file.created),
                    },
                    file.path,
                )


def _fail(call: Call, error_id: str, category: Category, key: str, folder: str) -> None:
    error = ShellError(error_id, category, key, exception_type="System.Exception", path=folder)
    data = error.data(call.host.spec.language, call.name, call.stage.info.class_name)
    call.write_error(replace(data, target=folder))
