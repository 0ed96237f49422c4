"""Values that blocks take and return. Plain, frozen, without Prefect, I/O or clock.

Sizes are bytes, durations are timedelta, times are aware UTC datetimes.
"""

from blocks.types.archives import (
    AgentState,
    ArchiveListing,
    FilePiece,
    LogId,
    LogLink,
    LogPiece,
    LogPoint,
    LogSource,
    LogSpan,
    ShippedSite,
)
from blocks.types.backups import (
    Label,
    Part,
    ReadBack,
    RecoverySet,
    RestoreSummary,
    Snapshot,
    SnapshotRef,
    StoredObject,
)
from blocks.types.databases import Canary, DatabaseFacts, DatabaseSchema, Position, TableFacts
from blocks.types.machines import HostKey, Machine, MachineRequest, MachineSize, PowerState
from blocks.types.names import AddressChange, AddressRecord
from blocks.types.promises import Frequency, Tier
from blocks.types.servers import Account, CommandResult, Overlay, RemoteCommand, ServerFacts
from blocks.types.sites import SmokeCheck, SmokeResult
from blocks.types.storage import (
    BucketCheck,
    CheckResult,
    CheckState,
    KeyRole,
    Lock,
    ObjectVersion,
    SelfTest,
)

__all__ = [
    "Account",
    "AddressChange",
    "AddressRecord",
    "AgentState",
    "ArchiveListing",
    "BucketCheck",
    "Canary",
    "CheckResult",
    "CheckState",
    "CommandResult",
    "DatabaseFacts",
    "DatabaseSchema",
    "FilePiece",
    "Frequency",
    "HostKey",
    "KeyRole",
    "Label",
    "Lock",
    "LogId",
    "LogLink",
    "LogPiece",
    "LogPoint",
    "LogSource",
    "LogSpan",
    "Machine",
    "MachineRequest",
    "MachineSize",
    "ObjectVersion",
    "Overlay",
    "Part",
    "Position",
    "PowerState",
    "ReadBack",
    "RecoverySet",
    "RemoteCommand",
    "RestoreSummary",
    "SelfTest",
    "ServerFacts",
    "ShippedSite",
    "SmokeCheck",
    "SmokeResult",
    "Snapshot",
    "SnapshotRef",
    "StoredObject",
    "TableFacts",
    "Tier",
]
