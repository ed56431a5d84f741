"""What a command is given and what it gives back.

A command is an ordinary Click command in a file of its own. It gets a `Context` and returns either a `Reply` (an
answer) or a `Plan` (what it wants to change). It never changes anything itself.
"""

from commands.base.answers import Actions, Button, Footnote, Heading, Item, Paragraph, Part, Reply, Table, Tree, say
from commands.base.context import (
    CheckpointNote,
    Context,
    Fleet,
    Grant,
    HistoryEntry,
    HostStatus,
    Person,
    Policy,
    Record,
)
from commands.base.errors import NotAllowed, NotKnown, UsageError
from commands.base.growth import Filling, Growth, Rate
from commands.base.names import is_marked, name, runs, unmarked
from commands.base.plans import (
    Action,
    Apply,
    Configure,
    Create,
    Delete,
    Export,
    Keep,
    Picture,
    Plan,
    Rename,
    Target,
    actions,
)
from commands.base.schedules import (
    Going,
    LastRun,
    Left,
    NoSchedules,
    Rehearsal,
    Schedule,
    SchedulePlan,
    Schedules,
)

__all__ = [
    "Action",
    "Actions",
    "Apply",
    "Button",
    "CheckpointNote",
    "Configure",
    "Context",
    "Create",
    "Delete",
    "Export",
    "Filling",
    "Fleet",
    "Footnote",
    "Going",
    "Grant",
    "Growth",
    "Heading",
    "HistoryEntry",
    "HostStatus",
    "Item",
    "Keep",
    "LastRun",
    "Left",
    "NoSchedules",
    "NotAllowed",
    "NotKnown",
    "Paragraph",
    "Part",
    "Person",
    "Picture",
    "Plan",
    "Policy",
    "Rate",
    "Record",
    "Rehearsal",
    "Rename",
    "Reply",
    "Schedule",
    "SchedulePlan",
    "Schedules",
    "Table",
    "Target",
    "Tree",
    "UsageError",
    "actions",
    "is_marked",
    "name",
    "runs",
    "say",
    "unmarked",
]
