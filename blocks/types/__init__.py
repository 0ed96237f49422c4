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
from blocks.types.databases import (
    AccountRights,
    Canary,
    DatabaseContent,
    DatabaseFacts,
    DatabaseSchema,
    Position,
    TableContent,
    TableFacts,
)
from blocks.types.machines import HostKey, Machine, MachineRequest, MachineSize, PowerState
from blocks.types.names import AddressChange, AddressRecord
from blocks.types.places import FailureDomain
from blocks.types.promises import Frequency, Tier
from blocks.types.servers import (
    Account,
    CommandResult,
    Overlay,
    RemoteCommand,
    ServerFacts,
    SshAddress,
)
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
from blocks.types.verification import (
    Damage,
    FileDigest,
    Proof,
    Reading,
    SliceRead,
    SpotCheck,
    StoredFile,
)

__all__ = [
    "Account",
    "AccountRights",
    "AddressChange",
    "AddressRecord",
    "AgentState",
    "ArchiveListing",
    "BucketCheck",
    "Canary",
    "CheckResult",
    "CheckState",
    "CommandResult",
    "Damage",
    "DatabaseContent",
    "DatabaseFacts",
    "DatabaseSchema",
    "FailureDomain",
    "FileDigest",
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
    "Proof",
    "ReadBack",
    "Reading",
    "RecoverySet",
    "RemoteCommand",
    "RestoreSummary",
    "SelfTest",
    "ServerFacts",
    "ShippedSite",
    "SliceRead",
    "SmokeCheck",
    "SmokeResult",
    "Snapshot",
    "SnapshotRef",
    "SpotCheck",
    "SshAddress",
    "StoredFile",
    "StoredObject",
    "TableContent",
    "TableFacts",
    "Tier",
]
