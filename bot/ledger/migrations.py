"""The tables of the ledger, and how an older one becomes a newer one."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from sqlite3 import complete_statement

from sqlite_utils import Database, Migrations

from bot.ledger.errors import LedgerError

APPLICATION_ID = 0x43504254
"""`CPBT`: what `file` and SQLite show of the ledger, and how another program's database is told from it."""

MIGRATIONS = Migrations("checkpointbot.ledger")
VM_ID = "iif(json_valid(detail), json_extract(detail, '$.vm_id'), NULL)"
"""The VM that an event is about, as the index `events_by_kind` has it. An edited event may be no JSON."""
GENESIS = "0" * 64
"""What the first event follows."""


@MIGRATIONS()
def changes_and_events(db: Database) -> None:
    """`plan` stands last: it can be long, and SQLite reads a row from its front."""
    _run(
        db,
        """
        CREATE TABLE changes (
            number INTEGER PRIMARY KEY,
            id TEXT NOT NULL UNIQUE,
            verb TEXT NOT NULL,
            state TEXT NOT NULL,
            person_id TEXT NOT NULL,
            person_name TEXT NOT NULL,
            channel TEXT NOT NULL,
            summary TEXT NOT NULL,
            note TEXT NOT NULL,
            vm_names TEXT NOT NULL,
            reason TEXT NOT NULL DEFAULT '',
            result TEXT NOT NULL DEFAULT '',
            decided_by TEXT,
            created_at TEXT NOT NULL,
            updated_at TEXT NOT NULL,
            expires_at TEXT,
            message_channel TEXT,
            message_ts TEXT,
            outcome TEXT NOT NULL GENERATED ALWAYS AS (
                CASE WHEN state IN ('requested', 'awaiting', 'queued', 'running') THEN ''
                ELSE state || ' ' || iif(result = '', reason, result) END
            ),
            plan TEXT
        );
        CREATE INDEX changes_by_person ON changes (person_id);
        CREATE INDEX changes_by_time ON changes (created_at);
        CREATE INDEX changes_unfinished ON changes (number)
            WHERE state IN ('requested', 'awaiting', 'queued', 'running', 'unknown');

        CREATE TABLE change_vms (
            change INTEGER NOT NULL REFERENCES changes (number),
            position INTEGER NOT NULL,
            vm_id TEXT NOT NULL,
            vm_name TEXT NOT NULL,
            host TEXT NOT NULL,
            PRIMARY KEY (change, position)
        ) WITHOUT ROWID;
        CREATE INDEX change_vms_by_vm ON change_vms (vm_id, change);

        CREATE TABLE events (
            seq INTEGER PRIMARY KEY,
            change_id TEXT NOT NULL REFERENCES changes (id),
            at TEXT NOT NULL,
            event TEXT NOT NULL,
            state TEXT NOT NULL,
            done_by TEXT NOT NULL,
            why TEXT NOT NULL,
            result TEXT NOT NULL,
            detail TEXT NOT NULL,
            previous_hash TEXT NOT NULL,
            hash TEXT NOT NULL
        );
        CREATE INDEX events_by_change ON events (change_id);

        CREATE TABLE chain_head (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            hash TEXT NOT NULL
        );

        CREATE TRIGGER events_are_never_changed BEFORE UPDATE ON events
            BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
        CREATE TRIGGER events_are_never_deleted BEFORE DELETE ON events
            BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
        CREATE TRIGGER changes_are_never_deleted BEFORE DELETE ON changes
            BEGIN SELECT RAISE(ABORT, 'changes are never deleted'); END;
        CREATE TRIGGER events_are_only_added_at_the_end BEFORE INSERT ON events
            WHEN new.seq IS NOT (SELECT seq + 1 FROM chain_head)
            BEGIN SELECT RAISE(ABORT, 'events are only ever added'); END;
        CREATE TRIGGER changes_are_never_replaced BEFORE INSERT ON changes
            WHEN EXISTS (SELECT 1 FROM changes WHERE number = new.number OR id = new.id)
            BEGIN SELECT RAISE(ABORT, 'what was asked is never changed'); END;
        CREATE TRIGGER what_was_asked_stays BEFORE UPDATE OF number, id, verb, person_id, person_name, channel,
            summary, note, vm_names, created_at, expires_at, plan ON changes
            BEGIN SELECT RAISE(ABORT, 'what was asked is never changed'); END;
    """,
    )
    db.execute("INSERT INTO chain_head VALUES (1, 0, ?)", [GENESIS])


@MIGRATIONS()
def search(db: Database) -> None:
    """Only what can be searched updates the index, so that most moves cost it nothing. The prefix indexes keep a search
    for the beginning of a word quick. Datasette knows the index by how `content` is written."""
    _run(
        db,
        """
        CREATE VIRTUAL TABLE changes_fts USING fts5 (
            summary, note, outcome, vm_names, person_name,
            tokenize = 'unicode61 remove_diacritics 2', prefix = '1 2 3', content="changes", content_rowid="number"
        );
        CREATE TRIGGER changes_search_insert AFTER INSERT ON changes BEGIN
            INSERT INTO changes_fts (rowid, summary, note, outcome, vm_names, person_name)
            VALUES (new.number, new.summary, new.note, new.outcome, new.vm_names, new.person_name);
        END;
        CREATE TRIGGER changes_search_update AFTER UPDATE OF state, reason, result ON changes
            WHEN old.outcome IS NOT new.outcome
        BEGIN
            INSERT INTO changes_fts (changes_fts, rowid, summary, note, outcome, vm_names, person_name)
            VALUES ('delete', old.number, old.summary, old.note, old.outcome, old.vm_names, old.person_name);
            INSERT INTO changes_fts (rowid, summary, note, outcome, vm_names, person_name)
            VALUES (new.number, new.summary, new.note, new.outcome, new.vm_names, new.person_name);
        END;
    """,
    )


@MIGRATIONS()
def checkpoints(db: Database) -> None:
    _run(
        db,
        """
        CREATE TABLE checkpoints (
            id TEXT PRIMARY KEY,
            host TEXT NOT NULL,
            vm_id TEXT NOT NULL,
            vm_name TEXT NOT NULL,
            name TEXT NOT NULL,
            owner TEXT,
            reason TEXT NOT NULL DEFAULT '',
            kind TEXT NOT NULL DEFAULT 'unknown',
            state_before TEXT,
            safety INTEGER NOT NULL DEFAULT 0,
            keep_until TEXT,
            pinned INTEGER NOT NULL DEFAULT 0,
            change_id TEXT REFERENCES changes (id),
            first_seen TEXT NOT NULL,
            last_seen TEXT NOT NULL,
            gone_at TEXT
        );
        CREATE INDEX checkpoints_present ON checkpoints (host) WHERE gone_at IS NULL;
    """,
    )


@MIGRATIONS()
def samples(db: Database) -> None:
    _run(
        db,
        """
        CREATE TABLE samples (
            vm_id TEXT NOT NULL,
            at TEXT NOT NULL,
            host TEXT NOT NULL,
            differencing_bytes INTEGER NOT NULL,
            PRIMARY KEY (vm_id, at)
        ) WITHOUT ROWID;
        CREATE INDEX samples_by_time ON samples (at);

        CREATE TABLE volume_samples (
            host TEXT NOT NULL,
            path TEXT NOT NULL,
            at TEXT NOT NULL,
            size INTEGER NOT NULL,
            free INTEGER NOT NULL,
            PRIMARY KEY (host, path, at)
        ) WITHOUT ROWID;
        CREATE INDEX volume_samples_by_time ON volume_samples (at);
    """,
    )


@MIGRATIONS()
def digests(db: Database) -> None:
    _run(
        db,
        """
        CREATE TABLE digests (
            occurrence TEXT PRIMARY KEY,
            channel TEXT NOT NULL,
            claimed_at TEXT NOT NULL,
            posted_at TEXT,
            message_channel TEXT,
            message_ts TEXT,
            text TEXT NOT NULL DEFAULT ''
        );
        CREATE INDEX digests_by_channel ON digests (channel, claimed_at);
    """,
    )


@MIGRATIONS()
def arrivals(db: Database) -> None:
    _run(
        db,
        """
        CREATE TABLE arrivals (
            delivery_id TEXT PRIMARY KEY,
            person_id TEXT NOT NULL,
            channel TEXT NOT NULL,
            text TEXT NOT NULL,
            at TEXT NOT NULL
        );
    """,
    )


@MIGRATIONS()
def views(db: Database) -> None:
    """For Datasette, and for anyone with a question in SQL."""
    _run(
        db,
        """
        CREATE VIEW open_changes AS
            SELECT id, state, verb, summary, vm_names, person_name, channel, created_at, expires_at, reason
            FROM changes WHERE state IN ('requested', 'awaiting', 'queued', 'running', 'unknown') ORDER BY number;
        CREATE VIEW checkpoint_owners AS
            SELECT p.host, p.vm_name, p.name, coalesce(c.person_name, p.owner, 'nobody known') AS owner, p.reason,
                p.kind, CASE WHEN p.pinned THEN 'forever' ELSE p.keep_until END AS keep_until, p.safety,
                p.first_seen, p.last_seen, p.id
            FROM checkpoints p LEFT JOIN changes c ON c.id = p.change_id AND c.person_id = p.owner
            WHERE p.gone_at IS NULL ORDER BY p.host, p.vm_name, p.first_seen;
        CREATE VIEW history AS
            SELECT e.seq, e.at, e.event, c.summary, c.vm_names, c.person_name AS asked_by, e.done_by, e.why, e.result,
                e.change_id
            FROM events e JOIN changes c ON c.id = e.change_id ORDER BY e.seq DESC;
    """,
    )


@MIGRATIONS()
def events_by_kind(db: Database) -> None:
    """Of a change of 500 VMs, what happened to one of them is found as quickly as of a change of one."""
    _run(
        db,
        f"""
        DROP INDEX events_by_change;
        CREATE INDEX events_by_kind ON events (change_id, event, {VM_ID});
    """,
    )


@MIGRATIONS()
def answers_that_arrive(db: Database) -> None:
    """Of a button of a card: the change that it answers."""
    db.execute("ALTER TABLE arrivals ADD COLUMN change_id TEXT NOT NULL DEFAULT ''")


@MIGRATIONS()
def search_anywhere(db: Database) -> None:
    """Scripts without spaces, and the middle of words: an index of three letters in a row."""
    _run(
        db,
        """
        CREATE VIRTUAL TABLE changes_trigrams USING fts5 (
            summary, note, outcome, vm_names, person_name,
            tokenize = 'trigram', content="changes", content_rowid="number"
        );
        INSERT INTO changes_trigrams (changes_trigrams) VALUES ('rebuild');
        CREATE TRIGGER changes_trigrams_insert AFTER INSERT ON changes BEGIN
            INSERT INTO changes_trigrams (rowid, summary, note, outcome, vm_names, person_name)
            VALUES (new.number, new.summary, new.note, new.outcome, new.vm_names, new.person_name);
        END;
        CREATE TRIGGER changes_trigrams_update AFTER UPDATE OF state, reason, result ON changes
            WHEN old.outcome IS NOT new.outcome
        BEGIN
            INSERT INTO changes_trigrams (changes_trigrams, rowid, summary, note, outcome, vm_names, person_name)
            VALUES ('delete', old.number, old.summary, old.note, old.outcome, old.vm_names, old.person_name);
            INSERT INTO changes_trigrams (rowid, summary, note, outcome, vm_names, person_name)
            VALUES (new.number, new.summary, new.note, new.outcome, new.vm_names, new.person_name);
        END;
    """,
    )


@MIGRATIONS()
def who_keeps(db: Database) -> None:
    """Who said last how long a checkpoint is wanted: by the changes that said so, and else whoever took it."""
    _run(
        db,
        """
        ALTER TABLE checkpoints ADD COLUMN kept_by TEXT;
        UPDATE checkpoints SET kept_by = owner WHERE pinned OR keep_until IS NOT NULL;
        UPDATE checkpoints SET kept_by = said.person_id FROM (
            SELECT iif(json_valid(e.detail), json_extract(e.detail, '$.checkpoint_id'), NULL) AS checkpoint_id,
                c.person_id, max(e.seq)
            FROM changes c JOIN events e ON e.change_id = c.id AND e.event = 'outcome'
            WHERE c.verb = 'keep' AND c.state = 'succeeded' GROUP BY 1
        ) AS said WHERE said.checkpoint_id = checkpoints.id AND kept_by IS NOT NULL;
        DROP VIEW checkpoint_owners;
        CREATE VIEW checkpoint_owners AS
            SELECT p.host, p.vm_name, p.name, coalesce(c.person_name, p.owner, 'nobody known') AS owner, p.reason,
                p.kind, CASE WHEN p.pinned THEN 'forever' ELSE p.keep_until END AS keep_until, p.kept_by, p.safety,
                p.first_seen, p.last_seen, p.id
            FROM checkpoints p LEFT JOIN changes c ON c.id = p.change_id AND c.person_id = p.owner
            WHERE p.gone_at IS NULL ORDER BY p.host, p.vm_name, p.first_seen;
    """,
    )


@MIGRATIONS()
def housekeeping(db: Database) -> None:
    """Deletes that the clock has to do."""
    _run(
        db,
        """
        CREATE TABLE housekeeping (
            id TEXT PRIMARY KEY,
            clock TEXT NOT NULL,
            reference TEXT NOT NULL,
            owner TEXT NOT NULL,
            owner_name TEXT NOT NULL,
            channel TEXT NOT NULL,
            host TEXT NOT NULL,
            vm_id TEXT NOT NULL,
            vm_name TEXT NOT NULL,
            checkpoint_id TEXT NOT NULL,
            checkpoint_name TEXT NOT NULL,
            taken_at TEXT NOT NULL,
            stage TEXT NOT NULL,
            why TEXT NOT NULL,
            queued_at TEXT NOT NULL
        );
        CREATE INDEX housekeeping_by_host ON housekeeping (host, stage);
        CREATE INDEX housekeeping_by_reference ON housekeeping (reference);
        CREATE INDEX housekeeping_by_checkpoint ON housekeeping (checkpoint_id);
    """,
    )


@MIGRATIONS()
def absences(db: Database) -> None:
    """Hosts that do not answer, and whether that was told."""
    db.execute("CREATE TABLE absences (host TEXT PRIMARY KEY, since TEXT NOT NULL, told_at TEXT)")


@MIGRATIONS()
def samples_thinned_with_age(db: Database) -> None:
    """A year of samples of thousands of VMs is millions of rows, so a row is small: a number for what was sampled, and
    seconds. `rank` says how long it is kept. Those that are there are ranked as they would have been."""
    _run(
        db,
        """
        DROP INDEX samples_by_time;
        DROP INDEX volume_samples_by_time;
        ALTER TABLE samples RENAME TO samples_before;
        CREATE TABLE sampled (
            number INTEGER PRIMARY KEY,
            host TEXT NOT NULL,
            name TEXT NOT NULL,
            size INTEGER,
            UNIQUE (host, name)
        );
        CREATE TABLE samples (
            what INTEGER NOT NULL REFERENCES sampled (number),
            at INTEGER NOT NULL,
            rank INTEGER NOT NULL,
            bytes INTEGER NOT NULL,
            PRIMARY KEY (what, at)
        ) WITHOUT ROWID;
        CREATE INDEX samples_by_rank ON samples (rank, at);

        CREATE TEMP TABLE older AS
            SELECT '' AS host, vm_id AS name, CAST(strftime('%s', at) AS INTEGER) AS at, NULL AS size,
                differencing_bytes AS bytes FROM samples_before
            UNION ALL
            SELECT host, path, CAST(strftime('%s', at) AS INTEGER), size, free FROM volume_samples;
        INSERT INTO sampled (host, name, size) SELECT host, name, max(size) FROM older GROUP BY host, name;
        INSERT OR REPLACE INTO samples
            SELECT number, at, CASE WHEN at = min(at) OVER (PARTITION BY number, at / 86400) THEN 2
                WHEN at = min(at) OVER (PARTITION BY number, at / 14400) THEN 1 ELSE 0 END, bytes
            FROM older JOIN sampled USING (host, name);
        DROP TABLE older;
        DROP TABLE samples_before;
        DROP TABLE volume_samples;

        CREATE VIEW sizes AS
            SELECT host, name, datetime(at, 'unixepoch') AS at, bytes, size FROM samples JOIN sampled ON number = what;
    """,
    )


@MIGRATIONS()
def what_digests_listed(db: Database) -> None:
    """As JSON with a version, so that the next digest of the channel can say what has been solved."""
    db.execute("ALTER TABLE digests ADD COLUMN listed TEXT NOT NULL DEFAULT ''")


@MIGRATIONS()
def schedules(db: Database) -> None:
    """Recurring checkpoints, their runs, and the changes that each made: by these a schedule knows its own."""
    _run(
        db,
        """
        CREATE TABLE schedules (
            id TEXT PRIMARY KEY,
            name TEXT NOT NULL,
            owner TEXT NOT NULL,
            owner_name TEXT NOT NULL,
            channel TEXT NOT NULL,
            from_settings INTEGER NOT NULL,
            definition TEXT NOT NULL,
            made_at TEXT NOT NULL,
            last_due TEXT NOT NULL,
            paused_by TEXT NOT NULL DEFAULT '',
            paused_why TEXT NOT NULL DEFAULT '',
            removed_at TEXT
        );
        CREATE TABLE schedule_runs (
            occurrence TEXT PRIMARY KEY,
            schedule_id TEXT NOT NULL,
            due_at TEXT NOT NULL,
            claimed_by TEXT NOT NULL,
            claimed_at TEXT NOT NULL,
            only TEXT NOT NULL DEFAULT 'null',
            notes TEXT,
            outcome TEXT NOT NULL DEFAULT '',
            failed TEXT NOT NULL DEFAULT '[]',
            message_channel TEXT,
            message_ts TEXT
        );
        CREATE INDEX schedule_runs_by_schedule ON schedule_runs (schedule_id, claimed_at);
        CREATE TABLE schedule_changes (
            change_id TEXT PRIMARY KEY,
            schedule_id TEXT NOT NULL,
            occurrence TEXT NOT NULL
        );
        CREATE INDEX schedule_changes_by_schedule ON schedule_changes (schedule_id);
        CREATE INDEX checkpoints_by_change ON checkpoints (change_id);
        CREATE TABLE schedule_told (
            schedule_id TEXT NOT NULL,
            subject TEXT NOT NULL,
            key TEXT NOT NULL,
            occurrence TEXT NOT NULL,
            PRIMARY KEY (schedule_id, subject)
        );
    """,
    )


@MIGRATIONS()
def claims(db: Database) -> None:
    """Who took a checkpoint stays; whose it is says the change by which it was claimed."""
    _run(
        db,
        """
        ALTER TABLE checkpoints ADD COLUMN claim_id TEXT REFERENCES changes (id);
        DROP VIEW checkpoint_owners;
        CREATE VIEW checkpoint_owners AS
            SELECT p.host, p.vm_name, p.name, coalesce(k.person_name, c.person_name, p.owner, 'nobody known') AS owner,
                p.reason, p.kind, CASE WHEN p.pinned THEN 'forever' ELSE p.keep_until END AS keep_until, p.kept_by,
                p.safety, p.first_seen, p.last_seen, p.id, p.owner AS taken_by, k.created_at AS claimed_at
            FROM checkpoints p LEFT JOIN changes c ON c.id = p.change_id AND c.person_id = p.owner
            LEFT JOIN changes k ON k.id = p.claim_id
            WHERE p.gone_at IS NULL ORDER BY p.host, p.vm_name, p.first_seen;
    """,
    )


@MIGRATIONS()
def changes_by_state(db: Database) -> None:
    """How many changes there are by state and verb is counted in the index, each time the metrics are read."""
    db.execute("CREATE INDEX changes_by_state ON changes (state, verb)")


@MIGRATIONS()
def notices(db: Database) -> None:
    """What people are told by the clock, and since when a checkpoint is kept for as long as it is."""
    _run(
        db,
        """
        ALTER TABLE checkpoints ADD COLUMN kept_at TEXT;
        CREATE TABLE notices (
            occurrence TEXT PRIMARY KEY,
            person TEXT NOT NULL,
            channel TEXT NOT NULL,
            text TEXT NOT NULL,
            detail TEXT NOT NULL,
            checkpoint_id TEXT NOT NULL,
            until TEXT,
            queued_at TEXT NOT NULL,
            claimed_at TEXT,
            told_at TEXT,
            goes_at TEXT
        );
        CREATE INDEX notices_waiting ON notices (person) WHERE claimed_at IS NULL;
    """,
    )


@MIGRATIONS()
def verdicts(db: Database) -> None:
    """How sound each VM's checkpoints are. The reasons are JSON with a version; what later looks must not forget stands
    in columns of its own."""
    db.execute("""
        CREATE TABLE verdicts (
            vm_id TEXT PRIMARY KEY,
            vm_name TEXT NOT NULL,
            host TEXT NOT NULL,
            verdict TEXT NOT NULL,
            reasons TEXT NOT NULL,
            judged_at TEXT NOT NULL,
            since TEXT NOT NULL,
            forked_at TEXT,
            watched_since TEXT,
            watched_until TEXT,
            creating_since TEXT,
            told INTEGER NOT NULL DEFAULT 0,
            acknowledged_at TEXT,
            acknowledged_by TEXT NOT NULL DEFAULT '',
            acknowledged_name TEXT NOT NULL DEFAULT '',
            acknowledged_why TEXT NOT NULL DEFAULT ''
        )
    """)


@MIGRATIONS()
def taken_over(db: Database) -> None:
    """Whose a change is since a colleague took it over. What was asked stays, and so does who asked."""
    _run(
        db,
        """
        ALTER TABLE changes ADD COLUMN taken_by TEXT;
        ALTER TABLE changes ADD COLUMN taken_name TEXT;
    """,
    )


@MIGRATIONS()
def streams(db: Database) -> None:
    """Where the chain is streamed to, and the last event that each place has taken."""
    db.execute("""
        CREATE TABLE streams (
            target TEXT PRIMARY KEY,
            seq INTEGER NOT NULL,
            hash TEXT NOT NULL,
            active INTEGER NOT NULL,
            sent_at TEXT
        )
    """)


@MIGRATIONS()
def archives(db: Database) -> None:
    """Where the chain of this file begins, once what is old was archived. `changes` is the number of the last change
    that was; those of that number and before it that are still there stayed."""
    db.execute("""
        CREATE TABLE chain_base (
            id INTEGER PRIMARY KEY CHECK (id = 1),
            seq INTEGER NOT NULL,
            hash TEXT NOT NULL,
            changes INTEGER NOT NULL,
            is_archive INTEGER NOT NULL
        )
    """)
    db.execute("INSERT INTO chain_base VALUES (1, 0, ?, 0, 0)", [GENESIS])


@MIGRATIONS()
def greetings(db: Database) -> None:
    """Who was told what the bot is for. Whoever has asked for something before knows that already."""
    _run(
        db,
        """
        CREATE TABLE greetings (
            person_id TEXT PRIMARY KEY,
            at TEXT NOT NULL
        );
        INSERT OR IGNORE INTO greetings SELECT person_id, min(created_at) FROM changes GROUP BY person_id;
    """,
    )


@MIGRATIONS()
def freezes(db: Database) -> None:
    """Since when nothing is changed, and who lets it go on. Each step is a change in the chain, too."""
    db.execute("""
        CREATE TABLE freezes (
            id TEXT PRIMARY KEY,
            by TEXT NOT NULL,
            by_name TEXT NOT NULL,
            reason TEXT NOT NULL,
            at TEXT NOT NULL,
            proposed_by TEXT NOT NULL DEFAULT '',
            proposed_name TEXT NOT NULL DEFAULT '',
            proposed_at TEXT,
            proposal TEXT NOT NULL DEFAULT '',
            lifted_by TEXT NOT NULL DEFAULT '',
            lifted_name TEXT NOT NULL DEFAULT '',
            lifted_at TEXT
        )
    """)


@MIGRATIONS()
def signatures(db: Database) -> None:
    """Signed requests that were taken."""
    db.execute("CREATE TABLE signatures (signature TEXT PRIMARY KEY, until TEXT NOT NULL) WITHOUT ROWID")
    db.execute("CREATE INDEX signatures_by_until ON signatures (until)")


@MIGRATIONS()
def archived_changes(db: Database) -> None:
    """How many changes went into archives, by verb and state: what is counted since ever does not fall."""
    db.execute("""
        CREATE TABLE archived_changes (
            verb TEXT NOT NULL,
            state TEXT NOT NULL,
            count INTEGER NOT NULL,
            PRIMARY KEY (verb, state)
        ) WITHOUT ROWID
    """)


@MIGRATIONS()
def checkpoints_of_an_owner(db: Database) -> None:
    """Finds what somebody has among thousands, for every Home tab."""
    db.execute("CREATE INDEX checkpoints_by_owner ON checkpoints (owner) WHERE owner IS NOT NULL")
    db.execute("CREATE INDEX checkpoints_by_claim ON checkpoints (claim_id) WHERE claim_id IS NOT NULL")


def migrate(db: Database, path: Path) -> None:
    """Bring the database to what this version needs. Call it inside a transaction, so that of two programs that start
    at once one does it. Raises `LedgerError` for a database that is newer, or that is something else."""
    check(db, path)
    MIGRATIONS.apply(db)
    db.execute(f"PRAGMA application_id = {APPLICATION_ID}")


def check(db: Database, path: Path) -> None:
    """Raises `LedgerError` for a database that is newer than this version, or that is something else."""
    names = {migration.name for migration in MIGRATIONS.applied(db)}
    if not names and db.table_names():
        raise LedgerError(f"{path} is not a ledger: it is a database of another program. Nothing was changed in it.")
    with Database(memory=True, execute_plugins=False) as empty:
        newer = names - {migration.name for migration in MIGRATIONS.pending(empty)}
    if newer:
        raise LedgerError(
            f"The ledger {path} was made by a newer version of Checkpoint Bot. Nothing was changed in it. "
            "Install that version, or a newer one.",
            f"unknown migrations: {', '.join(sorted(newer))}",
        )


def is_older(db: Database, path: Path) -> bool:
    """Whether it is a ledger of an older version. Raises `LedgerError` as `check` does."""
    check(db, path)
    return bool(MIGRATIONS.applied(db) and MIGRATIONS.pending(db))


def check_current(db: Database, path: Path) -> None:
    """For those who only read: raises `LedgerError` unless the database is as this version needs it."""
    check(db, path)
    if MIGRATIONS.pending(db):
        raise LedgerError(
            f"The ledger {path} is of an older version of Checkpoint Bot, or empty. Start the bot once to bring it "
            "up to date."
        )
    missing = sorted(_needed() - _columns(db))
    if missing:
        raise LedgerError(f"The ledger {path} is damaged: it has no column {missing[0]}. Put a backup in its place.")


@cache
def _needed() -> frozenset[str]:
    with Database(memory=True, execute_plugins=False) as right:
        MIGRATIONS.apply(right)
        return frozenset(_columns(right))


def _columns(db: Database) -> set[str]:
    found = db.execute(
        "SELECT tables.name, columns.name FROM sqlite_master tables JOIN pragma_table_info(tables.name) columns "
        "WHERE tables.type = 'table'"
    )
    return {f"{table}.{column}" for table, column in found}


def _run(db: Database, script: str) -> None:
    """Each statement ends with its line. sqlite-utils' own `executescript` looks for that at every letter and from the
    beginning, which takes most of the time in which a ledger is made."""
    statement = ""
    for line in script.splitlines(keepends=True):
        statement += line
        if complete_statement(statement):
            db.execute(statement)
            statement = ""
    if statement.strip():
        db.execute(statement)
